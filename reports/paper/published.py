"""The numbers that the paper printed (BridgeGAN, supplement, Tables 1 to 3), never mixed with ours."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean

from bridgebench.eval.records.record import Mode
from bridgebench.reports.read.results import MODE_TITLES
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import ColumnHead, Group, Row, Table, TableCell

TABLE1, TABLE2, TABLE3 = "table1_accuracy_celeba", "table2_fid_celeba", "table3_fid_afhq"  # files of this folder
_FOLDER = Path(__file__).parent
_TITLES = {
    "stargan": "StarGAN",
    "stgan": "STGAN",
    "smit": "SMIT",
    "bridgegan": "BridgeGAN",
    "elegant": "ELEGANT",
    "homogan": "HomoGAN",
    "starganv2": "StarGAN v2",
}
_DATA = {
    TABLE1: "CelebA, 128 px",
    TABLE2: "CelebA, 128 px",
    TABLE3: "AFHQ, 256 px",
}
_HEADS = {
    TABLE1: "Table 1, accuracy in %",
    TABLE2: "Table 2, FID",
    TABLE3: "Table 3, FID",
}


@cache
def rows(file: str) -> list[dict[str, str]]:
    """The rows of ``reports/paper/<file>.csv`` as printed: method, mode, then one column per attribute."""
    with (_FOLDER / f"{file}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@cache
def printed(file: str) -> dict[tuple[str, str], dict[str, float]]:
    """The same as numbers: (method, mode) -> attribute or conversion -> value."""
    names = ("method", "mode")
    return {
        (row["method"], row["mode"]): {name: float(value) for name, value in row.items() if name not in names}
        for row in rows(file)
    }


def tables_beside(run: Run) -> list[str]:
    """The paper's tables that share a column with a run."""
    return [file for file in _DATA if any(column in rows(file)[0] for column in run.columns)]


def published(
    file: str,
    modes: Sequence[Mode],
    key: str,
    title: str,
    about: str,
    spoken: Callable[[str], str] = lambda column: column.replace("_", " "),
) -> Table:
    """The paper's rows of some modes, as printed, with their mean computed here; one block of rows per mode."""
    columns = [name for name in rows(file)[0] if name not in ("method", "mode")]
    digits = max(len(rows(file)[0][name].partition(".")[2]) for name in columns)
    groups = []
    for mode in modes:
        printed = [
            Row(_TITLES[row["method"]], paper_cells([row[name] for name in columns], digits))
            for row in rows(file)
            if row["mode"] == mode
        ]
        groups.append(Group(MODE_TITLES[mode] if len(modes) > 1 else "", printed))
    heads = [*(ColumnHead(spoken(name)) for name in columns), ColumnHead("Mean", "computed here")]
    facts = [_DATA[file], "BridgeGAN, supplement", "no N, no interval given"]
    return Table(key, title, about, facts, heads, groups, kind="published")


def paper_column(
    column: str, mode: Mode, key: str, title: str, about: str, beside: Callable[[str, str], TableCell | None]
) -> Table | None:
    """The paper's values for one attribute or conversion: methods as rows, its tables as columns; None if it has none.

    Args:
        column, mode: attribute (or conversion) and mode of the cells.
        key, title, about: key, title and description of the new table.
        beside: by method and file, the verdict on our value (`reports.paper.verdicts`); None: not comparable.
    """
    found: dict[str, dict[str, str]] = {}
    for file in _DATA:
        for row in rows(file):
            if column in row and row["mode"] == mode:
                found.setdefault(row["method"], {})[file] = row[column]
    if not found:
        return None
    files = [file for file in _DATA if any(file in values for values in found.values())]
    heads = [ColumnHead(_HEADS[file], _DATA[file]) for file in files]
    body = [
        Row(_TITLES[method], [_with_ours(values[file], beside(method, file)) for file in files])
        for method, values in found.items()
    ]
    facts = ["BridgeGAN, supplement", "no N, no interval given"]
    return Table(key, title, about, facts, heads, [Group("", body)], kind="published")


def _with_ours(value: str, ours: TableCell | None) -> TableCell:
    """A printed value, with the comparison to our value in small print."""
    numbers = {"value": float(value)}
    if ours is None or ours.verdict is None:
        return TableCell(value, numbers=numbers)
    numbers["difference"] = ours.numbers["difference"]
    words = {"agrees": "ours agrees", "higher": "ours is higher", "lower": "ours is lower"}[ours.verdict]
    return TableCell(value, f"{words}, {ours.text}", ours.hint, numbers=numbers, verdict=ours.verdict)


def paper_cells(values: Sequence[str], digits: int) -> list[TableCell]:
    """Printed values as cells, and their mean with this many digits."""
    average = fmean(float(value) for value in values)
    return [
        *(TableCell(value, numbers={"value": float(value)}) for value in values),
        TableCell(f"{average:.{digits}f}", numbers={"value": average}),
    ]
