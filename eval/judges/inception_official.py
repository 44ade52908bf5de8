"""Reads the files in which others publish the Inception of 2015-12-05, as data: no program in them is run.

Two files have the same weights: the TorchScript file that clean-fid uses, and the state dict that pytorch-fid and
torch-fidelity use. The former names its tensors as TensorFlow does, the latter as torchvision does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from bridgebench.eval.judges.backbones import COUNTER
from bridgebench.eval.judges.inception import Inception
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.official.files import existing, read_torch
from bridgebench.methods.official.tensors import match
from bridgebench.methods.official.torchscript import is_torchscript, read_torchscript

FILE = "inception-2015-12-05.pt"
STATE_DICT_URL = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
)

# torchvision's names of modules by TensorFlow's.
_STEM = {
    "conv": "Conv2d_1a_3x3",
    "conv_1": "Conv2d_2a_3x3",
    "conv_2": "Conv2d_2b_3x3",
    "conv_3": "Conv2d_3b_1x1",
    "conv_4": "Conv2d_4a_3x3",
}
_BLOCKS = ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c")
_FINE = {
    "conv": "branch1x1",
    "tower.conv": "branch5x5_1",
    "tower.conv_1": "branch5x5_2",
    "tower_1.conv": "branch3x3dbl_1",
    "tower_1.conv_1": "branch3x3dbl_2",
    "tower_1.conv_2": "branch3x3dbl_3",
    "tower_2.conv": "branch_pool",
}
_TO_MIDDLE = {
    "conv": "branch3x3",
    "tower.conv": "branch3x3dbl_1",
    "tower.conv_1": "branch3x3dbl_2",
    "tower.conv_2": "branch3x3dbl_3",
}
_MIDDLE = {
    "conv": "branch1x1",
    "tower.conv": "branch7x7_1",
    "tower.conv_1": "branch7x7_2",
    "tower.conv_2": "branch7x7_3",
    "tower_1.conv": "branch7x7dbl_1",
    "tower_1.conv_1": "branch7x7dbl_2",
    "tower_1.conv_2": "branch7x7dbl_3",
    "tower_1.conv_3": "branch7x7dbl_4",
    "tower_1.conv_4": "branch7x7dbl_5",
    "tower_2.conv": "branch_pool",
}
_TO_COARSE = {
    "tower.conv": "branch3x3_1",
    "tower.conv_1": "branch3x3_2",
    "tower_1.conv": "branch7x7x3_1",
    "tower_1.conv_1": "branch7x7x3_2",
    "tower_1.conv_2": "branch7x7x3_3",
    "tower_1.conv_3": "branch7x7x3_4",
}
_COARSE = {
    "conv": "branch1x1",
    "tower_conv": "branch3x3_1",
    "tower_mixed_conv": "branch3x3_2a",
    "tower_mixed_conv_1": "branch3x3_2b",
    "tower_1_conv": "branch3x3dbl_1",
    "tower_1_conv_1": "branch3x3dbl_2",
    "tower_1_mixed_conv": "branch3x3dbl_3a",
    "tower_1_mixed_conv_1": "branch3x3dbl_3b",
    "tower_2_conv": "branch_pool",
}
_INSIDE = (*[_FINE] * 3, _TO_MIDDLE, *[_MIDDLE] * 4, _TO_COARSE, *[_COARSE] * 2)
_FIELDS = {"weight": "conv.weight", "beta": "bn.bias", "mean": "bn.running_mean", "var": "bn.running_var"}
_SCALE = "bn.weight"  # all ones: TensorFlow's normalization has no scale
# What else there is in the two files: the layer of classes, and counters that nothing reads.
_REST = (r"output\..*", r"fc\..*", r"AuxLogits\..*", rf".*\.{COUNTER}")


def import_inception(path: Path) -> Inception:
    """The network with the weights of one of the two files.

    Raises:
        UserError: the file is missing, damaged, or holds another network.
    """
    path = existing(path)
    network = Inception()
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if is_torchscript(path):
        found = match(read_torchscript(path), expected, where=path, optional=_REST)
    else:
        found = _of_state_dict(read_torch(path), expected, path)
    network.load_state_dict({name: tensor.float() for name, tensor in found.items()})
    return network.eval()


def _of_state_dict(tensors: dict[str, Tensor], expected: dict[str, tuple[int, ...]], path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict with torchvision's names, by our names."""
    modules = dict(_modules())
    theirs = {}
    scales = {f"{module}.{_SCALE}": expected[f"{ours}.beta"] for ours, module in modules.items()}
    for name in expected:
        ours, _, field = name.rpartition(".")
        theirs[name] = f"{modules[ours]}.{_FIELDS[field]}"
    shapes = {theirs[name]: shape for name, shape in expected.items()}
    found = match(tensors, shapes | scales, where=path, optional=_REST)
    scaled = next((name for name in scales if not torch.equal(found[name], torch.ones_like(found[name]))), None)
    if scaled is not None:
        raise UserError(
            f"{path} is not the Inception of 2015-12-05: its tensor {scaled} is not all ones (torchvision's own "
            f"Inception is another network); fetch {STATE_DICT_URL}."
        )
    return {name: found[theirs[name]] for name in expected}


def _modules() -> Iterator[tuple[str, str]]:
    """Our name and torchvision's of each convolution."""
    for ours, theirs in _STEM.items():
        yield f"layers.{ours}", theirs
    for number, (block, inside) in enumerate(zip(_BLOCKS, _INSIDE, strict=True)):
        mixed = f"layers.mixed_{number}" if number else "layers.mixed"
        for ours, theirs in inside.items():
            yield f"{mixed}.{ours}", f"Mixed_{block}.{theirs}"
