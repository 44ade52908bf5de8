"""What of AFHQ is in a folder, held against what was published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bridgebench.harness.data.afhq import PUBLISHED, TEST_PARTS, locate_afhq, photos_in
from bridgebench.harness.data.check import Examined, Report, examine_all, find_in_photos
from bridgebench.harness.data.sources import PhotoSource
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import DOMAINS

_TRAIN, _TEST = "train", "test"
PUBLISHED_COUNTS = {
    "1": {_TRAIN: {"cat": 5153, "dog": 4739, "wild": 4738}, _TEST: {"cat": 500, "dog": 500, "wild": 500}},
    "2": {_TRAIN: {"cat": 5065, "dog": 4678, "wild": 4593}, _TEST: {"cat": 493, "dog": 491, "wild": 483}},
}
_FETCH = (
    f"AFHQ is published at {PUBLISHED} (`bash download.sh afhq-dataset` fetches version 1, afhq-v2-dataset version 2): "
    "put the zip into ROOT/ as afhq.zip or afhq_v2.zip, or unpack it to ROOT/afhq/train/cat/ and so on"
)
_SIDE = 512


def check_afhq(root: Path, progress: bool = True) -> Report:
    """See :func:`harness.data.check.check`."""
    try:
        source = locate_afhq(root)
    except UserError as error:
        report = Report(f"AFHQ in {root}")
        report.find("What is missing", [str(error)], f"{_FETCH}.")
        return report
    report = Report(f"AFHQ in {source.place}")
    folders = {_TRAIN: (_TRAIN,), _TEST: TEST_PARTS}
    parts = {
        part: {domain: sorted(photos_in(source, tops, domain)) for domain in DOMAINS} for part, tops in folders.items()
    }
    names = [name for part in parts.values() for photos in part.values() for name in photos]
    version, why = version_of(names)
    report.title += f": version {version} ({why})"
    _count(report, parts, PUBLISHED_COUNTS.get(version))
    empty = [
        f"No photo (.jpg or .png) lies in {source.where(f'{folders[part][0]}/{domain}')}."
        for part, domains in parts.items()
        for domain, photos in domains.items()
        if not photos
    ]
    report.find("What is missing", empty, f"{_FETCH}.")
    taken, other = TEST_PARTS
    if _holds(source, taken) and _holds(source, other):
        advice = f"{taken}/ is taken; where a domain has photos in it, this one is not looked into."
        report.find("Two folders of test photos", [source.where(other)], advice, error=False)
    examined = examine_all(source, names, None, progress)
    find_in_photos(report, source, examined, PUBLISHED)
    _check_sizes(report, examined)
    _compare(report, len(names), version)
    return report


def version_of(names: list[str]) -> tuple[str, str]:
    """Version "1", "2" or "unknown", and how one can tell.

    The two differ in their numbers of photos, and version 1 holds JPEG files, version 2 PNG files.
    """
    found = Counter("/".join(name.split("/")[:2]).replace("val/", "test/") for name in names)
    for version, published in PUBLISHED_COUNTS.items():
        if found == {f"{part}/{domain}": n for part, domains in published.items() for domain, n in domains.items()}:
            return version, "by its numbers of photos"
    kinds = Counter("PNG" if name.lower().endswith(".png") else "JPEG" for name in names)
    tests = {name.split("/")[0] for name in names} & set(TEST_PARTS)
    folder = f"the test photos lie in {' and '.join(sorted(tests)) or 'none'}/"
    if set(kinds) == {"JPEG"}:
        return "1", f"all files are JPEG (version 2 has PNG), {folder}"
    if set(kinds) == {"PNG"}:
        return "2", f"all files are PNG (version 1 has JPEG), {folder}"
    return "unknown", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no files"


def _holds(source: PhotoSource, part: str) -> bool:
    return any(source.photos(f"{part}/{domain}") for domain in DOMAINS)


def _count(
    report: Report, parts: dict[str, dict[str, list[str]]], published: Mapping[str, Mapping[str, int]] | None
) -> None:
    """The numbers of photos, by domain, by split and together."""
    for part, domains in parts.items():
        for domain, photos in domains.items():
            report.count(f"{part} {domain}", len(photos), published[part][domain] if published else "")
        report.count(part, sum(map(len, domains.values())), sum(published[part].values()) if published else "")
    found = sum(len(photos) for domains in parts.values() for photos in domains.values())
    report.count("together", found, _total(published) if published else "")


def _total(published: Mapping[str, Mapping[str, int]]) -> int:
    return sum(sum(domains.values()) for domains in published.values())


def _check_sizes(report: Report, examined: list[Examined]) -> None:
    others = Counter(photo.size for photo in examined if photo.size not in (None, (_SIDE, _SIDE)))
    report.find(
        "Photos of another size than published",
        [f"{count:,} photos of {size[1]}x{size[0]} pixels" for size, count in sorted(others.items()) if size],
        f"AFHQ's photos have {_SIDE}x{_SIDE}; others are brought to the profile's size all the same.",
        error=False,
    )


def _compare(report: Report, found: int, version: str) -> None:
    published = PUBLISHED_COUNTS.get(version)
    if published is not None and found != _total(published):
        report.find(
            f"Not the whole of AFHQ version {version}",
            [f"{found:,} photos of {_total(published):,}"],
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
