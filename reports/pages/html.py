"""Pages as HTML: what a page consists of, how it names pictures, other pages and its own anchors, and its frame."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup

from bridgebench.reports.tables.tables import Table
from bridgebench.templates import environment, templates_folder


@dataclass(frozen=True)
class Page:
    """A page to be written: where it goes, and the template that makes it.

    Attributes:
        path: inside the folder of pages, with forward slashes, e.g. ``"methods/bridgegan.html"``.
        template: a file of the templates folder.
        context: what the template is given besides what every page gets.
        tables: the tables on the page; they are also written as files.
    """

    path: str
    template: str
    context: dict[str, Any]
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Site:
    """All pages of a run, not yet rendered.

    Attributes:
        pages: the first page first.
        files: pictures, tables and records, by their paths inside the folder of pages.
        common: what every template is given.
    """

    pages: list[Page]
    files: dict[str, bytes]
    common: dict[str, Any]


class Links:
    """The attributes by which a page of a folder names other files of this folder, and its own anchors.

    Templates write ``<img{{ src("grids/label.png") }}>`` and ``<a{{ href("index.html") }}>`` with paths inside the
    folder; a path that starts with ``#`` is an anchor of the page itself.
    """

    def __init__(self, path: str = "") -> None:
        """`path`: of the page, inside the folder."""
        self._root = "../" * path.count("/")

    def src(self, path: str) -> Markup:
        """The attributes that give an ``img`` its picture."""
        return Markup(' src="{}"').format(self._root + path)

    def href(self, target: str) -> Markup:
        """The attributes of a link to a page, to a file (which is then downloaded) or to an anchor."""
        if target.startswith("#"):
            return Markup(' href="{}"').format(target)
        download = "" if target.endswith((".html", ".css")) else " download"
        return Markup(' href="{}"{}').format(self._root + target, download)

    def id(self, name: str) -> str:
        """An anchor's name as it stands in the document."""
        return name


@dataclass(frozen=True)
class Script:
    """A script as it stands in a page, and the source by which a Content-Security-Policy admits it."""

    text: Markup
    source: str


@cache
def script(name: str) -> Script:
    """A script of the templates folder, to be written into the page: a page opened from disk may load no script."""
    text = source_text(name)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Script(Markup(text), f"'sha256-{digest}'")


def source_text(name: str) -> str:
    """A file of the templates folder as it is."""
    return (templates_folder() / name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Frame:
    """What stands around the content of a page.

    Attributes:
        scripts: at the end of the document.
        style: the style sheet, written into the document; empty: the page links the folder's ``style.css``.
        article: in a document of several pages, the id of this page's ``article``; else empty.
        first, last: whether the page starts and ends the document.
        left_out: what the document lacks, in words.
    """

    scripts: tuple[Script, ...]
    style: str = ""
    article: str = ""
    first: bool = True
    last: bool = True
    left_out: tuple[str, ...] = ()


def rendered(page: Page, links: Links, frame: Frame, common: dict[str, Any]) -> str:
    """The HTML of a page."""
    own = {"path": page.path, "frame": frame, "src": links.src, "href": links.href, "id": links.id}
    return environment().get_template(page.template).render({**common, **own, **page.context})


def standalone(template: str, **context: Any) -> bytes:
    """A page that belongs to no run, with the style sheet in it."""
    frame = Frame((script("report.js"),), source_text("report.css"))
    return rendered(Page("index.html", template, context), Links(), frame, {}).encode()
