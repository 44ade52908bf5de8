"""Reads official BridgeGAN checkpoints: variables of a TensorFlow 1 run, under TensorFlow's names.

TensorFlow numbers the layers of a scope in the order of their creation: Conv, Conv_1, ... Our modules are created in
the same order, so a walk through them gives the names. Each SPADE norm is a scope of its own, with its own numbers.
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
from torch import nn

from bridgebench.methods.bridgegan.editor import BridgeGAN
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.nn.blocks import InstanceNorm, Spade
from bridgebench.methods.official.files import read_variables
from bridgebench.methods.official.tensors import match, named_columns, shape_of, tensorflow_shapes, tensorflow_state

_SCOPES = {"generator": "Ggenerator", "mapping": "Gmappingnet", "encoder": "Gencoder"}
# What an edit does not need: the discriminator, the noise memory, Adam's state, the counter of iterations.
_UNREAD = (
    r"Discriminator/(Conv(_\d+)?|flatten_fully_connected(_1)?/fully_connected)/(weights|biases)",
    r"G_R",
    r".*/Adam(_1)?",
    r"beta[12]_power(_\d+)?",
    r"counter/counter",
)
# Layer -> its TensorFlow scope (the numbered part, the rest), and the TensorFlow names of its weight and bias.
_LAYERS: dict[type[nn.Module], tuple[str, str, str, str]] = {
    nn.Conv2d: ("Conv", "", "weights", "biases"),
    nn.Linear: ("flatten_fully_connected", "/fully_connected", "weights", "biases"),
    InstanceNorm: ("InstanceNorm", "", "gamma", "beta"),
}


def import_official(paths: Sequence[str | Path], attributes: Sequence[str] | None = None) -> BridgeGAN:
    """Loads an official checkpoint as an editor in eval mode; all sizes are read from the tensors.

    Args:
        paths: one checkpoint: an ``.npz`` file with the variables under their names (with or without ``:0``), or a
            TensorFlow checkpoint, given by its prefix ``Epoch_(e)_(iofn).ckpt`` or by any of its ``.index``, ``.meta``
            and ``.data-...`` files. It must hold the variables of G, M and E, and may hold those of D, memory and Adam.
        attributes: names of the label columns, in the order of training; the default for 14 columns is the paper's.

    Raises:
        UserError: a damaged file, missing or unknown tensors (named), or a number of attributes that differs
            from the checkpoint's.
    """
    path, tensors = read_variables(paths, "BridgeGAN")
    sizes = _sizes(tensors, path)
    columns = sizes.pop("columns")
    # A damaged file may claim any size: compare the sizes with its tensors before memory is allocated for them.
    with torch.device("meta"):
        editor = BridgeGAN(attributes=named_columns(attributes, columns, (CELEBA14,), path), **sizes)
    networks = [(editor.get_submodule(part), scope) for part, scope in _SCOPES.items()]
    expected: dict[str, list[int]] = {}
    for network, scope in networks:
        expected |= tensorflow_shapes(network, official_names(network, scope))
    match(tensors, expected, where=path, optional=_UNREAD)  # one error message for all networks
    for network, scope in networks:
        state = tensorflow_state(network, official_names(network, scope), tensors, path)
        network.load_state_dict(state, assign=True)
    return editor.eval()


def official_names(network: nn.Module, scope: str) -> dict[str, str]:
    """The TensorFlow names of the parameters of one of BridgeGAN's networks; the keys are our names.

    Args:
        network: `Generator`, `MappingNetwork`, `StyleEncoder` or `Discriminator`.
        scope: ``"Ggenerator"``, ``"Gmappingnet"``, ``"Gencoder"`` or ``"Discriminator"``.
    """
    names: dict[str, str] = {}
    spades: dict[str, str] = {}
    created: Counter[str] = Counter()
    for path, module in network.named_modules():
        if isinstance(module, Spade):
            # Each block has two SPADE norms. The first block keeps the size, the others up-sample.
            block, norm = divmod(len(spades), 2)
            spades[path] = f"targ{block - 1}_up_{norm + 1}/" if block else f"targ1_inter_{norm + 1}/"
        if type(module) not in _LAYERS or not [*module.parameters(recurse=False)]:
            continue
        kind, inner, weight, bias = _LAYERS[type(module)]
        layer = spades.get(path.rpartition(".")[0], "") + kind
        number = f"_{created[layer]}" if created[layer] else ""
        created[layer] += 1
        names[f"{path}.weight"] = f"{scope}/{layer}{number}{inner}/{weight}"
        names[f"{path}.bias"] = f"{scope}/{layer}{number}{inner}/{bias}"
    return names


def _sizes(tensors: Mapping[str, np.ndarray], path: Path) -> dict[str, int]:
    """The sizes for the constructor of `BridgeGAN`, and ``columns``, the number of attributes."""
    shape = partial(shape_of, tensors, where=path, title="BridgeGAN")
    *_, width = shape("Ggenerator/Conv/weights", (1, 1, 3, 1))
    *_, code_channels, spade_hidden = shape("Ggenerator/targ1_inter_1/Conv/weights", (3, 3, 1, 1))
    *_, encoder_inputs, encoder_width = shape("Gencoder/Conv/weights", (1, 1, 4, 1))
    columns = encoder_inputs - 3
    # Blocks are counted by norms and by convolutions, so that the error names whichever a damaged file lacks.
    mapping_blocks = max(_layers(tensors, "Gmappingnet/InstanceNorm") // 2, _layers(tensors, "Gmappingnet/Conv") // 3)
    encoder_norms, encoder_convs = _layers(tensors, "Gencoder/InstanceNorm"), _layers(tensors, "Gencoder/Conv")
    dense = "Gmappingnet/flatten_fully_connected/fully_connected/weights"
    mapping_inputs, mapping_outputs = shape(dense, (columns + 1, 2 * code_channels))
    start = math.isqrt(mapping_outputs // (2 * code_channels))
    image_size = start * 2 ** (mapping_blocks + 1)
    if start < 2 or image_size % 32:
        raise UserError(
            f"The tensor {dense} of {path} does not fit its {mapping_blocks} blocks of Gmappingnet: images of "
            f"{image_size} pixels would follow from a map of {start} x {start}, which BridgeGAN does not take."
        )
    return {
        "columns": columns,
        "image_size": image_size,
        "width": width,
        "code_channels": code_channels,
        "spade_hidden": spade_hidden,
        "noise_size": mapping_inputs - columns,
        "encoder_width": encoder_width,
        "encoder_blocks": max(encoder_norms // 2 - 1, (encoder_convs - 5) // 2, 0),
        "mapping_blocks": mapping_blocks,
    }


def _layers(tensors: Mapping[str, np.ndarray], layer: str) -> int:
    """The number of layers of a kind of which at least one tensor is there."""
    return len({name.rpartition("/")[0] for name in tensors if re.fullmatch(rf"{layer}(_\d+)?/\w+", name)})
