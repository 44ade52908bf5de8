"""Official SMIT checkpoints, ``<epoch>_<iteration>_G.pth`` and ``_D.pth``: each a bare state dict.

In these files, layers are named after their channels, and AdaIN layers have buffers that nothing reads. Runs on
several GPUs put ``module.`` before every name, and older files call the embedding ``adain_net``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.nn.blocks import InstanceNorm
from bridgebench.methods.official.files import read_torch
from bridgebench.methods.official.tensors import match, named_columns
from bridgebench.methods.smit.editor import SMIT
from bridgebench.methods.smit.networks import AdaptiveBlock, Discriminator, Generator, SampleNorm

OFFICIAL_ATTRIBUTES = (
    "Eyeglasses",
    "Bangs",
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Gray_Hair",
    "Male",
    "Pale_Skin",
    "Smiling",
    "Young",
)
_OFFICIAL_SIZE = 256
_NOISE_SIZE = 20  # the only size that the official code allows
_EMBEDDING = "Domain_Embedding.model.output"
_UNREAD = r"generator\.main\.res_\d+_\d+\.main\.[14]\.running_(mean|var)"
# The numbers are bounded, so that a damaged name cannot make us build a huge network.
_DOWN = re.compile(r"generator\.main\.down_conv_([1-9]\d{0,4})\.weight")
_BLOCK = re.compile(r"generator\.main\.res_\d+_(\d{1,2})\.main\.")
_LAYER = re.compile(r"cnns_main\.0\.conv_([1-9]\d{0,4})\.module\.weight_bar")


def import_official(paths: Sequence[str | Path], attributes: Sequence[str] | None = None) -> SMIT:
    """Loads an official checkpoint as an editor in eval mode; its sizes are read from the tensors.

    Args:
        paths: ``..._G.pth`` and, if available, ``..._D.pth``, in any order. The generator accepts any image size; the
            discriminator tells the size of training (without it: 256, the official default).
        attributes: names of the label columns, in the order of training; default: the official ten or, for 14 columns,
            the benchmark's.

    Raises:
        UserError: a damaged file, missing or unknown tensors (named), no generator among the files, or a number
            of attributes that does not match the checkpoint.
    """
    states = {Path(path): _renamed(read_torch(path)) for path in paths}
    critics = [path for path, state in states.items() if any(name.startswith("cnns_") for name in state)]
    if len(states) - len(critics) != 1 or len(critics) > 1:
        given = ", ".join(str(path) for path in paths) or "nothing"
        raise UserError(
            f"SMIT is imported from one generator file ..._G.pth, with its ..._D.pth or alone; given: {given}."
        )
    (path,) = (path for path in states if path not in critics)
    columns, width, blocks, downsamplings = _sizes(states[path])
    sizes = {"noise_size": _NOISE_SIZE, "width": width, "blocks": blocks, "downsamplings": downsamplings}
    # A damaged file may claim wrong sizes: they are checked against its tensors before memory is allocated.
    with torch.device("meta"):
        network = Generator(columns, **sizes)
    found = _matched(states[path], network, generator_names(network), path)
    image_size = next((_image_size(states[critic], columns, critic) for critic in critics), _OFFICIAL_SIZE)
    editor = SMIT(
        attributes=named_columns(attributes, columns, (OFFICIAL_ATTRIBUTES, CELEBA14), path),
        image_size=image_size,
        **sizes,
    )
    editor.generator.load_state_dict(found)
    return editor.eval()


def generator_names(generator: Generator) -> dict[str, str]:
    """Maps the tensor names of a generator in this project to the official names."""
    names: dict[str, str] = {}
    for path, module in generator.named_modules():
        way, _, index = path.partition(".")
        if way in ("down", "up") and isinstance(module, nn.Conv2d):
            channels = module.out_channels  # the next norm is also named after these channels
            names[f"{path}.weight"] = f"generator.main.{way}_conv_{channels}.weight"
        elif isinstance(module, InstanceNorm | SampleNorm):
            for part, _ in module.named_parameters():
                names[f"{path}.{part}"] = f"generator.main.{way}_norm_{channels}.{part}"
        elif isinstance(module, AdaptiveBlock):
            for conv, place in (("conv1", 0), ("conv2", 3)):
                block = f"generator.main.res_{module.conv1.out_channels}_{index}.main"
                names[f"{path}.{conv}.weight"] = f"{block}.{place}.weight"
    names |= {"image_head.weight": "generator.fake.fake.weight", "mask_head.weight": "generator.attn.attn.weight"}
    return names | {f"embedding.{part}": f"{_EMBEDDING}.{part}" for part in ("weight", "bias")}


def discriminator_names(discriminator: Discriminator) -> dict[str, str]:
    """Maps the tensor names of a discriminator in this project to the official names."""
    inner = {"weight": "weight_bar", "bias": "bias", "u": "weight_u", "v": "weight_v"}
    names: dict[str, str] = {}
    for path, module in discriminator.named_modules():
        if isinstance(module, nn.Conv2d) and ".trunk." in path:
            layer = f"cnns_main.{path.split('.')[1]}.conv_{module.out_channels}.module"
            names |= {f"{path}.{ours}": f"{layer}.{official}" for ours, official in inner.items()}
    for index in range(len(discriminator.scales)):
        names[f"scales.{index}.source.weight"] = f"cnns_src.{index}.src.weight"
        names[f"scales.{index}.attributes.weight"] = f"cnns_aux.{index}.aux.weight"
    return names


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    names = {name: name.removeprefix("module.") for name in state}
    return {re.sub(r"^adain_net\.", "Domain_Embedding.", names[name]): tensor for name, tensor in state.items()}


def _matched(
    state: Mapping[str, Tensor], network: nn.Module, names: Mapping[str, str], path: Path
) -> dict[str, Tensor]:
    """A network's tensors from the file, under their names here."""
    expected = {names[name]: tensor.shape for name, tensor in network.state_dict().items()}
    found = match(state, expected, where=path, optional=[_UNREAD])
    return {name: found[official] for name, official in names.items()}


def _sizes(state: Mapping[str, Tensor]) -> tuple[int, int, int, int]:
    """Label columns, width, residual blocks and halvings; official values where the tensors do not tell them."""
    channels = [int(found[1]) for name in state if (found := _DOWN.fullmatch(name))] or [32, 256]
    # The highest number counts, so that a block missing in between is reported as missing.
    blocks = max((int(found[1]) + 1 for name in state if (found := _BLOCK.match(name))), default=6)
    downsamplings = (max(channels) // min(channels)).bit_length() - 1
    embedding = state.get(f"{_EMBEDDING}.weight")
    columns = 0 if embedding is None or embedding.ndim != 2 else embedding.shape[1] - _NOISE_SIZE
    return columns if columns > 0 else len(OFFICIAL_ATTRIBUTES), min(channels), blocks, downsamplings


def _image_size(state: Mapping[str, Tensor], columns: int, path: Path) -> int:
    """The image size that a discriminator was made for: its first scale halves the image down to 2x2."""
    widths = [int(found[1]) for name in state if (found := _LAYER.fullmatch(name))] or [32, 2048]
    layers = (max(widths) // min(widths)).bit_length()
    # Three scales need at least three layers; for a file with fewer, the error names the missing tensors.
    image_size = 2 ** (max(layers, 3) + 1)
    with torch.device("meta"):
        network = Discriminator(columns, image_size, min(widths))
    _matched(state, network, discriminator_names(network), path)
    return image_size
