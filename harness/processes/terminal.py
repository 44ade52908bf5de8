"""What a terminal, a pipe or a log shows: plain tables, and text that cannot command the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def printable(text: str) -> str:
    """The text without control characters other than line ends: names in foreign files cannot command the terminal."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest entry, without frames: readable in a terminal, a pipe and a log."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True)) for row in [head, *rows]]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)
