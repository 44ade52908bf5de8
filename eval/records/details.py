"""The images behind a number: which edits of a cell are kept for its page, and what the judge says of each of them.

Kept are the readings of the first images, which all methods share and whose pictures lie in ``samples/`` already, and
of the best, the median and the worst edits with their pictures: one PNG a cell, about 80 kB by label and 120 kB by
reference at 64 pixels. The same inputs give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bridgebench.eval.records.directory import Place, RunDirectory
from bridgebench.eval.records.pictures import STRIP, Images, column_png, open_picture
from bridgebench.eval.records.record import Mode, Number, Record
from bridgebench.methods.core.files import write_bytes

EACH = 2  # best, median and worst edits, so many of each

Rank = Literal["fixed", "best", "median", "worst"]
Kind = Literal["source", "truth", "edit", "reference"]
KINDS: tuple[Kind, ...] = ("source", "truth", "edit", "reference")
RankedBy = Literal["l1_true", "l1_source"]
Probability = Annotated[float, Field(ge=0, le=1)]


class ShownEdit(Record):
    """One edit: why it is shown, which image it is of, and what the judge says of it.

    Attributes:
        place: ``"fixed"``: one of the first edits; else its place in the ranking.
        index: of the edit in its cell.
        id: of the source image.
        score: the value that edits are ranked by.
        target: the value that the edit is to give the attribute.
        before, after: the judge's probability of the attribute in the source and in the edit.
        hit: whether the judge reads the target in the edit.
        reference: id of the reference image; None by label.
    """

    place: Rank
    index: Annotated[int, Field(ge=0)]
    id: str
    score: Number
    target: Literal[0, 1]
    before: Probability
    after: Probability
    hit: bool
    reference: str | None = None


class Details(Record):
    """``details/<method>/<mode>/<column>.json``: the edits that the page of a cell shows.

    The schema is raised by one whenever what is kept changes: a benchmark then does the cells of an older run again. No
    number depends on it, so it is no part of the protocol, and a page can be made of a run that has no details at all.
    """

    schema_: Literal[1] = Field(alias="schema")
    key: str = ""
    protocol_hash: str = ""
    method: str = ""
    mode: Mode | None = None
    attribute: str = ""
    measure: RankedBy
    kinds: tuple[Kind, ...]
    shown: tuple[ShownEdit, ...]

    @property
    def fixed(self) -> list[ShownEdit]:
        """The first edits, whose pictures are in the sample strips."""
        return [edit for edit in self.shown if edit.place == "fixed"]

    @property
    def ranked(self) -> list[ShownEdit]:
        """The best, median and worst edits, whose pictures are the details' own."""
        return [edit for edit in self.shown if edit.place != "fixed"]

    def pictures(self, path: Path, side: int) -> dict[Kind, Images]:
        """The pictures (K, side, side, 3) of the ranked edits by kind, from the file beside the record.

        Raises:
            UserError: they are damaged.
        """
        count = len(self.ranked) * len(self.kinds)
        size = (side, side * count)
        picture = open_picture(path, lambda *found: found == size, f"a column of {count} squares of {side}")
        squares = np.asarray(picture).reshape(-1, len(self.kinds), side, side, 3)
        return {kind: squares[:, number] for number, kind in enumerate(self.kinds)}


@dataclass(frozen=True)
class Scores:
    """What the edits of a cell are ranked by.

    Attributes:
        measure: ``"l1_true"`` where there is a truth, else ``"l1_source"``.
        values: (N,) that measure of each edit; lower ranks higher.
        hits: (N,) whether the judge reads the target; where there is a truth all True, for the truth says it better.
    """

    measure: RankedBy
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


def choose(scores: Scores) -> list[tuple[Rank, int]]:
    """Which edits are kept, as (why, index): the first ones, then best, median and worst, the worst last."""
    order, count = scores.ranking().tolist(), len(scores.values)
    each = min(EACH, count)
    middle = (count - each) // 2
    parts: dict[Rank, Sequence[int]] = {
        "fixed": range(min(STRIP, count)),
        "best": order[:each],
        "median": order[middle : middle + each],
        "worst": order[count - each :],
    }
    return [(place, index) for place, indices in parts.items() for index in indices]


def keep(
    run: RunDirectory,
    place: Place,
    key: str,
    protocol_hash: str,
    ids: Sequence[str],
    scores: Scores,
    read: Callable[[NDArray[np.int64]], Readings],
    pictures: Callable[[NDArray[np.int64]], Mapping[Kind, Images]],
    sources: NDArray[np.int64],
    references: NDArray[np.int64] | None = None,
) -> None:
    """Stores the details of a cell, pictures first, so that a record on disk has its pictures.

    Args:
        run: where.
        place: method, mode and attribute of the cell.
        key: of the cell.
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
    shown = [
        {
            "place": rank,
            "index": index,
            "id": str(ids[sources[index]]),
            "score": float(scores.values[index]),
            "target": int(found.target[row]),
            "before": round(float(found.before[row]), 6),
            "after": round(float(found.after[row]), 6),
            "hit": bool(found.hits[row]),
            "reference": None if references is None else str(ids[references[index]]),
        }
        for row, (rank, index) in enumerate(chosen)
    ]
    by_kind = pictures(indices[[rank != "fixed" for rank, _ in chosen]])
    kinds = [kind for kind in KINDS if kind in by_kind]
    write_bytes(run.details_picture(*place), column_png([by_kind[kind] for kind in kinds]))
    method, mode, attribute = place
    record = {"schema": 1, "key": key, "protocol_hash": protocol_hash, "method": method, "mode": mode}
    record |= {"attribute": attribute, "measure": scores.measure, "kinds": kinds, "shown": shown}
    Details.model_validate(record).write(run.details_file(*place))


def is_kept(run: RunDirectory, place: Place, key: str) -> bool:
    """Whether the run directory has the details of a cell, valid under its key and in today's form."""
    found = Details.find(run.details_file(*place))
    return found is not None and found.key == key and run.details_picture(*place).is_file()
