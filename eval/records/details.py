"""The images behind a number: which edits of a cell are kept for its page, and what the judge says of each of them.

Kept are the readings of the first images, which all methods share and whose pictures lie in ``samples/`` already, and
of the best, the median and the worst edits with their pictures: one PNG a cell, about 80 kB by label and 120 kB by
reference at 64 pixels. The same inputs give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from bridgebench.eval.records.directory import RunDirectory, read_json, to_json
from bridgebench.harness.data.pixels import STRIP
from bridgebench.methods.core.files import write_bytes
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.plan import Cell

# Raised by one whenever what is kept changes: a benchmark then does the cells of an older run again. No number depends
# on it, so it is no part of the protocol, and a page can be made of a run that has no details at all.
SCHEMA = 1
EACH = 2  # best, median and worst edits, so many of each
KINDS = ("source", "truth", "edit", "reference")

Images = NDArray[np.uint8]
Place = Literal["fixed", "best", "median", "worst"]


@dataclass(frozen=True)
class Scores:
    """What the edits of a cell are ranked by.

    Attributes:
        measure: ``"l1_true"`` where there is a truth, else ``"l1_source"``.
        values: (N,) that measure of each edit; lower ranks higher.
        hits: (N,) whether the judge reads the target; where there is a truth all True, for the truth says it better.
    """

    measure: Literal["l1_true", "l1_source"]
    values: NDArray[np.float64]
    hits: NDArray[np.bool_]

    def ranking(self) -> NDArray[np.int64]:
        """The edits, best first: hits before misses, then by value; equals in their order."""
        return np.lexsort((np.arange(len(self.values)), self.values, ~self.hits))


@dataclass(frozen=True)
class Readings:
    """What the judge says of K edits.

    Attributes:
        target: (K,) 0 or 1: the value that the edit is to give the attribute.
        before, after: (K,) the judge's probability of the attribute in the source and in the edit.
        hits: (K,) whether the judge reads the target in the edit.
    """

    target: NDArray[np.uint8]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    hits: NDArray[np.bool_]


def choose(scores: Scores) -> list[tuple[Place, int]]:
    """Which edits are kept, as (why, index): the first ones, then best, median and worst, the worst last."""
    order, count = scores.ranking().tolist(), len(scores.values)
    each = min(EACH, count)
    middle = (count - each) // 2
    parts: dict[Place, Sequence[int]] = {
        "fixed": range(min(STRIP, count)),
        "best": order[:each],
        "median": order[middle : middle + each],
        "worst": order[count - each :],
    }
    return [(place, index) for place, indices in parts.items() for index in indices]


def keep(
    run: RunDirectory,
    cell: Cell,
    protocol_hash: str,
    ids: Sequence[str],
    scores: Scores,
    read: Callable[[NDArray[np.int64]], Readings],
    pictures: Callable[[NDArray[np.int64]], Mapping[str, Images]],
    sources: NDArray[np.int64],
    references: NDArray[np.int64] | None = None,
) -> None:
    """Stores the details of a cell, pictures first, so that a record on disk has its pictures.

    Args:
        run: where.
        cell: of which method, mode and attribute.
        protocol_hash: under which protocol.
        ids: of all test images.
        scores: of the N edits.
        read: indices of K edits -> what the judge says of them.
        pictures: indices of K edits -> some of KINDS -> uint8 (K, H, W, 3).
        sources: (N,) which of the test images each edit is of.
        references: (N,) indices of the references among the test images; None: edits by label.
    """
    chosen = choose(scores)
    indices = np.array([index for _, index in chosen])
    found = read(indices)
    shown = []
    for row, (place, index) in enumerate(chosen):
        shown.append(
            {
                "place": place,
                "index": index,
                "id": str(ids[sources[index]]),
                "score": float(scores.values[index]),
                "target": int(found.target[row]),
                "before": round(float(found.before[row]), 6),
                "after": round(float(found.after[row]), 6),
                "hit": bool(found.hits[row]),
                "reference": None if references is None else str(ids[references[index]]),
            }
        )
    by_kind = pictures(indices[[place != "fixed" for place, _ in chosen]])
    kinds = [kind for kind in KINDS if kind in by_kind]
    write_bytes(run.details_picture(*cell.place), column_png([by_kind[kind] for kind in kinds]))
    record = {
        "schema": SCHEMA,
        "key": cell.key,
        "protocol_hash": protocol_hash,
        "method": cell.entry.name,
        "mode": cell.mode,
        "attribute": cell.attribute,
        "measure": scores.measure,
        "kinds": kinds,
        "shown": shown,
    }
    write_bytes(run.details_file(*cell.place), to_json(record))


def column_png(kinds: Sequence[Images]) -> bytes:
    """Squares one below the other as a PNG file: of the first edit one of each kind, then of the second, and so on.

    A source lies next to its true edit, which has mostly the same pixels: close by, PNG's compression finds them.
    """
    from PIL import Image

    column = np.concatenate([image for images in zip(*kinds, strict=True) for image in images])
    buffer = io.BytesIO()
    Image.fromarray(column).save(buffer, format="PNG")  # `optimize` takes half as long again for half a per cent
    return buffer.getvalue()


def is_kept(run: RunDirectory, cell: Cell) -> bool:
    """Whether the run directory has the cell's details, valid under its key and in today's form."""
    record: dict[str, Any] = read_json(run.details_file(*cell.place)) or {}
    valid = record.get("key") == cell.key and record.get("schema") == SCHEMA
    return valid and run.details_picture(*cell.place).is_file()
