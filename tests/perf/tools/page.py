"""Each script prints its tables; with ``--write`` they also go to their section of tests/PERFORMANCE.md."""

from __future__ import annotations

import argparse
import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "PERFORMANCE.md"


class Section:
    """The tables and notes of one script, under its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[str] = []
        self._load = os.getloadavg()[0]

    def say(self, text: str) -> None:
        """Prints a paragraph and keeps it."""
        print(text + "\n", flush=True)
        self.lines += [text, ""]

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Prints a table and keeps it; numbers are rounded to three digits, bold text is left to the caller."""
        cells = [list(head), *([_shown(value) for value in row] for row in rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
        lines = [
            "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
            for row in cells
        ]
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        self.say("\n".join([lines[0], rule, *lines[1:]]))

    def finish(self) -> None:
        """With ``--write`` on the command line, replaces the section in tests/PERFORMANCE.md."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--write", action="store_true", help="put the tables into tests/PERFORMANCE.md")
        if parser.parse_args().write:
            self._write()

    def _write(self) -> None:
        begin, end = f"<!-- begin {self.name} -->", f"<!-- end {self.name} -->"
        text = PAGE.read_text(encoding="utf-8")
        if begin not in text or end not in text:
            raise SystemExit(f"{PAGE} has no section between {begin} and {end}.")
        made = f"`nox -s perf -- tests/perf/{self.name}.py --write`, {machine()}; load at its start {self._load:.1f}."
        body = "\n".join([begin, "", *self.lines, f"*{made}*", "", end])
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        PAGE.write_text(re.sub(pattern, lambda _: body, text, flags=re.DOTALL), encoding="utf-8")


def machine() -> str:
    """The date, the processor and the libraries that decide how fast things are."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())
        processor = found[1] if found else processor
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scipy", "clean-fid"))
    cores, python = os.cpu_count(), platform.python_version()
    return f"{datetime.now(UTC):%Y-%m-%d}, {processor}, {cores} cores, Python {python}, {libraries}"


def _shown(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
