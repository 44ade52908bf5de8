"""The one script of the pages, and the hashes by which a Content-Security-Policy admits scripts."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup


@dataclass(frozen=True)
class Script:
    """The script of the pages as it stands in them, and the source that a Content-Security-Policy admits it by."""

    text: Markup
    source: str


@cache
def script() -> Script:
    """The script, inline: opened from disk, a page may load no script file."""
    text = (Path(__file__).parents[1] / "assets" / "report.js").read_text(encoding="utf-8")
    return Script(Markup(text), admitted(text))


def admitted(script: str) -> str:
    """What admits an inline script of these very bytes."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
