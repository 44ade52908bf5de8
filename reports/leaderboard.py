"""One page of all runs and archives of records in a folder: rows of methods by protocol, who measured them and when.

The folder's files may be strangers'. A run whose records do not fit together is named and left out. Runs of one
protocol are joined as `bridgebench merge` joins them, so that paired tests compare all methods on the same images. The
pages of each run lie beside the page. They are meant for others: of images that may not be passed on they show what
networks made of them alone.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridgebench.eval.measures.accuracy import SECOND
from bridgebench.eval.measures.counterfactual import SKILL
from bridgebench.eval.measures.identity import IDENTITY
from bridgebench.eval.measures.leakage import LEAKAGE
from bridgebench.eval.records.archive import opened
from bridgebench.eval.records.marks import MARK, check_folder, mark
from bridgebench.eval.records.merge import check_record, merge_into
from bridgebench.eval.records.record import MODES
from bridgebench.eval.records.run import RunRecord, Source
from bridgebench.eval.records.sources import as_source, makers
from bridgebench.methods.core.errors import CannotWrite, UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.pages.front import headline
from bridgebench.reports.pages.html import standalone
from bridgebench.reports.pages.layout import Layout, slugs
from bridgebench.reports.pages.provenance import NOT_NAMED, code_words, machine_words
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import build
from bridgebench.reports.tables.tables import ColumnHead, TableCell
from bridgebench.reports.words.protocol import ProtocolLine, lines

_RUNS = "runs"  # the folder of the runs' pages
_NO_RUNS = ("leaderboard", "aside", "cache", "report")


@dataclass(frozen=True)
class LinkedRun:
    """A run of the folder.

    Attributes:
        name: of its folder or file.
        page: its first page.
        protocol: the hash.
    """

    name: str
    page: Path
    protocol: str


@dataclass(frozen=True)
class Leaderboard:
    """What was made: the page, the runs that it shows, and why others are not shown, by their names."""

    page: Path
    runs: list[LinkedRun]
    refused: dict[str, str]


@dataclass(frozen=True)
class Maker:
    """Who measured a row: in their own words, or the name of the file; when, with what; a link to the run's page."""

    by: str
    created: str
    with_what: str
    link: str


@dataclass(frozen=True)
class BoardRow:
    """A method: its cells, and who measured them."""

    title: str
    about: str
    link: str
    cells: list[TableCell]
    makers: list[Maker]


@dataclass(frozen=True)
class Board:
    """The rows of one protocol and mode, the best by the second judge first; the controls apart."""

    title: str
    heads: list[ColumnHead]
    rows: list[BoardRow]
    controls: list[BoardRow]
    notes: list[str]


@dataclass(frozen=True)
class ProtocolGroup:
    """All runs of one protocol.

    Attributes:
        headline: as on the page of a run.
        boards: a table for each mode.
        untested: why nothing is marked as best; empty: the marks are of paired tests.
        apart: why its runs could not be joined, and stand in groups of their own; empty: they are joined.
        runs: links to them, each with who made it.
        lines: the protocol in words.
    """

    headline: dict[str, str]
    boards: list[Board]
    untested: str
    apart: str
    runs: list[Maker]
    lines: list[ProtocolLine]


@dataclass(frozen=True)
class _Entry:
    """A run that is shown: its name, its records, and the folder of its pages below the leaderboard's."""

    name: str
    path: Path
    run: Run
    pages: str = field(default="", compare=False)

    @property
    def record(self) -> RunRecord:
        return self.run.record


def build_leaderboard(folder: Path, out: Path) -> Leaderboard:
    """Writes the page, and the pages of each run; the same records give the same bytes.

    Args:
        folder: with run directories and archives of records in it.
        out: the folder to write into.

    Raises:
        UserError: there is no such run, or `out` is a folder of somebody else.
        CannotWrite: a page cannot be written.
    """
    check_folder(out, "pages")
    refused: dict[str, str] = {}
    with ExitStack() as stack:
        entries = _entries(folder, stack, refused)
        if not entries:
            more = "".join(f" {name}: {why}" for name, why in refused.items())
            raise UserError(f"{folder} has no run directory and no archive of records that can be shown.{more}")
        mark(out, "pages")
        for entry in [*entries]:
            try:
                build(entry.run.folder, out / entry.pages, for_others=True)
            except CannotWrite:
                raise
            except UserError as error:
                refused[entry.name] = str(error)
                entries.remove(entry)
        groups: list[ProtocolGroup] = []
        for protocol in sorted({entry.record.protocol_hash for entry in entries}):
            groups += _groups([entry for entry in entries if entry.record.protocol_hash == protocol])
        groups.sort(key=lambda group: (group.headline["data"], group.headline["hash"]))
        write_bytes(out / "index.html", standalone("leaderboard.html.j2", groups=groups, refused=refused))
        write_bytes(out / "leaderboard.json", (json.dumps(_plain(groups), indent=1, sort_keys=True) + "\n").encode())
    runs = [LinkedRun(one.name, out / one.pages / "index.html", one.record.protocol_hash) for one in entries]
    return Leaderboard(out / "index.html", runs, refused)


def _entries(folder: Path, stack: ExitStack, refused: dict[str, str]) -> list[_Entry]:
    """The runs of the folder, by their names; those that cannot be read are noted in `refused`."""
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.")
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name.startswith(".") or path.name in _NO_RUNS or (path / MARK).is_symlink():
            continue
        if path.suffix == ".zip" or (path.is_dir() and (path / "run.json").is_file()):
            try:
                run = Run(stack.enter_context(opened(path)))
                check_record(path.name, run.record)
                found.append(_Entry(path.name, path, run))
            except UserError as error:
                refused[path.name] = str(error)
    named = slugs(entry.name for entry in found)
    return [_Entry(entry.name, entry.path, entry.run, f"{_RUNS}/{named[entry.name]}") for entry in found]


def _groups(entries: Sequence[_Entry]) -> list[ProtocolGroup]:
    """The runs of one protocol: in one group if they can be joined, else each in its own."""
    if len(entries) == 1:
        return [_group(entries[0].run, entries, "")]
    with tempfile.TemporaryDirectory(prefix="bridgebench-") as name:
        try:
            merge_into([entry.path for entry in entries], Path(name), keep_both=True)
            return [_group(Run(Path(name)), entries, "")]
        except UserError as error:
            return [_group(entry.run, [entry], str(error)) for entry in entries]


def _group(joined: Run, entries: Sequence[_Entry], apart: str) -> ProtocolGroup:
    boards = [_board(joined, results, entries) for mode in MODES if (results := _results(joined, mode)).rows]
    return ProtocolGroup(
        headline(joined),
        [board for board in boards if board.heads],
        joined.untested,
        apart,
        [_maker(as_source(entry.record), entry) for entry in entries],
        lines(joined.record.protocol),
    )


def _results(run: Run, mode: Any) -> Results:
    return Results(run, run.record.protocol_hash, mode)


def _board(run: Run, results: Results, entries: Sequence[_Entry]) -> Board:
    last = SKILL if results.has(SKILL) else IDENTITY
    cards = [results.card(card) for card in (SECOND, LEAKAGE, last)]
    table = results.by_measure(cards, "board", MODE_TITLES[results.mode], "")
    names = [*results.kind("method"), *results.kind("control")]
    cells = [row.cells for group in table.groups for row in group.rows]
    ranks = {name: rank for rank, name in enumerate(names)}
    values, _ = results.means(cards[0])

    def rows(kind: str) -> list[BoardRow]:
        """The best by the second judge first, then those without a value."""
        chosen = sorted(
            results.kind(kind),
            key=lambda name: (values[name].value is None, -(values[name].value or 0.0), ranks[name]),
        )
        return [_row(run, results, name, cells[ranks[name]], entries) for name in chosen]

    return Board(table.title, table.heads, rows("method"), rows("control"), table.notes)


def _row(run: Run, results: Results, name: str, cells: list[TableCell], entries: Sequence[_Entry]) -> BoardRow:
    method, link, found = run.record.methods[name], "", dict[str, Maker]()
    sources = {
        source.id: source
        for column in run.columns
        if (run.record.protocol_hash, name, results.mode, column) in run.cells
        for source in makers(run.record, (name, results.mode, column))
    }
    for entry in entries:
        known = {one.id for one in (as_source(entry.record), *entry.record.sources)} & sources.keys()
        own = next((each for each in (name, method.measured_as) if each in entry.record.methods), None)
        if not known or own is None:
            continue
        link = link or f"{entry.pages}/{Layout(entry.run).method(own)}"
        for source in sorted(known):
            found.setdefault(source, _maker(sources[source], entry))
    return BoardRow(run.called(name), method.summary, link, cells, [*found.values()])


def _maker(source: Source, entry: _Entry) -> Maker:
    what = ", ".join(part for part in (code_words(source.code), machine_words(source.hardware)) if part)
    by = source.by or f"{NOT_NAMED} ({entry.name})"
    return Maker(by, source.created[:10], what, f"{entry.pages}/index.html")


def _plain(groups: Sequence[ProtocolGroup]) -> dict[str, Any]:
    """The page as data for other programs; numbers as they are printed, unrounded."""
    return {
        "groups": [
            {
                "protocol": group.headline["hash"],
                "data": group.headline["data"],
                "tables": [
                    {
                        "title": board.title,
                        "columns": [head.title for head in board.heads],
                        "rows": [
                            {
                                "method": row.title,
                                "control": row in board.controls,
                                "numbers": [dict(cell.numbers) for cell in row.cells],
                                "made": [{"by": one.by, "on": one.created, "run": one.link} for one in row.makers],
                            }
                            for row in (*board.rows, *board.controls)
                        ],
                    }
                    for board in group.boards
                ],
            }
            for group in groups
        ]
    }
