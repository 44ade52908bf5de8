"""The part of the README that is made from the published records: what the comparison of faces shows and does not."""

from __future__ import annotations

import textwrap
from pathlib import Path

from bridgebench.eval.records.record import MODES
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.read.results import Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.words.story import TITLE, story, variant_words

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = f"## {TITLE}\n", "## Honest limits\n"
_WIDTH = 120


def update(run: Run, ablations: Run, path: Path = README) -> None:
    """Writes the part anew."""
    write_bytes(path, updated(path.read_text(encoding="utf-8"), run, ablations).encode())


def updated(readme: str, run: Run, ablations: Run) -> str:
    """A README with the part that belongs to a run; all else stays as it is.

    Args:
        readme: its text.
        run: the comparison.
        ablations: a run of variants, of which seeds and ablations are told.

    Raises:
        ValueError: the README has no such part, or the run has nothing to tell.
    """
    found = story(run)
    if found is None:
        raise ValueError("a run of fewer than two methods has nothing to tell")
    before, rest = readme.split(BEGIN)
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
    link = f"[{record.profile_name}](reports/published/{record.profile_name}.html)"
    return f"{link}, {record.data.name} of {record.data.image_size} px"


def _line(sentence: str) -> str:
    return _wrapped(f"- {sentence}", "  ")


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
