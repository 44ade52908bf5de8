"""SECURITY.md names, for each row of its tables, the tests that show it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def rows(heading: str) -> dict[str, str]:
    """The rows of the table under its first cell's heading: the last cells by the first ones."""
    found, text = {}, (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for line in text[text.index(f"| {heading} |") :].splitlines()[2:]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        found[cells[0].strip()] = cells[-1]
    return found


def test_each_row_names_tests_that_are_there() -> None:
    for first, shown in (
        ("what a stranger gives you | what it can do", "what a stranger gives you | shown by"),
        ("file | if it is there already", "file | shown by"),
    ):
        promised, tests = rows(first), rows(shown)
        assert [*promised] == [*tests] and len(promised) > 5
        for row, named in tests.items():
            files = re.findall("`([^`]+)`", named)
            assert files, row
            assert all((ROOT / "tests" / name).is_file() for name in files), row
