"""The label space: what the label columns of a data set are, which edits there are, and what an edit does to labels.

Columns are *attributes*, of which an image has any number (a face that is young and smiles), or *domains*, of which an
image has exactly one (a cat, a dog or a wild animal). `Attributes` and `Domains` answer the same questions, so that
nobody else has to ask which of the two it is. NumPy only.

Labels are arrays of 0 and 1, (A,) of one image or (N, A), in the order of the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgebench.methods.core.errors import UserError, did_you_mean

# The 14 attributes of the paper (BridgeGAN, supplement, Tables 1 and 2).
CELEBA14: tuple[str, ...] = (
    "Young", "Mouth_Slightly_Open", "Smiling", "Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair",
    "Receding_Hairline", "Bangs", "Male", "No_Beard", "Mustache", "Goatee", "Sideburns",
)  # fmt: skip

# All that CelebA has, in the order of its list_attr_celeba.txt.
CELEBA40: tuple[str, ...] = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache",
    "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks",
    "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
    "Wearing_Necklace", "Wearing_Necktie", "Young",
)  # fmt: skip

HAIR_COLOURS: tuple[str, ...] = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
BEARDS: tuple[str, ...] = ("Mustache", "Goatee", "Sideburns")

CELEBA_RULES: tuple[tuple[str, ...], ...] = (
    HAIR_COLOURS,
    ("Bangs", "Receding_Hairline"),
    ("Bangs", "Bald"),
    ("Straight_Hair", "Wavy_Hair"),
    *(("No_Beard", beard) for beard in BEARDS),
)
"""Groups of CelebA's attributes of which a face has at most one.

A face without No_Beard and without a named beard has stubble, so turning an attribute off contradicts nothing. The
official codes differ from one another in small ways; the benchmark has these rules for all methods, to favour none.
"""

DOMAINS: tuple[str, ...] = ("cat", "dog", "wild")
"""AFHQ's domains (StarGAN v2), which the drawn animals share."""


class Change(NamedTuple):
    """What the edits of a cell change.

    Attributes:
        source: the domain of the images that are edited; None: images of every kind.
        target: the label column that is edited: the attribute that is flipped, or the domain that is aimed at.
    """

    source: str | None
    target: str


class Contrast(NamedTuple):
    """Two sets of real images, each those with a value in a column: as images are before an edit, and after it."""

    before: tuple[int, int]
    after: tuple[int, int]


@dataclass(frozen=True)
class _Columns:
    """What attributes and domains have in common."""

    columns: tuple[str, ...]

    called: ClassVar[str]

    def index(self, column: str) -> int:
        """The place of a label column, from 0.

        Raises:
            UserError: there is no such column.
        """
        if column not in self.columns:
            hint = did_you_mean(column, self.columns)
            raise UserError(f"There is no {self.called} '{column}' among {', '.join(self.columns)}.{hint}")
        return self.columns.index(column)

    def _copy(self, labels: NDArray) -> NDArray:
        """A copy of labels to be changed.

        Raises:
            ValueError: they have another number of columns, or values that are neither 0 nor 1.
        """
        found = np.array(labels)
        if found.ndim not in (1, 2) or found.shape[-1] != len(self.columns):
            raise ValueError(
                f"labels of shape {found.shape} do not have a column for each of {len(self.columns)} {self.called}s"
            )
        if not np.isin(found, (0, 1)).all():
            raise ValueError("labels must be 0 or 1")
        return found


@dataclass(frozen=True)
class Attributes(_Columns):
    """Label columns of which an image has any number: a cell of the benchmark flips one of them.

    Attributes:
        columns: names of the label columns, in order.
        rules: groups of names of which at most one is on; names that are no column say nothing.
    """

    rules: tuple[tuple[str, ...], ...] = CELEBA_RULES

    kind: ClassVar[Literal["flips"]] = "flips"  # as in a protocol's `cells`
    called: ClassVar[str] = "attribute"
    noun: ClassVar[str] = "attribute"  # what a cell's name names
    sides: ClassVar[str] = "{} images with it and {} without"  # the sizes of the two sides of a `contrast`
    exclusive: ClassVar[bool] = False  # exactly one column is set
    parts: ClassVar[tuple[None]] = (None,)  # of the images, by what can be edited in them: here all in every image
    of_each: ClassVar[str] = ""  # a number of images is one of each part

    @property
    def cells(self) -> tuple[str, ...]:
        """The names of the cells of a method and mode, in a table's order."""
        return self.columns

    def change(self, cell: str) -> Change:
        """What the cell of that name changes.

        Raises:
            UserError: there is no such cell.
        """
        return Change(None, self.columns[self.index(cell)])

    def contrast(self, cell: str) -> Contrast:
        """Which real images look as before an edit of the cell, and which as after it: with the attribute, without."""
        column = self.index(cell)
        return Contrast((column, 1), (column, 0))

    def spoken(self, cell: str) -> str:
        """A cell's name as a reader says it: ``Gray Hair`` for ``Gray_Hair``."""
        return cell.replace("_", " ")

    def rows(self, labels: NDArray, part: str | None) -> NDArray[np.intp]:
        """Which of the labelled images belong to one of `parts`: all of them."""
        return np.arange(len(labels))

    def excluded(self, column: str) -> list[str]:
        """The columns that must be off when `column` is on."""
        barred = {name for group in self.rules if column in group for name in group} - {column}
        return [name for name in self.columns if name in barred]

    def target(self, labels: NDArray, column: str) -> NDArray:
        """The labels with `column` at its other value; if that turns it on, what it excludes is turned off.

        Args:
            labels: (A,) or (N, A) of 0 and 1; they are not changed.
            column: the attribute to flip.

        Returns:
            An array of the shape and dtype of `labels`.

        Raises:
            UserError: there is no such column.
            ValueError: `labels` has another number of columns, or values that are neither 0 nor 1.
        """
        place, target = self.index(column), self._copy(labels)
        target[..., place] = 1 - target[..., place]
        turned_on = target[..., place] == 1
        for other in map(self.index, self.excluded(column)):
            target[..., other] = np.where(turned_on, 0, target[..., other])
        return target

    def seen(self, logits: NDArray) -> NDArray[np.bool_]:
        """What a judge with these logits (N, A) says is there: every attribute above 0."""
        return logits > 0

    def select(self, columns: Sequence[str]) -> Attributes:
        """The label space of some of the columns, in any order.

        Raises:
            ValueError: a name is not an attribute.
        """
        for name in columns:
            if name not in self.columns:
                raise ValueError(f"'{name}' is not an attribute.{did_you_mean(name, self.columns)}")
        return replace(self, columns=tuple(columns))


@dataclass(frozen=True)
class Domains(_Columns):
    """Label columns of which an image has exactly one: a cell converts the images of one domain to another.

    Attributes:
        columns: names of the label columns, in order.
    """

    kind: ClassVar[Literal["conversions"]] = "conversions"
    called: ClassVar[str] = "domain"
    noun: ClassVar[str] = "conversion"
    sides: ClassVar[str] = "{} test images against {} real ones"
    of_each: ClassVar[str] = " of each domain"
    exclusive: ClassVar[bool] = True

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the images, by what they can be edited to: the domains."""
        return self.columns

    @property
    def cells(self) -> tuple[str, ...]:
        """The conversions, named as in StarGAN v2's code ("cat2dog"), by target (the order of BridgeGAN's Table 3)."""
        return tuple(self._changes())

    def change(self, cell: str) -> Change:
        """The two domains of a conversion.

        Raises:
            UserError: there is none of that name.
        """
        found = self._changes()
        if cell not in found:
            raise UserError(f"There is no conversion '{cell}' among {', '.join(found)}.{did_you_mean(cell, found)}")
        return found[cell]

    def contrast(self, cell: str) -> Contrast:
        """Which real images look as before a conversion, and which as after it: its source's, and its target's."""
        source, target = self.change(cell)
        return Contrast((self.index(str(source)), 1), (self.index(target), 1))

    def spoken(self, cell: str) -> str:
        """A cell's name as a reader says it: ``cat → dog`` for ``cat2dog``."""
        found = self._changes().get(cell)
        return cell if found is None else f"{found.source} → {found.target}"

    def rows(self, labels: NDArray, part: str | None) -> NDArray[np.intp]:
        """Which of the labelled images belong to one of `parts`, a domain."""
        return np.flatnonzero(labels[:, self.index(str(part))] == 1)

    def excluded(self, column: str) -> list[str]:
        """The columns that must be off when `column` is on: all others."""
        return [name for name in self.columns if name != column]

    def target(self, labels: NDArray, column: str) -> NDArray:
        """The labels of the same images in the domain `column`; arguments, shapes and errors as for `Attributes`."""
        place, target = self.index(column), self._copy(labels)
        target[...] = 0
        target[..., place] = 1
        return target

    def seen(self, logits: NDArray) -> NDArray[np.bool_]:
        """What a judge with these logits (N, A) says is there: the one likeliest domain."""
        return np.arange(logits.shape[1]) == logits.argmax(axis=1)[:, None]

    def select(self, columns: Sequence[str]) -> Domains:
        """The label space itself, which has all its columns or none.

        Raises:
            ValueError: `columns` are others.
        """
        if tuple(columns) != self.columns:
            raise ValueError(f"the label columns are its domains: {', '.join(self.columns)}.")
        return self

    def _changes(self) -> dict[str, Change]:
        return {
            f"{source}2{target}": Change(source, target)
            for target in self.columns
            for source in self.columns
            if source != target
        }


LabelSpace = Attributes | Domains


def label_space(columns: Sequence[str], kind: str | None = None) -> LabelSpace:
    """The label space of columns.

    Args:
        columns: their names, in order.
        kind: the `kind` of a label space, as records have it; None where only the names are known (a weights file):
            AFHQ's domains are then domains, and all others attributes.
    """
    if kind is None:
        kind = Domains.kind if columns and set(columns) <= set(DOMAINS) else Attributes.kind
    return (Domains if kind == Domains.kind else Attributes)(tuple(columns))
