"""Which cells a run has besides the flips or conversions: their names and kinds, and at which steps.

What the edits of each kind are: `several.py` and `probes.py`.
"""

from __future__ import annotations

import re

from bridgebench.eval.records.record import CellKind
from bridgebench.harness.profiles.profile import EvaluationTable
from bridgebench.methods.core.labels import LabelSpace

ADDED = "-added"
IN_SEQUENCE, REVERSED = "-in-sequence", "-reversed"
PAIR = "+"
STRENGTHS = (0.25, 0.5, 0.75, 1.0, 1.25)  # shares of the way from no edit to the method's default
MIXES = (1.0, 0.75, 0.5, 0.25, 0.0)  # weights of the label's style, from the edit by label to the edit by reference


def other_cells(space: LabelSpace, settings: EvaluationTable) -> dict[str, CellKind]:
    """The names of the cells that are no flips or conversions, with their kinds, in the order of the tables."""
    found: dict[str, CellKind] = {}
    several, probes = settings.several, settings.probes
    if several.n and not space.exclusive:
        most = min(several.k, len(space.columns))
        found |= {flips(k): "several" for k in range(1, most + 1)}
        found |= dict.fromkeys(several.pairs_of(space), "several")
        if 2 <= several.sequence <= len(space.columns):
            found |= {f"{flips(several.sequence)}{order}": "sequence" for order in (IN_SEQUENCE, REVERSED)}
        found |= {f"{attribute}{ADDED}": "added" for attribute in space.columns}
    if probes.n:
        found |= {"round-trip": "round-trip", "null-edit": "null", "strength": "strength", "way": "way"}
    return found


def flips(k: int) -> str:
    """The name of the cell that flips k attributes at once."""
    return "1-flip" if k == 1 else f"{k}-flips"


def count_of(name: str) -> int:
    """How many attributes the cell of that name flips: 3 for ``3-flips-in-sequence``."""
    found = re.match(r"(\d+)-flip", name)
    if found is None:
        raise ValueError(f"'{name}' does not say how many attributes are flipped")
    return int(found[1])
