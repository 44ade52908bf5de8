"""Official SMIT checkpoints, ``<epoch>_<iteration>_G.pth`` and ``_D.pth``: each a bare state dict.

Layers are named after their channels there. What differs: AdaIN layers carry buffers that nothing reads, runs on
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
_NOISE_SIZE = 20  # the only one that the official code allows
_EMBEDDING = "Domain_Embedding.model.output"
_UNREAD = r"generator\.main\.res_\d+_\d+\.main\.[14]\.running_(mean|var)"
# Bounded numbers: a damaged name must not make us build a network without end.
_DOWN = re.compile(r"generator\.main\.down_conv_([1-9]\d{0,4})\.weight")
_BLOCK = re.compile(r"generator\.main\.res_\d+_(\d{1,2})\.main\.")
_LAYER = re.compile(r"cnns_main\.0\.conv_([1-9]\d{0,4})\.module\.weight_bar")


def import_official(paths: Sequence[str | Path], attributes: Sequence[str] | None = None) -> SMIT:
    """The editor of an official checkpoint, in eval mode; its sizes are read from the tensors.

    Args:
        paths: ``..._G.pth``, in any order with ``..._D.pth`` if that is at hand: the generator takes any image size,
            the discriminator tells which one it was trained at (else 256, the official default).
        attributes: names of the label columns, in the order of training; default: the official ten or, for 14 columns,
            the benchmark's.

    Raises:
        UserError: a damaged file, missing or unknown tensors (named), no generator among the files, or attributes whose
            number is not that of the checkpoint.
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
    # Sizes that a damaged file claims are held against its tensors before any memory is taken for them.
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
    """The official name of each tensor of a generator, by its name here."""
    names: dict[str, str] = {}
    for path, module in generator.named_modules():
        way, _, index = path.partition(".")
        if way in ("down", "up") and isinstance(module, nn.Conv2d):
            channels = module.out_channels  # the norm that follows is named after them too
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
    """The official name of each tensor of a discriminator, by its name here."""
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
    """The tensors of a network under their names here."""
    expected = {names[name]: tensor.shape for name, tensor in network.state_dict().items()}
    found = match(state, expected, where=path, optional=[_UNREAD])
    return {name: found[official] for name, official in names.items()}


def _sizes(state: Mapping[str, Tensor]) -> tuple[int, int, int, int]:
    """Label columns, width, residual blocks and halvings; where the tensors do not tell, the official ones."""
    channels = [int(found[1]) for name in state if (found := _DOWN.fullmatch(name))] or [32, 256]
    # Counted by the last, so that one missing in between is named as missing.
    blocks = max((int(found[1]) + 1 for name in state if (found := _BLOCK.match(name))), default=6)
    downsamplings = (max(channels) // min(channels)).bit_length() - 1
    embedding = state.get(f"{_EMBEDDING}.weight")
    columns = 0 if embedding is None or embedding.ndim != 2 else embedding.shape[1] - _NOISE_SIZE
    return columns if columns > 0 else len(OFFICIAL_ATTRIBUTES), min(channels), blocks, downsamplings


def _image_size(state: Mapping[str, Tensor], columns: int, path: Path) -> int:
    """The size that a discriminator was made for: its first scale halves it down to 2x2."""
    widths = [int(found[1]) for name in state if (found := _LAYER.fullmatch(name))] or [32, 2048]
    layers = (max(widths) // min(widths)).bit_length()
    # Its three scales need three layers at least; a file that has fewer is told what those lack.
    image_size = 2 ** (max(layers, 3) + 1)
    with torch.device("meta"):
        network = Discriminator(columns, image_size, min(widths))
    _matched(state, network, discriminator_names(network), path)
    return image_size
