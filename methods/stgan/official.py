"""Official STGAN checkpoints: the variables of a TensorFlow 1 run, under the names that TensorFlow gave them.

TensorFlow numbers the layers of a scope in order of creation: Conv, Conv_1, ...; our modules are created in the same
order, so the names follow from a walk through them. A norm stands in the scope of the convolution before it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.official.files import read_variables
from bridgebench.methods.official.tensors import match, named_columns, shape_of
from bridgebench.methods.stgan.editor import STGAN
from bridgebench.methods.stgan.networks import CriticNorm
from torch import Tensor, nn

OFFICIAL_ATTRIBUTES = (
    *("Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses", "Male"),
    *("Mouth_Slightly_Open", "Mustache", "No_Beard", "Pale_Skin", "Young"),
)
_SCOPES = {"encoder": "Genc", "units": "Gstu", "decoder": "Gdec"}
_OFFICIAL_SIZE = 128
_DENSE = "D/flatten_fully_connected/fully_connected/weights"
# What an edit does not need: the discriminator, Adam's state, the counter of iterations.
_UNREAD = (
    r"D/Conv(_\d+)?/(weights|InstanceNorm/(gamma|beta))",
    r"D/flatten_fully_connected(_[123])?/fully_connected/(weights|biases)",
    r".*/Adam(_1)?",
    r"beta[12]_power(_\d+)?",
    r"counter/counter",
)
# The official judge is a graph of its own (methods/stgan/classifier.py); a session that held both may have saved both.
_JUDGE = r"classifier/.*"
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
_WEIGHTS = {"weight": "weights", "bias": "biases"}
# Axes: (h, w, in, out) and, transposed, (h, w, out, in) -> PyTorch's; dense layers (in, out) -> (out, in).
_TO_OURS = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}


def import_official(paths: Sequence[str | Path], attributes: Sequence[str] | None = None) -> STGAN:
    """The editor of an official checkpoint, in eval mode; all its sizes are read from the tensors.

    Args:
        paths: one checkpoint: an ``.npz`` file with the variables under their names (with or without ``:0``), or a
            TensorFlow checkpoint, as the prefix ``Epoch_(e).ckpt`` or any of its ``.index``, ``.meta`` and
            ``.data-...`` files. The variables of the generator must be there; those of D and Adam may be. The image
            size is read from D's (else 128, the official default; the generator takes any).
        attributes: names of the label columns, in the order of training; default: the official 13 or, for 14 columns,
            the benchmark's.

    Raises:
        UserError: a damaged file, missing or unknown tensors (named), or attributes whose number is not that of the
            checkpoint.
    """
    path, tensors = read_variables(paths, "STGAN")
    sizes = _sizes(tensors, path)
    columns = sizes.pop("columns")
    # Sizes that a damaged file claims are held against its tensors before any memory is taken for them.
    with torch.device("meta"):
        editor = STGAN(attributes=named_columns(attributes, columns, (OFFICIAL_ATTRIBUTES, CELEBA14), path), **sizes)
    expected: dict[str, list[int]] = {}
    for part, scope in _SCOPES.items():
        expected |= official_shapes(editor.generator.get_submodule(part), scope)
    match(tensors, expected, where=path, optional=(*_UNREAD, _JUDGE))
    for part, scope in _SCOPES.items():
        network = editor.generator.get_submodule(part)
        network.load_state_dict(official_state(network, scope, tensors, path), assign=True)
    for parameter in editor.parameters():
        parameter.requires_grad_()
    return editor.eval()


def official_names(network: nn.Module, scope: str) -> dict[str, str]:
    """The TensorFlow name of each tensor of one of STGAN's networks, by its name here.

    Args:
        network: `Encoder`, `TransferUnits`, `Decoder` or `Discriminator`.
        scope: ``"Genc"``, ``"Gstu"``, ``"Gdec"`` or ``"D"``.
    """
    names: dict[str, str] = {}
    created: Counter[str] = Counter()
    layer = ""
    for path, module in network.named_modules():
        if isinstance(module, (nn.BatchNorm2d, CriticNorm)):
            inner = "/BatchNorm" if isinstance(module, nn.BatchNorm2d) else "/InstanceNorm"
            leaves = _NORM
        elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            layer, inner = {
                nn.Conv2d: ("Conv", ""),
                nn.ConvTranspose2d: ("Conv2d_transpose", ""),
                nn.Linear: ("flatten_fully_connected", "/fully_connected"),
            }[type(module)]
            created[layer] += 1
            layer += f"_{created[layer] - 1}" if created[layer] > 1 else ""
            leaves = _WEIGHTS
        else:
            continue
        held = [leaf for leaf in leaves if getattr(module, leaf, None) is not None]
        names |= {f"{path}.{leaf}": f"{scope}/{layer}{inner}/{leaves[leaf]}" for leaf in held}
    return names


def official_state(
    network: nn.Module, scope: str, tensors: Mapping[str, np.ndarray], where: str | Path
) -> dict[str, Tensor]:
    """The state dict of one network from the variables of a checkpoint; arguments as in `official_names`.

    Args:
        tensors: by TensorFlow name, in TensorFlow's layouts; other scopes are passed over.
        where: the file, for the message.

    Raises:
        UserError: tensors of the scope are missing, of another shape, or not of floating point.
    """
    found = match(tensors, official_shapes(network, scope), where=where, optional=[r".*"])
    names = official_names(network, scope)
    state = {name: _to_ours(official, found[official], where) for name, official in names.items()}
    # PyTorch's batch norm counts its batches, TensorFlow's does not; a given momentum leaves the count unread.
    return {name: state[name] if name in state else torch.zeros((), dtype=torch.long) for name in network.state_dict()}


def official_shapes(network: nn.Module, scope: str) -> dict[str, list[int]]:
    """The shapes that TensorFlow gives to a network's variables, by TensorFlow name."""
    ours = network.state_dict()
    return {
        official: [ours[name].shape[axis] for axis in np.argsort(_TO_OURS[ours[name].ndim])]
        for name, official in official_names(network, scope).items()
    }


def _to_ours(name: str, array: np.ndarray, where: str | Path) -> Tensor:
    if array.dtype.kind != "f":
        raise UserError(f"The tensor {name} of {where} holds {array.dtype} instead of floating point numbers.")
    # Always a copy: batch norm's moving averages change in place, the caller's arrays must not.
    return torch.from_numpy(np.array(array.transpose(_TO_OURS[array.ndim]), np.float32, order="C"))


def _sizes(tensors: Mapping[str, np.ndarray], path: Path) -> dict[str, int]:
    """The constructor's sizes, and ``columns``, the number of attributes."""
    shape = partial(shape_of, tensors, where=path, title="STGAN")
    # Counted in all three networks, so that what a damaged file lacks of one is told.
    layers = max(
        _layers(tensors, "Genc/Conv"),
        _layers(tensors, "Gstu/Conv2d_transpose") + 1,
        _layers(tensors, "Gdec/Conv2d_transpose"),
        2,
    )
    *_, width = shape("Genc/Conv/weights", (1, 1, 3, 1))
    *_, bottleneck = shape(_numbered("Genc/Conv", layers - 1), (1, 1, 1, 1))
    *_, unit_width, _ = shape(_numbered("Gstu/Conv2d_transpose", layers - 2), (1, 1, 1, 1))
    *_, inputs = shape("Gdec/Conv2d_transpose/weights", (1, 1, 1, bottleneck + 1))
    image_size = _OFFICIAL_SIZE
    if _DENSE in tensors:
        dense, _ = shape(_DENSE, (bottleneck, 1))
        image_size = math.isqrt(dense // bottleneck) * 2**layers
    return {
        "columns": inputs - bottleneck,
        "image_size": image_size,
        "width": width,
        "unit_width": unit_width,
        "layers": layers,
    }


def _numbered(layer: str, number: int) -> str:
    return f"{layer}_{number}/weights" if number else f"{layer}/weights"


def _layers(tensors: Mapping[str, np.ndarray], layer: str) -> int:
    """How many numbered layers of a kind there are, each with one of its tensors at least."""
    return len({found[0] for name in tensors if (found := re.match(rf"{layer}(_\d+)?(?=/)", name))})
