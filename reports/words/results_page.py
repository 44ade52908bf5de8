"""The part of docs/results.md that is made from the published records: what the comparison shows, and what not."""

from __future__ import annotations

import textwrap
from pathlib import Path

from bridgebench.eval.records.record import MODES
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.read.results import Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.words.story import TITLE, story, variant_words

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
BEGIN, END = f"## {TITLE}\n", "## Read on\n"
_WIDTH = 120


def update(run: Run, ablations: Run, path: Path = PAGE) -> None:
    """Writes the part anew."""
    write_bytes(path, updated(path.read_text(encoding="utf-8"), run, ablations).encode())


def updated(page: str, run: Run, ablations: Run) -> str:
    """The page with the part that belongs to a run; all else stays as it is.

    Args:
        page: its text.
        run: the comparison.
        ablations: a run of variants, of which seeds and ablations are told.

    Raises:
        ValueError: the page has no such part, or the run has nothing to tell.
    """
    found = story(run)
    if found is None:
        raise ValueError("a run of fewer than two methods has nothing to tell")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    lead = f"Made from the records of {_page(run)}; each page has its own."
    parts = [BEGIN, _wrapped(lead), "\nIt shows:\n", *map(_line, found.shows), "\nIt does not show:\n"]
    parts += map(_line, found.lacks)
    parts += [
        "",
        _wrapped(f"What its parts and its seed do to a method, made from the records of {_page(ablations)}:"),
        "",
    ]
    parts += map(_line, variant_words([Results(ablations, ablations.record.protocol_hash, mode) for mode in MODES]))
    return before + "\n".join([*parts, "", END]) + after


def _page(run: Run) -> str:
    record = run.record
    return f"`reports/published/{record.profile_name}.html`, {record.data.name} of {record.data.image_size} px"


def _line(sentence: str) -> str:
    return _wrapped(f"- {sentence}", "  ")


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
