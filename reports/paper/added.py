"""The paper's test of accuracy by reference: attributes are only added, to sources that lack them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.measured import Measured
from bridgebench.reports.paper.published import TABLE1
from bridgebench.reports.read.comparisons import Comparisons
from bridgebench.reports.read.results import Results
from bridgebench.reports.tables.kinds import names_of, other


class Added(Results):
    """The cells that only add an attribute, in place of the flips of the same attributes; they have no paired tests."""

    def measure(self, method: str, column: str, key: str) -> Measured:
        """What was measured where the attribute is added, or why nothing was."""
        return other(self, method, f"{column}-added", key)

    def compared(self, card: MeasureCard, columns: Sequence[str] | None = None) -> Comparisons | None:
        """None: the differences are not tested."""
        return None

    def compared_in(self, card: MeasureCard) -> Mapping[str, Comparisons]:
        """Empty: the differences are not tested."""
        return {}


def task_of(results: Results, file: str) -> Results:
    """The cells that do what the paper did for a table: of Table 1 by reference, those that only add, if any."""
    if file == TABLE1 and results.mode == "reference" and names_of(results, "added"):
        return Added(results.run, results.hash, results.mode)
    return results


def other_task(results: Results, file: str) -> bool:
    """Whether the paper did another task for the table than these cells do."""
    return file == TABLE1 and results.mode == "reference" and not isinstance(results, Added)
