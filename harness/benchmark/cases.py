"""Chooses the edits of a cell by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridgebench.harness.benchmark.case import Case
from bridgebench.harness.benchmark.flips import conversion_case, flip_case
from bridgebench.harness.benchmark.probes import added_case, null_case, round_trip_case, strength_case, way_case
from bridgebench.harness.benchmark.several import sequence_case, several_case

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench
    from bridgebench.methods.editor import Editor


def case_of(bench: Workbench, mode: str, name: str, editor: Editor | None = None) -> Case:
    """The edits of a cell.

    Args:
        bench: the workbench.
        mode: "label" or "reference".
        name: the name of the cell: an attribute, a conversion, or one of `bench.others`.
        editor: the method; None: the edits of most methods, which draw noise and have a strength and `mix`.
    """
    match bench.others.get(name, "flip"):
        case "several":
            return several_case(bench, mode, name)
        case "sequence":
            return sequence_case(bench, mode, name)
        case "added":
            return added_case(bench, name)
        case "round-trip":
            return round_trip_case(bench, mode)
        case "null":
            return null_case(bench, mode)
        case "strength":
            return strength_case(bench, mode, editor)
        case "way":
            return way_case(bench, editor)
        case "flip" if bench.space.exclusive:
            return conversion_case(bench, mode, name, editor)
        case _:
            return flip_case(bench, mode, name)
