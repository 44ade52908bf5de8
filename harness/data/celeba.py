"""CelebA (Liu et al., ICCV 2015) in its common layouts on disk: it is read in place, and nothing is downloaded.

    ROOT/celeba/ or ROOT/
        img_align_celeba/000001.jpg ...    the aligned photos, 178 x 218; or img_align_celeba.zip, or PNG files
        list_attr_celeba.txt               count, 40 names, then a row per photo with -1 or 1 per name; or Kaggle's .csv
        list_eval_partition.txt            photo and split (0 train, 1 validation, 2 test); or Kaggle's .csv

The publisher's folders Img/, Anno/ and Eval/, and Kaggle's second img_align_celeba/, may lie in between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.base import ImageSet, Split
from bridgebench.harness.data.photo_cache import prepared_photos
from bridgebench.harness.data.photo_sources import PhotoFolder, PhotoSource, PhotoZip, inside, is_photo
from bridgebench.harness.data.resize import CELEBA_BRIDGEGAN, Preparation
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.core.files import read_bytes

SplitRule = Literal["partition", "official-code", "part"]

PUBLISHED = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
IMAGES, LABELS, PARTITION = "img_align_celeba", "list_attr_celeba", "list_eval_partition"
_FOLDERS = tuple(f"{place}{name}" for name in (IMAGES, f"{IMAGES}_png") for place in ("", "Img/"))
PHOTO_SIZE = (218, 178)  # height, width
PART = Path(__file__).parent / "celeba_part.txt"
# BridgeGAN's data code splits by file order: its training set includes most of the validation photos.
_OFFICIAL_CODE = {"train": range(182_000), "validation": range(182_000, 182_637), "test": range(182_637, 202_599)}

SPLITS = ("train", "validation", "test")
PUBLISHED_COUNT = 202_599
_LARGEST = 2**28  # bytes of a list; the published lists have 27 MB
PUBLISHED_SPLITS = {"train": 162_770, "validation": 19_867, "test": 19_962}
"""The published partition goes by file order: train first, test last."""


@dataclass(frozen=True)
class Place:
    """The parts of CelebA that were found; None for a missing part."""

    folder: Path
    photos: PhotoSource | None
    labels: Path | None
    partition: Path | None


def load_celeba(
    data_root: Path | None,
    split: Split,
    attributes: Sequence[str],
    image_size: int,
    *,
    count: int = 0,
    limit: int | None = None,
    rule: SplitRule = "partition",
    preparation: Preparation | None = None,
    skip_damaged: bool = False,
    cache_dir: Path | None = None,
) -> ImageSet:
    """A split of CelebA.

    Args:
        data_root: the folder described at the top of this file.
        split: "train", "validation" or "test".
        attributes: names of the label columns, in order.
        image_size: side of the images in pixels.
        count: take this many photos of the split, the first ones; the split must have them. 0: take all.
        limit: take at most this many.
        rule: "partition" uses CelebA's own list or, if it is missing, :func:`implied_partition`.
            "official-code" is BridgeGAN's split by file order (182,000 / 637 / 19,962). It makes sense only for the
            whole data set, so a smaller set uses its list here too. "part" takes the 31,135 photos of the
            shipped list ``celeba_part.txt``, 24,220 / 1,592 / 5,323, with no person in two splits.
        preparation: crop and resize filter; BridgeGAN's by default.
        skip_damaged: leave out damaged or missing photos, and damaged lines of the lists.
        cache_dir: where prepared photos are kept; see :func:`harness.processes.user_cache.default_cache_dir`.

    Raises:
        UserError: the data set is missing, a list or a photo is damaged, attributes or photos are missing, or the
            split has fewer photos than `count`.
    """
    place = find_celeba(data_root)
    labels, photos = _whole(place, data_root)
    columns = [_column(name, labels) for name in attributes]
    if rule == "official-code" and labels.lines != PUBLISHED_COUNT:
        rule = "partition"
    if rule == "part":
        partition: Partition | None = _part_of(labels, place.folder, skip_damaged)
    else:
        partition = partition_of(labels, place) if rule == "partition" else None
    problems = list(_problems(labels, partition))
    if problems and not skip_damaged:
        raise UserError(f"{problems[0][1]}; put it right, or go on without it by --skip-damaged.")
    rows = _rows_of(split, labels, partition)
    if len(rows) < max(count, 1):
        wanted = f"{count} are asked for" if count else "it needs some"
        raise UserError(f"The {split} split of CelebA in {place.folder} holds {len(rows)} photos; {wanted}.")
    files = photos.photos()
    preparation = preparation or Preparation(CELEBA_BRIDGEGAN, "legacy_bicubic", image_size, PHOTO_SIZE)
    prepared = prepared_photos(
        photos,
        file_names([labels.ids[row] for row in rows], files),
        files,
        preparation,
        name="celeba",
        wanted=min(count or len(rows), limit or len(rows)),
        skip_damaged=skip_damaged,
        dropped=[name for name, _ in problems if name and _may_be_in(split, name, partition)],
        cache_dir=cache_dir,
    )
    rows = rows[prepared.rows]
    values = (labels.values[rows][:, columns] == 1).astype(np.uint8)
    ids = [labels.ids[row] for row in rows]
    facts = [prepared.digest, prepared.preparation, ids, list(attributes), values.tolist()]
    return ImageSet(
        images=prepared.images,
        labels=values,
        ids=ids,
        attributes=tuple(attributes),
        image_size=image_size,
        name="celeba",
        digest=hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest(),
        preparation={**prepared.preparation, "split": rule if _is_known(labels, partition) else "file order"},
    )


def _part_of(labels: Labels, folder: Path, skip_damaged: bool) -> Partition:
    """The shipped list of the part of CelebA that the profile ``celeba64`` uses.

    Raises:
        UserError: photos of the list are missing in the data set, and `skip_damaged` is not set.
    """
    partition = read_partition(PART)
    missing = sorted(partition.codes.keys() - set(labels.ids))
    if missing and not skip_damaged:
        raise UserError(
            f"The labels of CelebA in {folder} lack {len(missing):,} of the {len(partition.codes):,} photos of the "
            f"part that is asked for, first {missing[0]}: put them there, or go on without them by --skip-damaged."
        )
    return partition


def find_celeba(data_root: Path | None) -> Place:
    """Finds the parts of CelebA in a folder.

    Raises:
        UserError: no folder is given, or symbolic links lead out of it.
    """
    if data_root is None:
        raise UserError(f"CelebA is needed: give --data-root FOLDER, which holds {_EXPECTED}.")
    places = [_look(folder, data_root) for folder in (data_root / "celeba", data_root / "CelebA", data_root)]
    return max(places, key=lambda place: sum(part is not None for part in (place.photos, place.labels)))


def partition_of(labels: Labels, place: Place) -> Partition:
    """The list of splits; if it is missing, the splits implied by the order of the files.

    Raises:
        UserError: the list cannot be read.
    """
    return implied_partition(labels) if place.partition is None else read_partition(place.partition)


def file_names(ids: Sequence[str], files: Collection[str]) -> list[str]:
    """The file of each photo: the lists say 000001.jpg even if the files are PNG."""
    by_stem = {name.rpartition(".")[0]: name for name in files}
    return [name if name in files else by_stem.get(name.rpartition(".")[0], name) for name in ids]


_EXPECTED = (
    f"{IMAGES}/ (or {IMAGES}.zip), {LABELS}.txt and {PARTITION}.txt (or .csv), in it or in its folder celeba/; the "
    f"data set is published at {PUBLISHED} and is not downloaded for you"
)


def _whole(place: Place, data_root: Path | None) -> tuple[Labels, PhotoSource]:
    if place.photos is None and (hint := empty_folder(place)):
        raise UserError(f"{hint}: put the photos themselves there.")
    if place.photos is None or place.labels is None:
        raise UserError(f"CelebA is not in {data_root}, which should hold {_EXPECTED}.")
    return read_labels(place.labels), place.photos


def empty_folder(place: Place) -> str:
    """A sentence saying that the folder of photos is empty; "" if there is no such folder."""
    folder = next((place.folder / name for name in _FOLDERS if (place.folder / name).is_dir()), None)
    if folder is None:
        return ""
    below = next((path.name for path in sorted(folder.iterdir()) if path.is_dir()), None)
    return f"No photo (.jpg or .png) lies in {folder}" + (f", whose folder {below} is not looked into" if below else "")


def _look(folder: Path, root: Path) -> Place:
    def first(name: str, below: str) -> Path | None:
        candidates = (folder / place / f"{name}{suffix}" for suffix in (".txt", ".csv") for place in ("", below))
        return next((inside(path, root) for path in candidates if path.is_file()), None)

    return Place(folder, _photos(folder, root), first(LABELS, "Anno"), first(PARTITION, "Eval"))


def _photos(folder: Path, root: Path) -> PhotoSource | None:
    for name in _FOLDERS:
        for place in (folder / name, folder / name / Path(name).name):
            if place.is_dir() and any(is_photo(path.name) for path in inside(place, root).iterdir()):
                return PhotoFolder(place, root)
    for name in _FOLDERS:
        file = folder / f"{name}.zip"
        if file.is_file():
            archive = PhotoZip(inside(file, root))
            return archive.at(next(iter(sorted(archive.folders(), reverse=True)), ""))
    return None


def _problems(labels: Labels, partition: Partition | None) -> Iterator[tuple[str | None, str]]:
    """The problems of the lists: for each, the photo or line that is left out, and a sentence."""

    def tell(problem: Problem, path: Path) -> tuple[str | None, str]:
        name = (problem.photo or f"{path.name} line {problem.line}") if problem.line else None
        return name, problem.tell(path)

    yield from (tell(problem, labels.path) for problem in labels.problems)
    if partition is not None and partition.path is not None:
        yield from (tell(problem, partition.path) for problem in partition.problems)
        for name in () if partition.path == PART else labels.ids:
            if name not in partition.codes:
                yield name, f"{partition.path} gives no split (0, 1 or 2) for {name}"


def _rows_of(split: Split, labels: Labels, partition: Partition | None) -> NDArray[np.int64]:
    """Positions in the label list of a split's photos."""
    if partition is None:
        wanted = _OFFICIAL_CODE[split]
        return np.flatnonzero((labels.positions >= wanted.start) & (labels.positions < wanted.stop))
    code = SPLITS.index(split)
    return np.array([row for row, name in enumerate(labels.ids) if partition.codes.get(name) == code], np.int64)


def _is_known(labels: Labels, partition: Partition | None) -> bool:
    """Whether the split is published or given by a list, rather than guessed."""
    return labels.lines == PUBLISHED_COUNT or (partition is not None and partition.path is not None)


def _may_be_in(split: Split, name: str, partition: Partition | None) -> bool:
    """Whether a photo without labels (or a damaged line) would be in the split, as far as one can tell."""
    code = SPLITS.index(split)
    return partition is None or partition.codes.get(name, code) == code


def _column(attribute: str, labels: Labels) -> int:
    if attribute not in labels.names:
        raise UserError(f"{labels.path} has no attribute '{attribute}'.{did_you_mean(attribute, labels.names)}")
    return labels.names.index(attribute)


# The two lists, labels and partition, as published or as CSV, with the problems of each line.


@dataclass(frozen=True)
class Problem:
    """A problem in a list.

    Attributes:
        line: number of the line, from 1; 0: the list as a whole.
        what: the problem, as the end of a sentence that begins with the line.
        photo: the photo that has no label or split because of the problem, if known.
    """

    line: int
    what: str
    photo: str | None = None

    def tell(self, path: Path) -> str:
        """The problem as a sentence without its full stop."""
        return f"{path} line {self.line} {self.what}" if self.line else f"{path} {self.what}"


@dataclass(frozen=True)
class Labels:
    """The label list.

    Attributes:
        path: the file.
        ids: photos (N), in the order of the list.
        positions: (N) position of each photo among all lines of the list, complete or not, from 0.
        lines: number of lines for photos in the list, complete or not.
        names: attributes (A).
        values: (N, A) labels, -1 or 1.
        problems: incomplete lines; their photos are not in `ids`.
    """

    path: Path
    ids: list[str]
    positions: NDArray[np.int64]
    lines: int
    names: list[str]
    values: NDArray[np.int8]
    problems: list[Problem]


@dataclass(frozen=True)
class Partition:
    """The partition list: the split of each photo, as a place in ``SPLITS``; problems as in :class:`Labels`.

    `path` is None if there is no such list.
    """

    path: Path | None
    codes: dict[str, int]
    problems: list[Problem]


def read_labels(path: Path) -> Labels:
    """Reads ``list_attr_celeba.txt``, or Kaggle's ``.csv`` version; extra spaces and empty lines are ignored.

    Raises:
        UserError: the file cannot be read, or does not begin like a label list.
    """
    lines = _lines(path)
    csv = path.suffix == ".csv"
    cut = _cells(csv)
    count, names, first = (None, cut(lines[0])[1:], 1) if csv and lines else _head(path, lines)
    if not names:
        raise UserError(f"{path} is damaged: its head should name the attributes; fetch it again.")
    rows = [(number, line) for number, line in enumerate(lines[first:], first + 1) if line.strip()]
    found = _fast(rows, len(names)) or _slow(rows, cut, len(names))
    if count not in (None, len(rows)):
        found.problems.insert(
            0, Problem(0, f"says at its head that there are {count} photos, but {len(rows)} lines follow")
        )
    return Labels(path, found.ids, np.array(found.positions), len(rows), names, found.values, found.problems)


def read_partition(path: Path) -> Partition:
    """Reads ``list_eval_partition.txt`` or ``.csv``.

    Raises:
        UserError: the file cannot be read.
    """
    cut = _cells(path.suffix == ".csv")
    codes: dict[str, int] = {}
    problems: list[Problem] = []
    doubtful: set[str] = set()
    for number, line in enumerate(_lines(path), 1):
        cells = cut(line)
        if not line.strip() or cells[0] == "image_id":
            continue
        photo = _photo(cells[0])
        if photo is None or len(cells) != 2 or cells[1] not in ("0", "1", "2"):
            problems.append(Problem(number, "should be a file name and 0, 1 or 2", photo))
        elif photo in codes:
            problems.append(Problem(number, f"names {photo} a second time"))
            doubtful |= {photo} if codes[photo] != int(cells[1]) else set()
        else:
            codes[photo] = int(cells[1])
    return Partition(path, {photo: code for photo, code in codes.items() if photo not in doubtful}, problems)


def implied_partition(labels: Labels) -> Partition:
    """The partition for a data root without the list. Like the published partition, it goes by file order.

    For all of CelebA, and for a part whose files still have their published numbers, it equals the published partition.
    For any other set, the first photos are for training and the last for testing, in the published shares.
    """
    ends = np.cumsum([PUBLISHED_SPLITS[split] for split in SPLITS])
    numbers = _published_numbers(labels)
    places, count = (labels.positions, labels.lines) if numbers is None else (numbers - 1, PUBLISHED_COUNT)
    codes = np.searchsorted(ends * count // PUBLISHED_COUNT, places, side="right")
    return Partition(None, dict(zip(labels.ids, codes.tolist(), strict=True)), [])


def _published_numbers(labels: Labels) -> NDArray[np.int64] | None:
    """The numbers of files named 000001.jpg to 202599.jpg, if some are beyond those of the training photos."""
    stems = [name.rpartition(".")[0] for name in labels.ids]
    if not stems or not all(len(stem) == len("000001") and stem.isascii() and stem.isdigit() for stem in stems):
        return None
    numbers = np.array([int(stem) for stem in stems])
    return numbers if PUBLISHED_SPLITS["train"] < numbers.max() <= PUBLISHED_COUNT and numbers.min() > 0 else None


@dataclass
class _Rows:
    ids: list[str]
    positions: list[int] | NDArray[np.int64]
    values: NDArray[np.int8]
    problems: list[Problem]


def _fast(rows: list[tuple[int, str]], width: int) -> _Rows | None:
    """Reads all rows at once; None if any row is incomplete."""
    try:
        pairs = [line.replace(",", " ").split(maxsplit=1) for _, line in rows]
        ids = [pair[0] for pair in pairs]
        values = np.loadtxt([pair[1] for pair in pairs], np.int8, ndmin=2, comments=None)
    except (ValueError, IndexError, OverflowError):
        return None
    whole = values.shape == (len(ids), width) and np.isin(values, (-1, 1)).all()
    if not whole or len(set(ids)) != len(ids) or not all(map(_photo, ids)):
        return None
    return _Rows(ids, np.arange(len(ids)), values, [])


def _slow(rows: list[tuple[int, str]], cut: Callable[[str], list[str]], width: int) -> _Rows:
    """Reads rows one by one, with a problem for each incomplete row."""
    found: dict[str, tuple[int, list[int]]] = {}
    lines: dict[str, int] = {}
    problems = []
    for position, (number, line) in enumerate(rows):
        cells = cut(line)
        photo = _photo(cells[0])
        if photo is None:
            problems.append(Problem(number, f"should begin with a file name, not with '{cells[0][:40]}'"))
        elif photo in lines:
            problems.append(Problem(number, f"names {photo} a second time (line {lines[photo]} does so first)"))
        elif len(cells) != width + 1:
            problems.append(Problem(number, f"holds {len(cells) - 1} values, not {width}", photo))
        elif (wrong := next((cell for cell in cells[1:] if cell not in ("-1", "1")), None)) is not None:
            problems.append(Problem(number, f"holds '{wrong[:40]}', where only -1 and 1 may stand", photo))
        else:
            found[photo] = (position, [int(cell) for cell in cells[1:]])
        if photo is not None:
            lines.setdefault(photo, number)
    values = np.array([values for _, values in found.values()], np.int8).reshape(len(found), width)
    return _Rows(list(found), [position for position, _ in found.values()], values, problems)


def _head(path: Path, lines: Sequence[str]) -> tuple[int, list[str], int]:
    """The header of the published list: count, names, and number of lines of the header."""
    try:
        return int(lines[0]), lines[1].split(), 2
    except (ValueError, IndexError) as error:
        raise UserError(
            f"{path} is damaged: it should begin with a line that holds a count and a line of names; fetch it again."
        ) from error


def _lines(path: Path) -> list[str]:
    try:
        return read_bytes(path, _LARGEST).decode("utf-8-sig", errors="replace").splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from error


def _cells(csv: bool) -> Callable[[str], list[str]]:
    """A function that splits a line into its cells, at least one."""
    if csv:
        return lambda line: [cell.strip().strip('"') for cell in line.split(",")]
    return lambda line: line.split() or [""]


def _photo(name: str) -> str | None:
    """The name if it can be a photo's name; else None."""
    return name if name and "." in name and not set(name) & set('/\\:"') and not name.startswith(".") else None
