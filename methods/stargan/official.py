"""Reads official StarGAN checkpoints, ``<iteration>-G.ckpt``: plain state dicts with the names of our generator.

The official norm also keeps running statistics. The official test never reads them (it stays in train mode), so they
are left out here. Files from PyTorch before 0.4.1 have no ``num_batches_tracked``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.official.files import read_torch
from bridgebench.methods.official.tensors import match, named_columns
from bridgebench.methods.stargan.editor import StarGAN
from bridgebench.methods.stargan.networks import Generator

OFFICIAL_ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
_OFFICIAL_SIZE = 128
_UNREAD = r"main\..*\.(running_mean|running_var|num_batches_tracked)"
_BLOCK = re.compile(r"main\.(\d+)\.main\.")


def import_official(paths: Sequence[str | Path], attributes: Sequence[str] | None = None) -> StarGAN:
    """Loads an official checkpoint as an editor in eval mode.

    Args:
        paths: ``<iteration>-G.ckpt`` and, if available, ``<iteration>-D.ckpt``, in any order. The generator takes any
            image size; the discriminator tells the size in training (without it: 128, the official default).
        attributes: names of the label columns, in the order of training. Default: the official five attributes, or
            the benchmark's for 14 columns.

    Raises:
        UserError: a damaged file, missing or unknown tensors, no generator among the files, or a number of attributes
            that differs from the checkpoint's.
    """
    states = {Path(path): read_torch(path) for path in paths}
    generators = [path for path, state in states.items() if "conv2.weight" not in state]
    if len(generators) != 1:
        given = ", ".join(str(path) for path in paths) or "nothing"
        raise UserError(f"StarGAN is imported from one generator file <iteration>-G.ckpt; given: {given}.")
    path = generators[0]
    state = states.pop(path)
    columns, width, blocks = _sizes(state, path)
    editor = StarGAN(
        attributes=named_columns(attributes, columns, (OFFICIAL_ATTRIBUTES, CELEBA14), path),
        image_size=next((_image_size(other, where) for where, other in states.items()), _OFFICIAL_SIZE),
        width=width,
        blocks=blocks,
    )
    expected = {name: tensor.shape for name, tensor in editor.generator.state_dict().items()}
    editor.generator.load_state_dict(match(state, expected, where=path, optional=[_UNREAD]))
    return editor.eval()


def _sizes(state: Mapping[str, Tensor], path: Path) -> tuple[int, int, int]:
    """The numbers of label columns, of channels (`width`) and of residual blocks, read from the tensors."""
    first = state.get("main.0.weight")
    if first is None or first.ndim != 4 or first.shape[1] < 4:
        # Compare with an official network of the usual sizes: its error says best which tensors the file lacks.
        expected = {name: tensor.shape for name, tensor in Generator(len(OFFICIAL_ATTRIBUTES)).state_dict().items()}
        match(state, expected, where=path, optional=[_UNREAD])
    assert first is not None
    blocks = {int(found[1]) for name in state if (found := _BLOCK.match(name))}
    # Blocks are main.9, main.10, ... The last one gives the count, so that the error can name one missing in between.
    return first.shape[1] - 3, first.shape[0], max(blocks, default=8) - 8


def _image_size(state: Mapping[str, Tensor], path: Path) -> int:
    """The image size of a discriminator: its class head covers the whole map that is left after the halvings."""
    layers = [name for name in state if re.fullmatch(r"main\.\d+\.weight", name)]
    head = state["conv2.weight"]
    if head.ndim != 4 or not layers:
        raise UserError(f"{path} is not a StarGAN discriminator; its trunk or its class head is missing.")
    return math.prod([head.shape[-1]] + [2] * len(layers))
