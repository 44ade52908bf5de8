"""Reads official ELEGANT checkpoints, ``Enc_iter_NNNNNN.pth``, ``Dec_iter_NNNNNN.pth``: state dicts with our names.

Neither file says how many attributes share the bottleneck. The files of the discriminators, ``D1_...`` and
``D2_...``, tell the number of attributes and the image size.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.elegant.editor import Elegant
from bridgebench.methods.elegant.networks import Discriminator, Encoder
from bridgebench.methods.official.files import read_torch
from bridgebench.methods.official.tensors import match

_OFFICIAL_SIZE = 256
_MOST_BLOCKS = 8
State = Mapping[str, Tensor]


def import_official(paths: Sequence[str | Path], attributes: Sequence[str] | None = None) -> Elegant:
    """Loads an official checkpoint as an editor in eval mode; its sizes are read from the tensors.

    Args:
        paths: ``Enc_...`` and ``Dec_...``, in any order. With ``D1_...`` or ``D2_...`` the number of attributes is
            checked and the image size is known (else 256, the official default; the networks take any size).
        attributes: names of the label columns, in the order of training; default: the benchmark's 14 attributes.

    Raises:
        UserError: a damaged file, missing or unknown tensors (named), not one encoder and one decoder, or a number
            of attributes that differs from the discriminators'.
    """
    files: dict[str, tuple[Path, State]] = {}
    for path in map(Path, paths):
        state = read_torch(path)
        kind = _kind(path, state)
        if kind in files:
            raise UserError(f"{files[kind][0]} and {path} are both ELEGANT's {kind}; give one of each.")
        files[kind] = path, state
    if not {"Enc", "Dec"} <= files.keys():
        given = ", ".join(map(str, paths)) or "nothing"
        raise UserError(f"ELEGANT is imported from the two files Enc_iter_NNNNNN.pth and Dec_...; given: {given}.")
    names, size = tuple(CELEBA14 if attributes is None else attributes), _OFFICIAL_SIZE
    for kind in sorted(files.keys() & {"D1", "D2"}):
        size = _read_discriminator(*files[kind], len(names)) * int(kind[1])
    width, blocks = _sizes(*files["Enc"])
    # A damaged file may claim any size: compare the sizes with its tensors before memory is allocated for them.
    with torch.device("meta"):
        expected = Elegant(attributes=names, image_size=size, width=width, blocks=blocks)
    found = {
        part: _matched(expected.get_submodule(part), *files[kind])
        for part, kind in (("encoder", "Enc"), ("decoder", "Dec"))
    }
    editor = Elegant(**expected.config)
    for part, state in found.items():
        editor.get_submodule(part).load_state_dict(state)
    return editor.eval()


def _kind(path: Path, state: State) -> str:
    """A file's kind, ``"Enc"``, ``"Dec"``, ``"D1"`` or ``"D2"``: by its tensors, or by its name if they do not tell."""
    first = state.get("main.0.0.weight")
    if first is not None and first.ndim == 4:
        return "Enc" if first.shape[1] == 3 else "Dec"
    named = re.match(r"(Enc|Dec|D1|D2)(?![a-z0-9])", path.name)
    if named is None:
        raise UserError(f"{path} is not told to be ELEGANT's Enc_, Dec_, D1_ or D2_, by its tensors or its name.")
    return named[1]


def _matched(network: torch.nn.Module, path: Path, state: State) -> dict[str, Tensor]:
    return match(state, {name: tensor.shape for name, tensor in network.state_dict().items()}, where=path)


def _sizes(path: Path, state: State) -> tuple[int, int]:
    """The width and the number of blocks of an encoder."""
    first = state.get("main.0.0.weight")
    if first is None or first.ndim != 4 or not first.shape[0]:
        # Compare with an official network of the usual sizes: its error says best which tensors the file lacks.
        with torch.device("meta"):
            usual = Encoder()
        _matched(usual, path, state)
    assert first is not None
    # The last block gives the count, so that the error can name a block that is missing in between.
    blocks = {int(found[1]) for name in state if (found := re.match(r"main\.(\d)\.", name))}
    return first.shape[0], min(max(blocks) + 1, _MOST_BLOCKS)


def _read_discriminator(path: Path, state: State, attributes: int) -> int:
    """The side to which a discriminator pools images; an error if it does not have `attributes` label columns."""
    first, linear = state.get("conv.0.weight"), state.get("linear.0.weight")
    if first is None or linear is None or first.ndim != 4 or linear.ndim != 2 or min(*first.shape, *linear.shape) < 1:
        raise UserError(
            f"{path} is not an ELEGANT discriminator: conv.0.weight or linear.0.weight is not as it must be."
        )
    if first.shape[1] != 3 + attributes:
        raise UserError(
            f"{path} has {first.shape[1] - 3} label columns, not {attributes}: name them, in the order of training "
            "(--attributes)."
        )
    size = 16 * math.isqrt(linear.shape[1] // (8 * first.shape[0]))
    with torch.device("meta"):
        expected = Discriminator(attributes, size, first.shape[0])
    _matched(expected, path, state)
    return size
