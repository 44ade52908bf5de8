"""Records as data frames of pandas (the extra ``bridgebench[pandas]``), for analyses of one's own.

They are read as pages read them: checked, without torch, from a run directory or from an archive of records.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.archive import opened
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.methods.core.errors import UserError
from bridgebench.reports.read.run import Run

if TYPE_CHECKING:
    from pandas import DataFrame

_NUMBERS = ("value", "low", "high", "n", "n_real")
_KEYS = ("protocol_hash", "method", "method_title", "method_kind", "mode", "attribute", "kind")
RESULTS = (
    *_KEYS, "measure", "title", "of", *_NUMBERS, "direction", "unit", "factor", "reason"
)  # fmt: skip
"""The columns of :func:`load_results`."""


def load_results(run: str | os.PathLike[str]) -> DataFrame:
    """The results of a run: a row a cell and measure.

    Args:
        run: a run directory, an archive of records (``...-records.zip``), or what :func:`bridgebench.run` gives.

    Returns:
        A data frame with the columns

        - ``protocol_hash``: only rows of one protocol may be compared.
        - ``method``, ``method_title``, ``method_kind`` ("method" or "control"), ``mode`` ("label" or "reference").
        - ``attribute``: the attribute, the conversion, or the name of a cell of another kind; ``kind``: what the edits
          of the cell do ("flip", "several", ...).
        - ``measure``, ``title``: its key and its name in tables; ``of``: of a measure that has several values in a cell
          (at each strength, of each attribute), which of them; else empty.
        - ``value``, and its 95 % interval from ``low`` to ``high``, each NaN where there is none; ``n`` edited images;
          ``n_real`` real images on the other side of a distance.
        - ``direction``: "higher" or "lower" is better, or empty; ``unit``: of ``value * factor``.
        - ``reason``: why there is no value; else empty.

    Raises:
        UserError: there is no such run, its records are damaged, no cell of it is finished, or pandas is not installed.
    """
    pd = _pandas()
    with _opened(run) as found:
        cards = {
            card.key: card.in_space(found.record.features.title, found.space.exclusive) for card in found.record.cards
        }
        rows = [row for cell in _cells(found) for row in _rows(found, cell, cards)]
    frame = pd.DataFrame.from_records(rows, columns=list(RESULTS))
    return frame.astype({name: "Int64" if name in ("n", "n_real") else float for name in _NUMBERS})


def load_outcomes(run: str | os.PathLike[str]) -> DataFrame:
    """The outcomes of single edits: a row an edit, of all cells that have kept them.

    Args:
        run: as for :func:`load_results`.

    Returns:
        A data frame with the columns ``protocol_hash`` to ``kind`` as in :func:`load_results`, and

        - ``source``, ``reference``: indices of the test images (-1: an edit by label); ``draw``: number of the edit
          among those of its source; ``step``: its strength or mix, NaN elsewhere.
        - ``flipped``: the columns that the edit is asked to change, joined by "+".
        - ``right``, ``right_second``: whether the first and the second judge read all of them as asked.
        - a column for each measure of single edits, by its key; NaN where an edit has no value.
        - a column for each sort of group that no label tells (``skin`` of drawn faces).

        All labels, readings and features: :class:`bridgebench.eval.records.outcomes.Outcomes`.

    Raises:
        UserError: as by :func:`load_results`; or the run has kept no outcomes.
    """
    pd = _pandas()
    with _opened(run) as found:
        frames = [pd.DataFrame(_edits(found, cell, kept)) for cell, kept in _kept(found)]
    if not frames:
        raise UserError(f"{os.fspath(run)} has no outcomes of single edits: older versions did not keep them.")
    return pd.concat(frames, ignore_index=True)


@contextmanager
def _opened(run: str | os.PathLike[str]) -> Iterator[Run]:
    with opened(Path(run)) as folder:
        yield Run(folder)


def _pandas() -> Any:
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise UserError('Data frames need pandas: pip install "bridgebench[pandas]" brings it.') from error
    return pandas


def _cells(run: Run) -> list[CellRecord]:
    """All finished cells: flips and conversions first."""
    return [*run.cells.values(), *run.others.values()]


def _key(run: Run, cell: CellRecord) -> dict[str, Any]:
    method = run.record.methods[cell.method]
    values = (cell.protocol_hash, cell.method, method.title, method.kind, cell.mode, cell.attribute, cell.kind)
    return dict(zip(_KEYS, values, strict=True))


def _rows(run: Run, cell: CellRecord, cards: dict[str, MeasureCard]) -> Iterator[dict[str, Any]]:
    for key, measured in cell.measures.items():
        card = cards.get(key)
        facts = {
            **_key(run, cell),
            "measure": key,
            "title": key if card is None else card.title,
            "direction": (card and card.better) or "",
            "unit": card.unit if card else "",
            "factor": card.factor if card else 1.0,
            "reason": measured.reason or "",
        }
        numbers = {name: getattr(measured, name) for name in _NUMBERS}
        if measured.values:
            for of, value in measured.values.items():
                yield facts | numbers | {"of": of, "value": value}
        else:
            yield facts | numbers | {"of": ""}


def _kept(run: Run) -> Iterator[tuple[CellRecord, Outcomes]]:
    for cell in _cells(run):
        found = Outcomes.find(run.directory.outcomes_file(cell.method, cell.mode, cell.attribute), cell.key)
        if found is not None and cell.protocol_hash == run.record.protocol_hash:
            yield cell, found


def _edits(run: Run, cell: CellRecord, kept: Outcomes) -> dict[str, Any]:
    columns = np.array(run.record.attributes, dtype=object)
    wanted = kept.target_labels == 1
    right, second = (((seen == wanted) | ~kept.flipped).all(axis=1) for seen in (kept.seen, kept.seen_second))
    return {
        **_key(run, cell),
        "source": kept.source,
        "reference": kept.reference,
        "draw": kept.draw,
        "step": kept.step,
        "flipped": ["+".join(columns[row]) for row in kept.flipped],
        "right": right,
        "right_second": second,
        **kept.values,
        **kept.groups,
    }
