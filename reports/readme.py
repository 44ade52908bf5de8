"""The part of the README that is made from the published records: what the comparison of faces shows and does not."""

from __future__ import annotations

import textwrap
from pathlib import Path

from methods.files import write_bytes
from reports.records import Run
from reports.story import TITLE, story

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = f"## {TITLE}\n", "## Honest limits\n"
_WIDTH = 120


def update(run: Run, path: Path = README) -> None:
    """Writes the part anew."""
    write_bytes(path, updated(path.read_text(encoding="utf-8"), run).encode())


def updated(readme: str, run: Run) -> str:
    """A README with the part that belongs to a run; all else stays as it is.

    Raises:
        ValueError: the README has no such part, or the run has nothing to tell.
    """
    found = story(run)
    if found is None:
        raise ValueError("a run of fewer than two methods has nothing to tell")
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    record = run.record
    lead = (
        f"Made from the records of [{record.profile_name}](reports/published/{record.profile_name}.html), "
        f"{record.data.name} of {record.data.image_size} px; each page has its own."
    )
    parts = [BEGIN, _wrapped(lead), "\nIt shows:\n", *map(_line, found.shows), "\nIt does not show:\n"]
    return before + "\n".join([*parts, *map(_line, found.lacks), "", END]) + after


def _line(sentence: str) -> str:
    return _wrapped(f"- {sentence}", "  ")


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
