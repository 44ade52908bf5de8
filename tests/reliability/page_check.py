"""What no page of ours may have, whatever the records hold that it was made of."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser


def check_pages(files: dict[str, bytes]) -> None:
    """Holds pages against what nothing in a record may bring into them.

    Raises:
        AssertionError: a page has a script that is not ours, an attribute that runs one, a link or picture out of the
            folder, or a file has a name out of it.
    """
    for name, data in files.items():
        if name.startswith(("/", "\\")) or ".." in name.split("/") or len(name) > 255 or not name.isprintable():
            raise AssertionError(f"the file {name!r:.100} leaves the folder")
        if name.endswith(".html"):
            _Watcher(data.decode()).close()


class _Watcher(HTMLParser):
    """Raises AssertionError at what no page of ours has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._scripts = re.findall(r"'sha256-([A-Za-z0-9+/=]+)'", text[:4096])
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag if tag in ("script", "style") else ""
        if (
            tag in ("base", "embed", "form", "frame", "iframe", "link", "object")
            and dict(attrs).get("href") not in _OURS
        ):
            raise AssertionError(f"<{tag} {attrs!r:.200}>")
        for name, value in attrs:
            place = (value or "").strip().lower()
            alien = name in ("src", "href", "xlink:href", "action", "srcset") and not _LOCAL.fullmatch(place)
            if name.startswith("on") or alien or name in ("srcdoc", "formaction") or (tag, name) in _REFRESHING:
                raise AssertionError(f"<{tag} {name}={value!r:.200}>")

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            found = base64.b64encode(hashlib.sha256(data.encode()).digest()).decode()
            if found not in self._scripts:
                raise AssertionError(f"a script that is not ours: {data!r:.200}")
        if self._inside == "style" and (("url(" in data and "data:" not in data) or "@import" in data):
            raise AssertionError(f"a style that loads something: {data!r:.200}")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


_OURS = ("style.css", "../style.css", "../../style.css", "../../../style.css", "data:,")
_REFRESHING = {("meta", "content-type"), ("meta", "refresh")}
_LOCAL = re.compile(
    r"#.*|(?!//|/|[a-z][a-z0-9+.-]*:).*|data:,|data:(image/(png|webp)|application/(pdf|json)|text/[a-z-]+)[;,].*|", re.S
)
