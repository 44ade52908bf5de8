"""The flip of an attribute: the one rule that every method, the embedded faces and the measures share.

A flip changes one attribute of a label vector to its other value and repairs what would then contradict it:

* at most one hair colour: turning one on turns the others off;
* Bangs on turns Receding_Hairline off, and the reverse;
* Mustache, Goatee or Sideburns on turns No_Beard off;
* No_Beard on turns Mustache, Goatee and Sideburns off.

Turning an attribute off contradicts nothing (a face without No_Beard and without a named beard has stubble). Rules
apply to the attributes that a data set has. The official codes differ from one another in small ways; the benchmark
uses this rule for all methods, so that none is favoured. NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.core.labels import BEARDS, CELEBA14, HAIR_COLOURS
from numpy.typing import NDArray

_EXCLUDES: dict[str, tuple[str, ...]] = {
    **{colour: tuple(other for other in HAIR_COLOURS if other != colour) for colour in HAIR_COLOURS},
    "Bangs": ("Receding_Hairline",),
    "Receding_Hairline": ("Bangs",),
    "No_Beard": BEARDS,
    **dict.fromkeys(BEARDS, ("No_Beard",)),
}


def attribute_index(attribute: str, attributes: Sequence[str] = CELEBA14) -> int:
    """The column of `attribute`.

    Raises:
        UserError: the data set has no such attribute.
    """
    if attribute not in attributes:
        raise UserError(
            f"There is no attribute '{attribute}' among {', '.join(attributes)}.{did_you_mean(attribute, attributes)}"
        )
    return list(attributes).index(attribute)


def excluded_by(attribute: str, attributes: Sequence[str] = CELEBA14) -> list[int]:
    """The columns that must be off when `attribute` is on."""
    return [attributes.index(other) for other in _EXCLUDES.get(attribute, ()) if other in attributes]


def flip(labels: NDArray, attribute: str, attributes: Sequence[str] = CELEBA14) -> NDArray:
    """The labels with `attribute` at its other value, and contradictions with it repaired.

    Args:
        labels: (A,) or (N, A) of 0 and 1 in the order of `attributes`; it is not changed.
        attribute: the attribute to flip.
        attributes: the names of the columns.

    Returns:
        An array of the shape and dtype of `labels`.

    Raises:
        UserError: `attribute` is not among `attributes`.
        ValueError: `labels` has another number of columns, or values that are neither 0 nor 1.
    """
    column = attribute_index(attribute, attributes)
    target = np.array(labels)
    if target.ndim not in (1, 2) or target.shape[-1] != len(attributes):
        raise ValueError(
            f"labels of shape {target.shape} do not have a column for each of {len(attributes)} attributes"
        )
    if not np.isin(target, (0, 1)).all():
        raise ValueError("labels must be 0 or 1")
    target[..., column] = 1 - target[..., column]
    turned_on = target[..., column] == 1
    for other in excluded_by(attribute, attributes):
        target[..., other] = np.where(turned_on, 0, target[..., other])
    return target


def touched(labels: NDArray, attribute: str, attributes: Sequence[str] = CELEBA14) -> NDArray[np.bool_]:
    """Which columns a flip of `attribute` changes, itself included: booleans of the shape of `labels`."""
    return flip(labels, attribute, attributes) != np.asarray(labels)


def consistent(labels: NDArray, attributes: Sequence[str] = CELEBA14) -> NDArray[np.bool_]:
    """Whether label vectors, (A,) or (N, A), contradict no rule: a boolean for each vector."""
    on = np.asarray(labels) == 1
    allowed = np.ones(on.shape[:-1], dtype=bool)
    for column, attribute in enumerate(attributes):
        for other in excluded_by(attribute, attributes):
            allowed &= ~(on[..., column] & on[..., other])
    return allowed
