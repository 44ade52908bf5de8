"""The attribute difference vector that STGAN is told, at the strength of the official test."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from bridgebench.methods.core.labels import CELEBA_RULES
from torch import Tensor

_SCALE = 0.5  # thres_int: network-side labels are -0.5 and +0.5


def difference(labels: Tensor, source_labels: Tensor, strength: float | Tensor, attributes: Sequence[str]) -> Tensor:
    """``B - A``, where A are the source labels as -0.5 and 0.5, and B the target's with edited attributes scaled.

    The official test multiplies the target code of the attributes it was asked to flip by ``test_int``, and leaves that
    of attributes which only give way (Blond_Hair, where Black_Hair is turned on) as it is. Here the two are told apart
    by the same rules: an attribute that is turned off gives way if another that excludes it is turned on.

    Args:
        labels: target (N, A) in {0, 1}.
        source_labels: (N, A) in {0, 1}.
        strength: ``test_int``, a number or (N, 1): a flipped attribute gets +-(0.5 + 0.5 * strength).
        attributes: names of the columns.

    Returns:
        (N, A); 0 where source and target agree, -1 where an attribute gives way.
    """
    turned_on, turned_off = labels > source_labels, labels < source_labels
    gives_way = torch.zeros_like(turned_off)
    columns = {name: column for column, name in enumerate(attributes)}
    for group in CELEBA_RULES:
        members = [columns[name] for name in group if name in columns]
        for member in members:
            gives_way[:, [other for other in members if other != member]] |= turned_on[:, [member]]
    flipped = turned_on | (turned_off & ~gives_way)
    target = (2 * labels - 1) * _SCALE
    return torch.where(flipped, strength * target, target) - (2 * source_labels - 1) * _SCALE
