"""All pages of a run in one HTML file that can be mailed: pictures, tables and records lie in it as data URIs."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from markupsafe import Markup
from PIL import Image

from bridgebench.reports.pages.html import Frame, Links, Page, Site, rendered, script, source_text

MOST = 15_000_000  # bytes that mail servers still take
HINTS = "what cells of tables and maps say on hover, which their print and the head say too"
_HINT = re.compile(r'(?:(<td\b[^>]*?) title="[^"]*")|(?:(<g>)<title>[^<]*</title>(?=<rect))')
_INDENT = re.compile(r"\n\s+")
# What browsers do not show: line breaks between the parts of tables and drawings.
_BREAK = re.compile(r"\n(?=</?(?:td|th|tr|tbody|thead|table|path|rect|circle|text|g|svg)\b)")
_AS_WRITTEN = re.compile(r"(<pre\b.*?</pre>|<script\b.*?</script>|<style\b.*?</style>)", re.DOTALL)
# What is left out of a file that is too large, one after the other: a folder of pages and pictures, or links to files.
_DISPENSABLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("the pages of single cells", "cells/", ()),
    ("the figures as single files", "", (".png", ".pdf")),
    ("the tables and records as files", "", (".csv", ".json", ".md", ".tex")),
    ("the figures of pairs and of mixed codes", "figures", ()),
    ("the grids of several draws and references", "matrices/", ()),
)
_TYPES = {
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".tex": "text/x-tex",
}


def single_file(site: Site, most: int = MOST) -> bytes:
    """One HTML document of all pages.

    The pages are articles of which the address chooses one; anchors get their page's number before them, and a picture
    that several pages show lies in the document once. Where all of it is more than `most` bytes, what table cells say
    on hover is left out, then the pages of single cells, then the figures and the tables as files, at last the largest
    pictures; the document says so.

    Args:
        site: the pages; the first becomes the first article.
        most: the bytes that the document may have.
    """
    webp: dict[bytes, str] = {}
    left_out: tuple[str, ...] = ()
    unlinked: tuple[str, ...] = ()
    made = _document(site, webp, left_out, unlinked)
    if len(made) > most:
        left_out += (HINTS,)
        made = _document(site, webp, left_out, unlinked)
    for words, folder, endings in _DISPENSABLE:
        paths = [*site.files, *(page.path for page in site.pages)]
        if len(made) > most and any(path.startswith(folder) if folder else path.endswith(endings) for path in paths):
            if folder:
                site = _without(site, folder)
            unlinked += endings
            left_out += (words,)
            made = _document(site, webp, left_out, unlinked)
    return made


def _without(site: Site, folder: str) -> Site:
    pages = [page for page in site.pages if not page.path.startswith(folder)]
    files = {path: data for path, data in site.files.items() if not path.startswith(folder)}
    nav = dict(site.common["nav"])
    if nav["figures"].startswith(folder):
        nav["figures"] = ""
    return replace(site, pages=pages, files=files, common={**site.common, "nav": nav})


def _document(site: Site, webp: dict[bytes, str], left_out: tuple[str, ...], unlinked: tuple[str, ...]) -> bytes:
    shared = _Shared(site.files, {page.path: f"p{number}" for number, page in enumerate(site.pages)}, webp, unlinked)
    style = source_text("report.css") + source_text("single.css")
    frame = Frame((script("single.js"), script("report.js")), style, left_out=left_out)
    articles = []
    for page in site.pages:
        first, last = page is site.pages[0], page is site.pages[-1]
        around = replace(frame, article=shared.numbers[page.path], first=first, last=last)
        articles.append(rendered(page, _InnerLinks(page, shared), around, site.common))
    made = "".join(
        part if _AS_WRITTEN.fullmatch(part) else _BREAK.sub("", _INDENT.sub("\n", part))
        for part in _AS_WRITTEN.split("\n".join(articles))
    )
    return (_HINT.sub(r"\1\2", made) if HINTS in left_out else made).encode()


@dataclass
class _Shared:
    """What all articles have in common.

    Attributes:
        files: pictures, tables and records by path.
        numbers: the pages' numbers by path.
        webp: data URIs of pictures by their PNG files.
        unlinked: endings of the files that no link carries.
        shown: ids of the pictures shown so far by their PNG files.
    """

    files: dict[str, bytes]
    numbers: dict[str, str]
    webp: dict[bytes, str]
    unlinked: tuple[str, ...]
    shown: dict[bytes, str] = field(default_factory=dict)


class _InnerLinks(Links):
    """Links of an article: to other articles and their anchors; files lie in the link itself."""

    def __init__(self, page: Page, shared: _Shared) -> None:
        self._number, self._shared = shared.numbers[page.path], shared

    def src(self, path: str) -> Markup:
        """The picture itself, or where in the document it lies; nothing where it was left out."""
        png, shown = self._shared.files.get(path), self._shared.shown
        if png is None:
            return Markup("")
        if png in shown:
            return Markup(' data-copy="{}"').format(shown[png])
        shown[png] = f"i{len(shown)}"
        if png not in self._shared.webp:
            self._shared.webp[png] = _webp(png)
        return Markup(' id="{}" src="{}"').format(shown[png], self._shared.webp[png])

    def href(self, target: str) -> Markup:
        """Another article, an anchor of this one, or a file with its name; nothing where it was left out."""
        if target.startswith("#"):
            return Markup(' href="#{}"').format(self.id(target[1:]))
        if target in self._shared.numbers:
            return Markup(' href="#{}"').format(self._shared.numbers[target])
        if target not in self._shared.files or target.endswith(self._shared.unlinked):
            return Markup("")
        file = PurePosixPath(target)
        uri = _data_uri(_TYPES[file.suffix], self._shared.files[target])
        return Markup(' href="{}" download="{}"').format(uri, file.name)

    def id(self, name: str) -> str:
        """The anchor's name with the page's number before it."""
        return f"{self._number}-{name}"


def _webp(png: bytes) -> str:
    """The same pixels as lossless WebP, which is smaller, as a data URI."""
    with Image.open(io.BytesIO(png)) as picture:
        buffer = io.BytesIO()
        picture.convert("RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB").save(
            buffer, "WEBP", lossless=True, quality=100, method=4
        )
    found = buffer.getvalue()
    return _data_uri("image/webp", found) if len(found) < len(png) else _data_uri("image/png", png)


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
