"""What of CelebA is in a folder, held against what was published."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bridgebench.harness.data.celeba import (
    IMAGES,
    LABELS,
    PARTITION,
    PHOTO_SIZE,
    PUBLISHED,
    Place,
    empty_folder,
    file_names,
    find_celeba,
    partition_of,
)
from bridgebench.harness.data.celeba_lists import (
    PUBLISHED_COUNT,
    PUBLISHED_SPLITS,
    SPLITS,
    Labels,
    Partition,
    read_labels,
)
from bridgebench.harness.data.check import Report, Row, examine_all, find_in_photos
from bridgebench.harness.data.sources import State
from bridgebench.methods.core.errors import UserError

# MD5 of the lists as published (torchvision.datasets.CelebA.file_list knows them too).
_MD5 = {LABELS: "75e246fa4810816ffd6ee81facbd244c", PARTITION: "d32c9cbf5e040fd4025c592c306e6668"}
_FETCH = (
    f"CelebA is published at {PUBLISHED}: fetch Img/{IMAGES}.zip, Anno/{LABELS}.txt and Eval/{PARTITION}.txt, and put "
    f"the three into ROOT/celeba/; the zip may be unpacked to ROOT/celeba/{IMAGES}/ or stay as it is"
)
_WITHOUT_WHOLE = "It is not needed: all photos are here, and the published partition goes by their order."
_WITHOUT_PART = (
    "Without it the split goes by file order in the published shares, the last photos for testing, and the protocol "
    f"says so; the list comes with CelebA ({PUBLISHED})."
)
_SIZE_ADVICE = (
    f"The crop is meant for the aligned photos ({IMAGES}), where the eyes are always at the same place: take those, "
    "bring others to that size and place, or go on without them by --skip-damaged."
)
_LIST_ADVICE = f"Put the line right or fetch the list again from {PUBLISHED}; --skip-damaged goes on without its photo."


def check_celeba(root: Path, progress: bool = True) -> Report:
    """See :func:`harness.data.check.check`."""
    place = find_celeba(root)
    lie = "" if place.photos is None else f", its photos in {place.photos.place}"
    report = Report(f"CelebA in {place.folder}{lie}")
    missing = [
        name
        for name, part in ((empty_folder(place) or f"{IMAGES}/", place.photos), (f"{LABELS}.txt", place.labels))
        if part is None
    ]
    report.find("What is missing", missing, f"{_FETCH}.")
    files = {} if place.photos is None else dict(place.photos.photos())
    report.count("photos", len(files), PUBLISHED_COUNT)
    labels = _check_labels(report, place)
    if labels is not None:
        _check_splits(report, place, labels)
        _compare(report, place, labels, files)
    if place.photos is not None:
        examined = examine_all(place.photos, sorted(files), PHOTO_SIZE, progress)
        find_in_photos(report, place.photos, examined, PUBLISHED, _SIZE_ADVICE)
    if files and len(files) != PUBLISHED_COUNT:
        report.find(
            "Not the whole of CelebA",
            [f"{len(files):,} photos of {PUBLISHED_COUNT:,}"],
            "What is measured on it cannot be held against published numbers.",
            error=False,
        )
    return report


def _check_labels(report: Report, place: Place) -> Labels | None:
    if place.labels is None:
        return None
    _checksum(report, place.labels, LABELS)
    try:
        labels = read_labels(place.labels)
    except UserError as error:
        report.find("A damaged list", [str(error)], f"Fetch it from {PUBLISHED}.")
        return None
    report.count("lines of the label list", labels.lines, PUBLISHED_COUNT)
    report.count("attributes", len(labels.names), 40)
    report.find("Wrong lines", [f"{problem.tell(place.labels)}." for problem in labels.problems], _LIST_ADVICE)
    return labels


def _check_splits(report: Report, place: Place, labels: Labels) -> None:
    if place.partition is not None:
        _checksum(report, place.partition, PARTITION)
    try:
        partition = partition_of(labels, place)
    except UserError as error:
        report.find("A damaged list", [str(error)], f"Fetch it from {PUBLISHED}.")
        return
    if partition.path is None:
        advice = _WITHOUT_WHOLE if labels.lines == PUBLISHED_COUNT else _WITHOUT_PART
        report.find("What is missing", [f"{place.folder / PARTITION}.txt"], advice, error=False)
    _count_splits(report, labels, partition)
    if partition.path is not None:
        items = [f"{problem.tell(partition.path)}." for problem in partition.problems]
        items += [f"{partition.path} gives no split for {name}." for name in labels.ids if name not in partition.codes]
        report.find("Wrong lines", items, _LIST_ADVICE)


def _count_splits(report: Report, labels: Labels, partition: Partition) -> None:
    codes = [partition.codes.get(name) for name in labels.ids]
    for code, split in enumerate(SPLITS):
        report.count(split, codes.count(code), PUBLISHED_SPLITS[split])


def _compare(report: Report, place: Place, labels: Labels, files: dict[str, State]) -> None:
    """The label list against the photos."""
    if place.photos is None:
        return
    names = file_names(labels.ids, files)
    report.find(
        "Missing photos",
        [f"{place.photos.where(name)} is missing; {labels.path.name} lists it." for name in names if name not in files],
        f"Fetch them from {PUBLISHED}, or go on without them by --skip-damaged.",
    )
    known = {*names, *file_names([problem.photo for problem in labels.problems if problem.photo], files)}
    report.find(
        "Photos that no line lists",
        [place.photos.where(name) for name in sorted(files) if name not in known],
        "They have no labels and are not used.",
        error=False,
    )


def _checksum(report: Report, path: Path, name: str) -> None:
    """The MD5 of a list, and whether it is that of the published one; only the .txt form was published."""
    found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    same = ("the same" if found == _MD5[name] else "another") if path.suffix == ".txt" else ""
    report.rows.append(Row(f"{path.name} MD5", found, same))
