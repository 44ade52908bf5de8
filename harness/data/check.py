"""`bridgebench data check`: reports what a data set contains, what is wrong with it, and what to do.

The exit code is 1 if a loader would stop at a problem (without --skip-damaged), else 0. It is reported, but no error,
that a data set is smaller than the published one or contains a photo twice.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bridgebench.harness.data import afhq, celeba
from bridgebench.harness.data.photo_sources import PhotoSource, State
from bridgebench.harness.data.photos import decode_photo
from bridgebench.harness.processes.parallel import run_all
from bridgebench.harness.processes.terminal import text_table
from bridgebench.harness.profiles.profile import DRAWN_HERE
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.core.labels import DOMAINS

CHECKS = ("celeba", "afhq")
_SHOWN = 200  # shown items of each kind


@dataclass(frozen=True)
class CheckedPart:
    """A line of the table: what is counted, the number found, and the published number ("" if there is none)."""

    what: str
    found: str
    published: str = ""


@dataclass(frozen=True)
class Finding:
    """Findings of one kind that are reported, and what to do about them.

    Attributes:
        title: what the items have in common.
        items: the items, each a line that names its file.
        advice: what to do.
        error: whether a loader stops at the items.
    """

    title: str
    items: Sequence[str]
    advice: str
    error: bool = True


@dataclass
class Report:
    """The results of a check; empty findings are not kept."""

    title: str
    rows: list[CheckedPart] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """The number of items at which a loader would stop."""
        return sum(len(finding.items) for finding in self.findings if finding.error)

    def plain(self) -> dict[str, Any]:
        """All of it for JSON."""
        findings = [asdict(finding) for finding in self.findings]
        return {
            "data": self.title,
            "counts": [asdict(row) for row in self.rows],
            "findings": findings,
            "errors": self.errors,
        }

    def count(self, what: str, found: int, published: int | str = "") -> None:
        """Adds a line to the table."""
        self.rows.append(CheckedPart(what, f"{found:,}", f"{published:,}" if isinstance(published, int) else published))

    def find(self, title: str, items: Iterable[str], advice: str, *, error: bool = True) -> None:
        """Adds a finding, if it has items."""
        items = list(items)
        if items:
            self.findings.append(Finding(title, items, advice, error))


@dataclass(frozen=True)
class Examined:
    """A photo: its name, hash of the file, height and width (if it could be decoded), and what is wrong with it."""

    name: str
    sha256: str
    size: tuple[int, int] | None
    problem: str | None


def check(name: str, data_root: Path | None) -> Report:
    """Checks the data set `name` ("celeba" or "afhq") in a folder.

    Raises:
        UserError: it is no data set of photos, or the folder does not exist.
    """
    if name not in CHECKS:
        raise UserError(
            f"The images of '{name}' are drawn by bridgebench: only photos (celeba, afhq) can be checked."
            if name in DRAWN_HERE
            else f"'{name}' is not a data set of photos; check celeba or afhq.{did_you_mean(name, CHECKS)}"
        )
    if data_root is None:
        raise UserError(f"Say where the photos of {name} lie: --data-root FOLDER, or set BRIDGEBENCH_DATA_ROOT.")
    if not data_root.exists():
        raise UserError(f"There is no folder {data_root}; --data-root names the one in which {name} lies.")
    return {"celeba": check_celeba, "afhq": check_afhq}[name](data_root)


def examine_all(source: PhotoSource, names: Sequence[str], expected: tuple[int, int] | None) -> list[Examined]:
    """Decodes every photo on all cores and returns what was found.

    Args:
        source: where the photos are.
        names: names of the photos.
        expected: height and width that photos should have; None: any.
    """
    work = partial(examine, source, expected)
    return list(run_all(work, names, title=f"Decoding {len(names)} photos"))


def examine(source: PhotoSource, expected: tuple[int, int] | None, name: str) -> Examined:
    """Decodes one photo; see :func:`examine_all`."""
    sha256 = ""
    try:
        content = source.read(name)
        sha256 = hashlib.sha256(content).hexdigest()
        height, width = size = decode_photo(io.BytesIO(content), source.where(name)).shape[:2]
    except UserError as error:
        return Examined(name, sha256, None, str(error))
    if expected in (None, size):
        return Examined(name, sha256, size, None)
    wanted = "{1}x{0}".format(*expected)
    return Examined(
        name, sha256, size, f"{source.where(name)} has {width}x{height} pixels, where {wanted} are expected."
    )


def find_in_photos(
    report: Report, source: PhotoSource, examined: Sequence[Examined], published: str, size_advice: str = ""
) -> None:
    """Adds problems of photos, and photos with identical files; `size_advice` is for photos of a wrong size."""
    report.find(
        "Damaged photos",
        [photo.problem for photo in examined if photo.problem and not photo.size],
        f"Fetch them again from {published}, or go on without them by --skip-damaged.",
    )
    wrong = [photo.problem for photo in examined if photo.problem and photo.size]
    report.find("Photos of another size", wrong, size_advice)
    same: dict[str, list[str]] = {}
    for photo in examined:
        if photo.sha256:
            same.setdefault(photo.sha256, []).append(photo.name)
    report.find(
        f"Photos that are there more than once, in {source.place}",
        [" = ".join(names) for names in same.values() if len(names) > 1],
        "If one was copied over another, fetch it again; a photo that is both in train and in test flatters a method.",
        error=False,
    )


def report_lines(report: Report) -> str:
    """A report as text: the table, then the findings, one item a line."""
    lines = [report.title]
    if report.rows:
        known = any(row.published for row in report.rows)
        rows = [(row.what, row.found, row.published)[: 2 + known] for row in report.rows]
        lines += ["", text_table(("", "found", "published")[: 2 + known], rows), ""]
    for finding in report.findings:
        mark = "WRONG" if finding.error else "note"
        lines.append(f"{mark}  {finding.title} ({len(finding.items):,}). {finding.advice}")
        lines += [f"    {item}" for item in finding.items[:_SHOWN]]
        if len(finding.items) > _SHOWN:
            lines.append(f"    ... and {len(finding.items) - _SHOWN:,} more")
    wrong = {0: "Nothing is wrong.", 1: "One thing is wrong."}
    return "\n".join([*lines, wrong.get(report.errors, f"{report.errors:,} things are wrong.")])


# CelebA, compared with the published data set.

# MD5 of the published lists (also in torchvision.datasets.CelebA.file_list).
_MD5 = {celeba.LABELS: "75e246fa4810816ffd6ee81facbd244c", celeba.PARTITION: "d32c9cbf5e040fd4025c592c306e6668"}
_FETCH_CELEBA = (
    f"CelebA is published at {celeba.PUBLISHED}: fetch Img/{celeba.IMAGES}.zip, Anno/{celeba.LABELS}.txt and "
    f"Eval/{celeba.PARTITION}.txt, and put the three into ROOT/celeba/; the zip may be unpacked to "
    f"ROOT/celeba/{celeba.IMAGES}/ or stay as it is"
)
_WITHOUT_WHOLE = "It is not needed: all photos are here, and the published partition goes by their order."
_WITHOUT_PART = (
    "Without it the split goes by file order in the published shares, the last photos for testing, and the protocol "
    f"says so; the list comes with CelebA ({celeba.PUBLISHED})."
)
_SIZE_ADVICE = (
    f"The crop is meant for the aligned photos ({celeba.IMAGES}), where the eyes are always at the same place: take "
    "those, bring others to that size and place, or go on without them by --skip-damaged."
)
_LIST_ADVICE = (
    f"Put the line right or fetch the list again from {celeba.PUBLISHED}; --skip-damaged goes on without its photo."
)


def check_celeba(root: Path) -> Report:
    """Compares the CelebA in a folder with the published data set."""
    place = celeba.find_celeba(root)
    lie = "" if place.photos is None else f", its photos in {place.photos.place}"
    report = Report(f"CelebA in {place.folder}{lie}")
    parts = {celeba.empty_folder(place) or f"{celeba.IMAGES}/": place.photos, f"{celeba.LABELS}.txt": place.labels}
    missing = [name for name, part in parts.items() if part is None]
    report.find("What is missing", missing, f"{_FETCH_CELEBA}.")
    files = {} if place.photos is None else dict(place.photos.photos())
    report.count("photos", len(files), celeba.PUBLISHED_COUNT)
    labels = _check_labels(report, place)
    if labels is not None:
        _check_splits(report, place, labels)
        _compare_lists(report, place, labels, files)
    if place.photos is not None:
        examined = examine_all(place.photos, sorted(files), celeba.PHOTO_SIZE)
        find_in_photos(report, place.photos, examined, celeba.PUBLISHED, _SIZE_ADVICE)
    if files and len(files) != celeba.PUBLISHED_COUNT:
        report.find(
            "Not the whole of CelebA",
            [f"{len(files):,} photos of {celeba.PUBLISHED_COUNT:,}"],
            "What is measured on it cannot be held against published numbers.",
            error=False,
        )
    return report


def _check_labels(report: Report, place: celeba.Place) -> celeba.Labels | None:
    if place.labels is None:
        return None
    _checksum(report, place.labels, celeba.LABELS)
    try:
        labels = celeba.read_labels(place.labels)
    except UserError as error:
        report.find("A damaged list", [str(error)], f"Fetch it from {celeba.PUBLISHED}.")
        return None
    report.count("lines of the label list", labels.lines, celeba.PUBLISHED_COUNT)
    report.count("attributes", len(labels.names), 40)
    report.find("Wrong lines", [f"{problem.tell(place.labels)}." for problem in labels.problems], _LIST_ADVICE)
    return labels


def _check_splits(report: Report, place: celeba.Place, labels: celeba.Labels) -> None:
    if place.partition is not None:
        _checksum(report, place.partition, celeba.PARTITION)
    try:
        partition = celeba.partition_of(labels, place)
    except UserError as error:
        report.find("A damaged list", [str(error)], f"Fetch it from {celeba.PUBLISHED}.")
        return
    if partition.path is None:
        advice = _WITHOUT_WHOLE if labels.lines == celeba.PUBLISHED_COUNT else _WITHOUT_PART
        report.find("What is missing", [f"{place.folder / celeba.PARTITION}.txt"], advice, error=False)
    _count_splits(report, labels, partition)
    if partition.path is not None:
        items = [f"{problem.tell(partition.path)}." for problem in partition.problems]
        items += [f"{partition.path} gives no split for {name}." for name in labels.ids if name not in partition.codes]
        report.find("Wrong lines", items, _LIST_ADVICE)


def _count_splits(report: Report, labels: celeba.Labels, partition: celeba.Partition) -> None:
    codes = [partition.codes.get(name) for name in labels.ids]
    for code, split in enumerate(celeba.SPLITS):
        report.count(split, codes.count(code), celeba.PUBLISHED_SPLITS[split])


def _compare_lists(report: Report, place: celeba.Place, labels: celeba.Labels, files: dict[str, State]) -> None:
    """Compares the label list with the photos."""
    if place.photos is None:
        return
    names = celeba.file_names(labels.ids, files)
    report.find(
        "Missing photos",
        [f"{place.photos.where(name)} is missing; {labels.path.name} lists it." for name in names if name not in files],
        f"Fetch them from {celeba.PUBLISHED}, or go on without them by --skip-damaged.",
    )
    known = {*names, *celeba.file_names([problem.photo for problem in labels.problems if problem.photo], files)}
    report.find(
        "Photos that no line lists",
        [place.photos.where(name) for name in sorted(files) if name not in known],
        "They have no labels and are not used.",
        error=False,
    )


def _checksum(report: Report, path: Path, name: str) -> None:
    """Adds the MD5 of a list, and whether it equals that of the published list; only .txt lists were published."""
    found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    same = ("the same" if found == _MD5[name] else "another") if path.suffix == ".txt" else ""
    report.rows.append(CheckedPart(f"{path.name} MD5", found, same))


# AFHQ, compared with the published data set.

_TRAIN, _TEST = "train", "test"
_AFHQ_COUNTS = {
    "1": {_TRAIN: {"cat": 5153, "dog": 4739, "wild": 4738}, _TEST: {"cat": 500, "dog": 500, "wild": 500}},
    "2": {_TRAIN: {"cat": 5065, "dog": 4678, "wild": 4593}, _TEST: {"cat": 493, "dog": 491, "wild": 483}},
}
_FETCH_AFHQ = (
    f"AFHQ is published at {afhq.PUBLISHED} (`bash download.sh afhq-dataset` fetches version 1, afhq-v2-dataset "
    "version 2): put the zip into ROOT/ as afhq.zip or afhq_v2.zip, or unpack it to ROOT/afhq/train/cat/ and so on"
)
_AFHQ_SIDE = 512


def check_afhq(root: Path) -> Report:
    """Compares the AFHQ in a folder with the published data set."""
    try:
        source = afhq.locate_afhq(root)
    except UserError as error:
        report = Report(f"AFHQ in {root}")
        report.find("What is missing", [str(error)], f"{_FETCH_AFHQ}.")
        return report
    report = Report(f"AFHQ in {source.place}")
    folders = {_TRAIN: (_TRAIN,), _TEST: afhq.TEST_PARTS}
    parts = {
        part: {domain: sorted(afhq.photos_in(source, tops, domain)) for domain in DOMAINS}
        for part, tops in folders.items()
    }
    names = [name for part in parts.values() for photos in part.values() for name in photos]
    version, why = version_of(names)
    report.title += f": version {version} ({why})"
    _count_afhq(report, parts, _AFHQ_COUNTS.get(version))
    empty = [
        f"No photo (.jpg or .png) lies in {source.where(f'{folders[part][0]}/{domain}')}."
        for part, domains in parts.items()
        for domain, photos in domains.items()
        if not photos
    ]
    report.find("What is missing", empty, f"{_FETCH_AFHQ}.")
    taken, other = afhq.TEST_PARTS
    if _holds(source, taken) and _holds(source, other):
        advice = f"{taken}/ is taken; where a domain has photos in it, this one is not looked into."
        report.find("Two folders of test photos", [source.where(other)], advice, error=False)
    examined = examine_all(source, names, None)
    find_in_photos(report, source, examined, afhq.PUBLISHED)
    _check_sizes(report, examined)
    _compare_counts(report, len(names), version)
    return report


def version_of(names: list[str]) -> tuple[str, str]:
    """Version "1", "2" or "unknown", and how it was recognized.

    The versions differ in their numbers of photos; version 1 has JPEG files, version 2 has PNG files.
    """
    found = Counter("/".join(name.split("/")[:2]).replace("val/", "test/") for name in names)
    for version, published in _AFHQ_COUNTS.items():
        if found == {f"{part}/{domain}": n for part, domains in published.items() for domain, n in domains.items()}:
            return version, "by its numbers of photos"
    kinds = Counter("PNG" if name.lower().endswith(".png") else "JPEG" for name in names)
    tests = {name.split("/")[0] for name in names} & set(afhq.TEST_PARTS)
    folder = f"the test photos lie in {' and '.join(sorted(tests)) or 'none'}/"
    if set(kinds) == {"JPEG"}:
        return "1", f"all files are JPEG (version 2 has PNG), {folder}"
    if set(kinds) == {"PNG"}:
        return "2", f"all files are PNG (version 1 has JPEG), {folder}"
    return "unknown", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no files"


def _holds(source: PhotoSource, part: str) -> bool:
    return any(source.photos(f"{part}/{domain}") for domain in DOMAINS)


def _count_afhq(
    report: Report, parts: dict[str, dict[str, list[str]]], published: Mapping[str, Mapping[str, int]] | None
) -> None:
    """Adds the numbers of photos by domain, by split and in total."""
    for part, domains in parts.items():
        for domain, photos in domains.items():
            report.count(f"{part} {domain}", len(photos), published[part][domain] if published else "")
        report.count(part, sum(map(len, domains.values())), sum(published[part].values()) if published else "")
    found = sum(len(photos) for domains in parts.values() for photos in domains.values())
    report.count("together", found, _total_afhq(published) if published else "")


def _total_afhq(published: Mapping[str, Mapping[str, int]]) -> int:
    return sum(sum(domains.values()) for domains in published.values())


def _check_sizes(report: Report, examined: list[Examined]) -> None:
    others = Counter(photo.size for photo in examined if photo.size not in (None, (_AFHQ_SIDE, _AFHQ_SIDE)))
    report.find(
        "Photos of another size than published",
        [f"{count:,} photos of {size[1]}x{size[0]} pixels" for size, count in sorted(others.items()) if size],
        f"AFHQ's photos have {_AFHQ_SIDE}x{_AFHQ_SIDE}; others are brought to the profile's size all the same.",
        error=False,
    )


def _compare_counts(report: Report, found: int, version: str) -> None:
    published = _AFHQ_COUNTS.get(version)
    if published is not None and found != _total_afhq(published):
        report.find(
            f"Not the whole of AFHQ version {version}",
            [f"{found:,} photos of {_total_afhq(published):,}"],
            "What is measured on it cannot be held against published numbers.",
            error=False,
        )
    if version == "2":
        report.find(
            "Version 2",
            ["The paper's Table 3 and StarGAN v2's published numbers are of version 1."],
            "Fetch version 1 to compare with them.",
            error=False,
        )
