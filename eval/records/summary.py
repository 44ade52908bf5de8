"""All cells of a run in one table: summary.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from bridgebench.eval.records.measured import CellRecord

_HEAD = ("method", "mode", "attribute", "kind", "n")
_PARTS = {"value": "", "low": "_low", "high": "_high", "se": "_se"}


def summary_csv(kinds: Mapping[str, str], cells: Iterable[CellRecord]) -> str:
    """A row per cell: ``method,mode,attribute,kind,n``, then each measure with its ``_low``, ``_high`` and ``_se``.

    Args:
        kinds: of the methods, by name: ``method``, ``control``, ...
        cells: in the order of the rows.
    """
    rows = []
    for cell in cells:
        row: dict[str, Any] = {key: no_formula(getattr(cell, key)) for key in ("method", "mode", "attribute")}
        row |= {"n": cell.n, "kind": no_formula(kinds.get(cell.method, ""))}
        for measure, found in cell.measures.items():
            for part, suffix in _PARTS.items():
                if getattr(found, part) is not None:
                    row[no_formula(measure) + suffix] = getattr(found, part)
        rows.append(row)
    columns = sorted({column for row in rows for column in row} - set(_HEAD))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*_HEAD, *columns], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def no_formula(text: str) -> str:
    """Text that no spreadsheet interprets as a formula: names in a record may be a stranger's."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
