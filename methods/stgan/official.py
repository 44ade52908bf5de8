"""Official STGAN checkpoints: the variables of a TensorFlow 1 run, under the names that TensorFlow gave them.

TensorFlow numbers the layers of a scope in order of creation: Conv, Conv_1, ... Our modules are created in the same
order, so we get the names by walking through them. A norm is in the scope of the convolution before it.
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

from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.official.files import read_variables
from bridgebench.methods.official.tensors import match, named_columns, shape_of, tensorflow_shapes, tensorflow_state
from bridgebench.methods.stgan.editor import STGAN
from bridgebench.methods.stgan.networks import CriticNorm

OFFICIAL_ATTRIBUTES = (
    *("Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses", "Male"),
    *("Mouth_Slightly_Open", "Mustache", "No_Beard", "Pale_Skin", "Young"),
)
_SCOPES = {"encoder": "Genc", "units": "Gstu", "decoder": "Gdec"}
_OFFICIAL_SIZE = 128
_DENSE = "D/flatten_fully_connected/fully_connected/weights"
# Variables that an edit does not need: discriminator, Adam's state, iteration counter, and the official judge
# (``classifier``), a separate graph that a session may have saved too.
_UNREAD = (
    r"D/Conv(_\d+)?/(weights|InstanceNorm/(gamma|beta))",
    r"D/flatten_fully_connected(_[123])?/fully_connected/(weights|biases)",
    r".*/Adam(_1)?",
    r"beta[12]_power(_\d+)?",
    r"counter/counter",
    r"classifier/.*",
)
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
_WEIGHTS = {"weight": "weights", "bias": "biases"}


def import_official(paths: Sequence[str | Path], attributes: Sequence[str] | None = None) -> STGAN:
    """Loads an official checkpoint as an editor in eval mode; all sizes are read from the tensors.

    Args:
        paths: one checkpoint: an ``.npz`` file with the variables under their names (with or without ``:0``), or a
            TensorFlow checkpoint, given as the prefix ``Epoch_(e).ckpt`` or any of its ``.index``, ``.meta`` and
            ``.data-...`` files. The generator's variables are required, those of D and Adam are optional. The image
            size is read from D (without D: 128, the official default; the generator accepts any size).
        attributes: names of the label columns, in the order of training; default: the official 13 or, for 14 columns,
            the benchmark's.

    Raises:
        UserError: a damaged file, missing or unknown tensors (named), or a number of attributes that does not match
            the checkpoint.
    """
    path, tensors = read_variables(paths, "STGAN")
    sizes = _sizes(tensors, path)
    columns = sizes.pop("columns")
    # A damaged file may claim wrong sizes: they are checked against its tensors before memory is allocated.
    with torch.device("meta"):
        editor = STGAN(attributes=named_columns(attributes, columns, (OFFICIAL_ATTRIBUTES, CELEBA14), path), **sizes)
    networks = [(editor.generator.get_submodule(part), scope) for part, scope in _SCOPES.items()]
    expected: dict[str, list[int]] = {}
    for network, scope in networks:
        expected |= tensorflow_shapes(network, official_names(network, scope))
    match(tensors, expected, where=path, optional=_UNREAD)  # one message for all networks
    for network, scope in networks:
        state = tensorflow_state(network, official_names(network, scope), tensors, path)
        network.load_state_dict(state, assign=True)
    for parameter in editor.parameters():
        parameter.requires_grad_()
    return editor.eval()


def official_names(network: nn.Module, scope: str) -> dict[str, str]:
    """Maps the tensor names of one of STGAN's networks in this project to the TensorFlow names.

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


def _sizes(tensors: Mapping[str, np.ndarray], path: Path) -> dict[str, int]:
    """The constructor's sizes, and ``columns``, the number of attributes."""
    shape = partial(shape_of, tensors, where=path, title="STGAN")
    # Counted in all three networks, so that the error for a damaged file names what one of them lacks.
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
    """The number of numbered layers of a kind that have at least one tensor in the file."""
    return len({found[0] for name in tensors if (found := re.match(rf"{layer}(_\d+)?(?=/)", name))})
