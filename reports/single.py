"""All pages of a run in one HTML file that can be mailed: pictures, tables and records lie in it as data URIs."""

from __future__ import annotations

import base64
import html
import io
import posixpath
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import PurePosixPath

from bridgebench.reports.pages.script import admitted
from PIL import Image

MOST = 15_000_000  # what mail servers still take
# What is left out of too large a file, one after the other: pages and pictures of a folder, or links to some files.
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
_REFERRING = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "list")
_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})
# One page at a time: the one whose anchor, or one in it, the address names; the first where it names none.
_STYLE = """
body > article { display: none; }
body > article:target, body > article:has(:target) { display: block; }
body:not(:has(> article:target, > article :target)) > article:first-of-type { display: block; }
@supports not selector(:has(*)) { body > article { display: block; } }
"""
# A picture lies in the file once; where it is shown again, it is taken from there.
_COPIES = """
for (const image of document.querySelectorAll("img[data-copy]")) {
  image.src = document.getElementById(image.dataset.copy).src;
}
"""


def single_file(files: dict[str, bytes], most: int = MOST) -> bytes:
    """One HTML document of a folder of pages.

    The pages are articles of which the address chooses one; anchors get their page's number before them, and a picture
    that several pages show lies in the document once. Where all of it is more than `most` bytes, the pages of single
    cells are left out, then the figures and the tables as files, at last the largest pictures; the document says so.

    Args:
        files: the files of the folder, by path; ``index.html`` becomes the first article.
        most: the bytes that the document may have.
    """
    webp: dict[bytes, str] = {}
    left_out: list[str] = []
    made = _document(files, webp, left_out)
    unlinked: tuple[str, ...] = ()
    for words, folder, kinds in _DISPENSABLE:
        there = any(path.startswith(folder) if folder else path.endswith(kinds) for path in files)
        if len(made) > most and there:
            files = {path: data for path, data in files.items() if not (folder and path.startswith(folder))}
            unlinked += kinds
            left_out.append(words)
            made = _document(files, webp, left_out, unlinked)
    return made


def _document(
    files: dict[str, bytes], webp: dict[bytes, str], left_out: list[str], unlinked: tuple[str, ...] = ()
) -> bytes:
    paths = ["index.html", *(path for path in files if path.endswith(".html") and path != "index.html")]
    numbers = {path: f"p{number}" for number, path in enumerate(paths)}
    shared = _Shared(files, numbers, webp, unlinked)
    articles = []
    for path in paths:
        page = _Article(path, shared)
        page.feed(files[path].decode())
        page.close()
        articles.append(page)
    scripts = [_COPIES, articles[0].script]
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        f"script-src {' '.join(admitted(one) for one in scripts)}"
    )
    note = f'<p class="key">To keep this file small, it leaves out {", ".join(left_out)}.</p>\n' if left_out else ""
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy, quote=False)}">\n',
        '<meta name="color-scheme" content="light dark">\n',
        f'<title>{html.escape(articles[0].title)}</title>\n<link rel="icon" href="data:,">\n',
        f"<style>{files['style.css'].decode()}{_STYLE}</style>\n</head>\n<body>\n{note}",
    ]
    for path, page in zip(paths, articles, strict=True):
        parts += [f'<article id="{numbers[path]}" aria-label="{html.escape(page.title)}">', *page.out, "</article>\n"]
    parts += [*(f"<script>{one}</script>\n" for one in scripts), "</body>\n</html>\n"]
    return "".join(parts).encode()


@dataclass
class _Shared:
    """What all articles have in common.

    Attributes:
        files, numbers: the files and the pages' numbers, by path.
        webp: data URIs of PNGs.
        unlinked: endings of files that no link carries.
        shown: ids of the pictures shown so far, by their PNGs.
    """

    files: dict[str, bytes]
    numbers: dict[str, str]
    webp: dict[bytes, str]
    unlinked: tuple[str, ...]
    shown: dict[bytes, str] = field(default_factory=dict)


class _Article(HTMLParser):
    """Copies the body of a page, with what it names turned inwards.

    Attributes:
        out: the body, in pieces.
        title, script: of the page.
    """

    def __init__(self, path: str, shared: _Shared) -> None:
        super().__init__(convert_charrefs=False)
        self._path, self._shared = path, shared
        self.out: list[str] = []
        self.title, self.script = "", ""
        self._in = ""  # the element whose text is not copied: "head", "title" or "script"
        self._body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            self._body = True
        elif tag == "script" or (tag == "title" and not self._body):
            self._in = tag
        elif self._body:
            inner = dict(attrs)
            written = self._turned(tag, inner)
            words = [key if value is None else f'{key}="{html.escape(value)}"' for key, value in written.items()]
            self.out.append(f"<{' '.join([tag, *words])}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._body and tag not in _VOID:
            self.out.append(f"</{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._in:
            self._in = ""
        elif tag == "body":
            self._body = False
        elif self._body and tag not in _VOID:
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._in == "title":
            self.title += html.unescape(data)
        elif self._in == "script":
            self.script += data
        elif self._body:
            self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def _turned(self, tag: str, attributes: dict[str, str | None]) -> dict[str, str | None]:
        own = self._shared.numbers[self._path]
        found: dict[str, str | None] = {}
        for key, value in attributes.items():
            if key == "download":
                continue  # comes with the link
            if value is None:
                found[key] = None
            elif key == "id" or (key == "name" and attributes.get("type") == "radio"):
                found[key] = f"{own}-{value}"
            elif key in _REFERRING:
                found[key] = " ".join(f"{own}-{one}" for one in value.split())
            elif key == "src" and tag == "img":
                found |= self._picture(value)
            elif key == "href":
                found |= self._link(value)
            else:
                found[key] = value
        return found

    def _picture(self, link: str) -> dict[str, str | None]:
        png, shown = self._shared.files.get(self._resolved(link)), self._shared.shown
        if png is None:  # left out; its description stays
            return {}
        if png in shown:
            return {"data-copy": shown[png]}
        shown[png] = f"i{len(shown)}"
        if png not in self._shared.webp:
            self._shared.webp[png] = _webp(png)
        return {"id": shown[png], "src": self._shared.webp[png]}

    def _link(self, link: str) -> dict[str, str | None]:
        """Where a link leads, with a name where it is a file; nothing where the file was left out."""
        file, _, anchor = link.partition("#")
        path = self._resolved(file) if file else self._path
        if path in self._shared.numbers:
            return {"href": f"#{self._shared.numbers[path]}" + (f"-{anchor}" if anchor else "")}
        if path not in self._shared.files or path.endswith(self._shared.unlinked):
            return {}
        kind, name = _TYPES[PurePosixPath(path).suffix], PurePosixPath(path).name
        return {"href": _data_uri(kind, self._shared.files[path]), "download": name}

    def _resolved(self, link: str) -> str:
        return posixpath.normpath(posixpath.join(posixpath.dirname(self._path), link))


def _webp(png: bytes) -> str:
    """The same pixels as lossless WebP, which is smaller, as a data URI."""
    with Image.open(io.BytesIO(png)) as picture:
        buffer = io.BytesIO()
        picture.convert("RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB").save(
            buffer, "WEBP", lossless=True, quality=60, method=3
        )
    found = buffer.getvalue()
    return _data_uri("image/webp", found) if len(found) < len(png) else _data_uri("image/png", png)


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
