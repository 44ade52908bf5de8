"""The label space: what the label columns of a data set are, which edits there are, and what an edit does to labels.

Columns are *attributes*, of which an image has any number (a face that is young and smiles), or *domains*, of which an
image has exactly one (a cat, a dog or a wild animal). `Attributes` and `Domains` answer the same questions, so that
nobody else has to ask which of the two it is. NumPy only.

Labels are arrays of 0 and 1, (A,) of one image or (N, A), in the order of the columns.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.core.files import quote

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

WORN: tuple[str, ...] = ("Eyeglasses", "Earrings")
"""What drawn faces can have besides the 14 attributes; both are worn, and nothing excludes them."""

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

Implications = tuple[tuple[str, tuple[str, ...]], ...]

_LONGEST_NAME = 64  # characters
# Bytes of a name, and of that of a cell of two names, as `files.quote` writes them. A file's name has room for 255, of
# which endings and the signs of a temporary file take 40.
_LONGEST_QUOTED, _LONGEST_CELL = 150, 210
_SIGNS = "_-. ()"


def check_cell(name: str) -> None:
    """Checks the name of a cell that is made of two names.

    Raises:
        ValueError: no file can be named after it.
    """
    if len(quote(name)) > _LONGEST_CELL:
        raise ValueError(f"the names in {name[:40]!r}... are too long together: files are named after both.")


def check_names(names: Sequence[str]) -> None:
    """Checks the names of label columns, of any language: they become names of files, and stand in tables and pages.

    Raises:
        ValueError: a name has a character that is none of letters, digits, space, ``_``, ``-``, ``.``, ``(`` and
            ``)``; begins with none of letters and digits; is too long; or differs from another name in case alone.
    """
    for name in names:
        if len(name) > _LONGEST_NAME or len(quote(name)) > _LONGEST_QUOTED:
            raise ValueError(
                f"the name {name[:20]!r}... is too long: files are named after it, so it may have {_LONGEST_NAME} "
                "characters, and fewer where they are not a to z."
            )
        strange = next((each for each in name if each not in _SIGNS and unicodedata.category(each)[0] not in "LNM"), "")
        if strange:
            raise ValueError(
                f"the name {name!r} has {strange!r} in it: use letters, digits, spaces, '_', '-', '.', '(' and ')'."
            )
        if not name[:1].isalnum() or name != name.rstrip(" .") or not unicodedata.is_normalized("NFC", name):
            raise ValueError(
                f"the name {name!r} should begin with a letter or a digit, not end with a space or a full stop, and be "
                "in Unicode's composed form (NFC)."
            )
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name.casefold(), name)
        if other != name:
            raise ValueError(f"the names {other!r} and {name!r} differ in case alone: some disks take them for one.")


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
        implies: pairs of a name and the names that are on whenever it is; likewise.
    """

    rules: tuple[tuple[str, ...], ...] = CELEBA_RULES
    implies: Implications = ()

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
        barred = self._barred(column)
        return [name for name in self.columns if name != column and ({name} | self._implied(name)) & barred]

    def bound(self, column: str, on: bool) -> dict[str, int]:
        """The values that other columns must have when `column` is on, or off."""
        if not on:
            return {name: 0 for name in self.columns if name != column and column in self._implied(name)}
        implied = self._implied(column)
        return dict.fromkeys(self.excluded(column), 0) | {name: 1 for name in self.columns if name in implied}

    def target(self, labels: NDArray, column: str) -> NDArray:
        """The labels with `column` at its other value, and other columns at the values that the rules then ask for.

        Turned on, it turns off what it excludes, and turns on what it implies; turned off, what implies it goes, too.

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
        for on in (True, False):
            reached = target[..., place] == on
            for name, value in self.bound(column, on).items():
                other = self.index(name)
                target[..., other] = np.where(reached, value, target[..., other])
        return target

    def broken(self, labels: NDArray) -> dict[str, int]:
        """How many of the labels (N, A) break each of the rules that some break, by the rule in words."""
        found = {}
        for group in self._groups():
            found[f"at most one of {', '.join(group)}"] = (labels[:, [*map(self.index, group)]].sum(axis=1) > 1).sum()
        for name in self.columns:
            for other in self.columns:
                if other in self._implied(name):
                    wrong = (labels[:, self.index(name)] == 1) & (labels[:, self.index(other)] == 0)
                    found[f"{name} implies {other}"] = wrong.sum()
        return {rule: int(count) for rule, count in found.items() if count}

    def check_rules(self) -> None:
        """Checks that every attribute can be on.

        Raises:
            ValueError: an attribute implies what it excludes.
        """
        for name in self.columns:
            both = self._barred(name) & self._implied(name)
            if both:
                raise ValueError(f"{name} can never be on: it implies {', '.join(sorted(both))}, and excludes it.")

    def own_rules(self) -> dict[str, Any] | None:
        """The rules as plain JSON, as far as they concern the columns; None where they are CelebA's."""
        found = {"exclusive": self._groups(), "implies": self._pairs()}
        usual = replace(self, rules=CELEBA_RULES, implies=())
        return None if found == {"exclusive": usual._groups(), "implies": {}} else found

    def _groups(self) -> list[list[str]]:
        """The groups of two and more columns that exclude each other."""
        groups = [[name for name in self.columns if name in group] for group in self.rules]
        return sorted(group for group in groups if len(group) > 1)

    def _pairs(self) -> dict[str, list[str]]:
        """What each column implies, directly or not."""
        found = {name: self._implied(name) for name in self.columns}
        return {
            name: [other for other in self.columns if other in implied] for name, implied in found.items() if implied
        }

    def _implied(self, column: str) -> set[str]:
        """The names that are on whenever `column` is, directly or not."""
        found: set[str] = set()
        new = {column}
        while new:
            new = {other for name, others in self.implies if name in new for other in others} - found - {column}
            found |= new
        return found

    def _barred(self, column: str) -> set[str]:
        """The names that share a group with `column`, or with what it implies."""
        on = {column} | self._implied(column)
        return {name for group in self.rules for one in on & {*group} for name in group if name != one}

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

    def bound(self, column: str, on: bool) -> dict[str, int]:
        """The values that other columns must have when `column` is on, or off: who leaves a domain may go anywhere."""
        return dict.fromkeys(self.excluded(column), 0) if on else {}

    def check_rules(self) -> None:
        """Checks that every conversion has a name of its own.

        Raises:
            ValueError: there is one domain alone, or two conversions have the same name (a to b2c, and a2b to c).
        """
        if len(self.columns) < 2:
            raise ValueError("there must be two domains at least.")
        for name in self.cells:
            check_cell(name)
        twice = [name for name, count in Counter(name for name, _ in self._named()).items() if count > 1]
        if twice:
            raise ValueError(f"two conversions would be called '{twice[0]}': rename a domain.")

    def own_rules(self) -> None:
        """Domains have no rules of their own: each excludes all others."""

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
        return dict(self._named())

    def _named(self) -> Iterator[tuple[str, Change]]:
        for target in self.columns:
            for source in self.columns:
                if source != target:
                    yield f"{source}2{target}", Change(source, target)


LabelSpace = Attributes | Domains


def plain_space(space: LabelSpace) -> dict[str, Any]:
    """What `label_space` needs besides the columns to make the space again, as plain JSON."""
    return {"kind": space.kind, "rules": space.own_rules()}


def label_space(columns: Sequence[str], kind: str | None = None, rules: Mapping[str, Any] | None = None) -> LabelSpace:
    """The label space of columns.

    Args:
        columns: their names, in order.
        kind: the `kind` of a label space, as records have it; None where only the names are known (a weights file):
            AFHQ's domains are then domains, and all others attributes.
        rules: of attributes, as `Attributes.own_rules` gives them; None: CelebA's.
    """
    if kind is None:
        kind = Domains.kind if columns and set(columns) <= set(DOMAINS) else Attributes.kind
    if kind == Domains.kind:
        return Domains(tuple(columns))
    if rules is None:
        return Attributes(tuple(columns))
    groups = tuple(tuple(group) for group in rules["exclusive"])
    return Attributes(tuple(columns), groups, tuple((name, tuple(found)) for name, found in rules["implies"].items()))
