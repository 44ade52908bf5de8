"""The lines by which a page of the documentation includes a file: MkDocs does not tell when one is broken."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_INCLUDE = re.compile(r'--8<-- "([^"]+)"')


def test_every_included_file_is_there() -> None:
    found = []
    for page in (ROOT / "docs").rglob("*.md"):
        for line in page.read_text(encoding="utf-8").splitlines():
            if "--8" in line:
                match = _INCLUDE.fullmatch(line.strip())
                assert match and (ROOT / match[1]).is_file(), f"{page.name}: {line}"
                found.append(match[1])
    assert "tests/plugin_example/colour_transfer/editor.py" in found
