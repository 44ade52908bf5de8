"""Where everything lies in the folder of a run's pages, under paths that are safe whatever a name holds."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bridgebench.eval.records.record import Mode
from bridgebench.reports.read.run import Run

_LONGEST = 40


def slugs(names: Iterable[str]) -> dict[str, str]:
    """A file name for each name: small letters, digits, ``-`` and ``_`` alone; no two are the same."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:_LONGEST] or "unnamed"
        slug, number = plain, 1
        while slug in found.values():
            number += 1
            slug = f"{plain}-{number}"
        found[name] = slug
    return found


class Layout:
    """The paths of the pages of a run, relative to the folder that they all lie in."""

    provenance, figures = "provenance.html", "figures.html"

    def __init__(self, run: Run) -> None:
        self.run = run
        self._methods = slugs(run.methods)
        self._columns = slugs(run.columns)

    def method_slug(self, name: str) -> str:
        """A method's name as a part of file names and anchors."""
        return self._methods[name]

    def column_slug(self, column: str) -> str:
        """An attribute's or a conversion's name as a part of file names and anchors."""
        return self._columns[column]

    def method(self, name: str) -> str:
        """The page of a method."""
        return f"methods/{self._methods[name]}.html"

    def column(self, column: str) -> str:
        """The page of an attribute or a conversion."""
        return f"{self.run.noun}s/{self._columns[column]}.html"

    def cell(self, method: str, mode: Mode, column: str) -> str:
        """The page of a cell."""
        return f"cells/{self._methods[method]}/{mode}/{self._columns[column]}.html"

    def has_cell(self, method: str, mode: Mode, column: str) -> bool:
        """Whether that cell has a page: its single images are kept."""
        return (method, mode, column) in self.run.details
