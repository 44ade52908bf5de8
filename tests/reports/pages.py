"""Reads a built page as a browser would: elements with their attributes, and the tables with their heads."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Figure:
    """A table's figure: its classes, all its words, and the words of every row."""

    classes: list[str]
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)


class Page(HTMLParser):
    """`elements` as (tag, attributes), `figures` in order, and all `words`."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.figures: list[Figure] = []
        self.words: list[str] = []
        self._figure: Figure | None = None
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "figure":
            self._figure = Figure((dict(attrs).get("class") or "").split())
            self.figures.append(self._figure)
        elif self._figure is not None and tag == "tr":
            self._figure.rows.append([])
        elif self._figure is not None and tag in ("td", "th"):
            self._figure.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "figure":
            self._figure = None
        elif tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        self.words += data.split()
        if self._figure is not None:
            self._figure.text += data
            if self._in_cell:
                self._figure.rows[-1][-1] += data.strip() + " "
