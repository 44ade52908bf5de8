"""`bridgebench data check`: what of a data set is there, what is wrong with it, and what to do.

It ends with exit code 1 if a loader would stop at what is wrong (without --skip-damaged), else with 0. That a data set
is smaller than the published one, or holds a photo twice, is said, and is no error.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bridgebench.harness.data.photos import decode_photo
from bridgebench.harness.data.sources import PhotoSource
from bridgebench.harness.processes.parallel import run_all
from bridgebench.methods.core.errors import UserError, did_you_mean
from rich.console import Console
from rich.table import Table

_SHOWN = 200  # of each kind


@dataclass(frozen=True)
class Row:
    """A line of the table: what, how it was found, and how it is published ("" where that means nothing)."""

    what: str
    found: str
    published: str = ""


@dataclass(frozen=True)
class Finding:
    """Things of one kind that are worth telling, and what to do about them.

    Attributes:
        title: what they have in common.
        items: the things, each a line that names its file.
        advice: what to do.
        error: whether a loader stops at them.
    """

    title: str
    items: Sequence[str]
    advice: str
    error: bool = True


@dataclass
class Report:
    """What was found; empty findings are not kept."""

    title: str
    rows: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """How many things a loader would stop at."""
        return sum(len(finding.items) for finding in self.findings if finding.error)

    def count(self, what: str, found: int, published: int | str = "") -> None:
        """Adds a line of the table."""
        self.rows.append(Row(what, f"{found:,}", f"{published:,}" if isinstance(published, int) else published))

    def find(self, title: str, items: Iterable[str], advice: str, *, error: bool = True) -> None:
        """Adds a finding, if there is anything in it."""
        items = list(items)
        if items:
            self.findings.append(Finding(title, items, advice, error))


@dataclass(frozen=True)
class Examined:
    """A photo: its name, a hash of the file, its height and width if it could be decoded, what is wrong with it."""

    name: str
    sha256: str
    size: tuple[int, int] | None
    problem: str | None


def check(name: str, data_root: Path | None, console: Console | None = None, progress: bool = True) -> bool:
    """Checks the data set `name` ("celeba" or "afhq") in a folder, and prints what was found.

    Returns:
        Whether a loader would go through without --skip-damaged.

    Raises:
        UserError: no such data set is known, or the folder is not there.
    """
    from bridgebench.harness.data.check_afhq import check_afhq
    from bridgebench.harness.data.check_celeba import check_celeba

    checks = {"celeba": check_celeba, "afhq": check_afhq}
    if name not in checks:
        raise UserError(f"'{name}' is not a data set of photos; check celeba or afhq.{did_you_mean(name, checks)}")
    if data_root is None:
        raise UserError(f"Say where to look: bridgebench data check {name} --data-root FOLDER.")
    if not data_root.exists():
        raise UserError(f"There is no folder {data_root}.")
    report = checks[name](data_root, progress)
    show(report, console or Console())
    return report.errors == 0


def examine_all(
    source: PhotoSource, names: Sequence[str], expected: tuple[int, int] | None, progress: bool
) -> list[Examined]:
    """Every photo decoded, by all cores.

    Args:
        source: where they lie.
        names: which.
        expected: height and width that they should have; None: any.
        progress: show a bar.
    """
    work = partial(examine, source, expected)
    return list(run_all(work, names, title=f"Decoding {len(names)} photos", progress=progress))


def examine(source: PhotoSource, expected: tuple[int, int] | None, name: str) -> Examined:
    """One photo, see :func:`examine_all`."""
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
    """Adds what is wrong with photos, and which of them are the same file; `size_advice` is for those of wrong size."""
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


def show(report: Report, console: Console) -> None:
    """Prints a report: the table, then what was found, each thing on a line of its own."""
    _line(console, report.title)
    table = Table("", "found", "published")
    for column in table.columns:
        column.overflow = "fold"
    for row in report.rows:
        table.add_row(row.what, row.found, row.published)
    if report.rows:
        console.print(table)
    for finding in report.findings:
        mark = "WRONG" if finding.error else "note"
        _line(console, f"{mark}  {finding.title} ({len(finding.items):,}). {finding.advice}")
        for item in finding.items[:_SHOWN]:
            _line(console, f"    {item}")
        if len(finding.items) > _SHOWN:
            _line(console, f"    ... and {len(finding.items) - _SHOWN:,} more")
    wrong = {0: "Nothing is wrong.", 1: "One thing is wrong."}
    _line(console, wrong.get(report.errors, f"{report.errors:,} things are wrong."))


def _line(console: Console, text: str) -> None:
    text = "".join(each if each.isprintable() else "?" for each in text)  # a file's name cannot command the terminal
    console.print(text, markup=False, highlight=False, soft_wrap=True)
