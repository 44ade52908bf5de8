"""What of AFHQ is in a folder, held against what was published."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path

from harness.data.afhq import PUBLISHED, TEST_PARTS, locate_afhq
from harness.data.check import Examined, Report, examine_all, find_in_photos
from methods.attributes import DOMAINS
from methods.errors import UserError

VERSION_1 = {
    "train": {"cat": 5153, "dog": 4739, "wild": 4738},
    "test": {"cat": 500, "dog": 500, "wild": 500},
}
VERSION_2_TOTAL = 15_803
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
    folders = {"train": ("train",), "test": TEST_PARTS}
    parts = {
        part: {domain: sorted(chain(*(source.photos(f"{top}/{domain}") for top in tops))) for domain in DOMAINS}
        for part, tops in folders.items()
    }
    names = [name for part in parts.values() for photos in part.values() for name in photos]
    version, why = version_of(names)
    report.title += f": version {version} ({why})"
    for part, domains in parts.items():
        for domain, photos in domains.items():
            report.count(f"{part} {domain}", len(photos), VERSION_1[part][domain] if version == "1" else "")
    report.count("together", len(names), {"1": 16_130, "2": VERSION_2_TOTAL}.get(version, ""))
    empty = [f"{part}/{domain}/" for part, domains in parts.items() for domain, photos in domains.items() if not photos]
    report.find("What is missing", [f"{source.place}/{folder} holds no photo." for folder in empty], f"{_FETCH}.")
    examined = examine_all(source, names, None, progress)
    find_in_photos(report, source, examined, PUBLISHED)
    _check_sizes(report, examined)
    _compare(report, len(names), version)
    return report


def version_of(names: list[str]) -> tuple[str, str]:
    """Version "1", "2" or "unknown", and how one can tell: version 1 holds JPEG files, version 2 PNG files."""
    kinds = Counter("PNG" if name.lower().endswith(".png") else "JPEG" for name in names)
    tests = {name.split("/")[0] for name in names} & set(TEST_PARTS)
    folder = f"the test photos lie in {' and '.join(sorted(tests)) or 'no folder'}/"
    if set(kinds) == {"JPEG"}:
        return "1", f"all files are JPEG (version 2 has PNG), {folder}"
    if set(kinds) == {"PNG"}:
        return "2", f"all files are PNG (version 1 has JPEG), {folder}"
    return "unknown", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no files"


def _check_sizes(report: Report, examined: list[Examined]) -> None:
    others = Counter(photo.size for photo in examined if photo.size not in (None, (_SIDE, _SIDE)))
    report.find(
        "Photos of another size than published",
        [f"{count:,} photos of {size[1]}x{size[0]} pixels" for size, count in sorted(others.items()) if size],
        f"AFHQ's photos have {_SIDE}x{_SIDE}; others are brought to the profile's size all the same.",
        error=False,
    )


def _compare(report: Report, found: int, version: str) -> None:
    published = {"1": sum(sum(part.values()) for part in VERSION_1.values()), "2": VERSION_2_TOTAL}.get(version)
    if published not in (None, found):
        report.find(
            f"Not the whole of AFHQ version {version}",
            [f"{found:,} photos of {published:,}"],
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
