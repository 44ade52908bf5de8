"""The numbers that the paper printed (BridgeGAN, supplement, Tables 1 and 2), never mixed with ours."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from reports.records import Mode
from reports.tables import Group, Head, Row, Table, TableCell

_FOLDER = Path(__file__).parent / "paper"
_TITLES = {
    "stargan": "StarGAN",
    "stgan": "STGAN",
    "smit": "SMIT",
    "bridgegan": "BridgeGAN",
    "elegant": "ELEGANT",
    "homogan": "HomoGAN",
    "starganv2": "StarGAN v2",
}


@cache
def rows(file: str) -> list[dict[str, str]]:
    """The rows of ``reports/paper/<file>.csv`` as printed: method, mode, then one column an attribute."""
    with (_FOLDER / f"{file}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def published(file: str, mode: Mode, key: str, title: str, about: str) -> Table:
    """The paper's rows of one mode; values as printed, their mean computed here."""
    chosen = [row for row in rows(file) if row["mode"] == mode]
    attributes = [name for name in chosen[0] if name not in ("method", "mode")]
    heads = [Head(name.replace("_", " ")) for name in attributes]
    digits = max(len(chosen[0][name].partition(".")[2]) for name in attributes)
    printed = []
    for row in chosen:
        average = sum(float(row[name]) for name in attributes) / len(attributes)
        cells = [TableCell(row[name]) for name in attributes]
        printed.append(Row(_TITLES[row["method"]], [*cells, TableCell(f"{average:.{digits}f}")]))
    heads.append(Head("Mean", "computed here"))
    facts = ["CelebA, 128 px", "BridgeGAN, supplement", "no N, no interval given"]
    return Table(key, title, about, facts, heads, [Group("", printed)], kind="published")
