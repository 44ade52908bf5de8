"""The paper's test of accuracy by reference: attributes are only added, to sources that lack them."""

from __future__ import annotations

from bridgebench.reports.paper.published import TABLE1
from bridgebench.reports.read.results import Results
from bridgebench.reports.tables.kinds import names_of


class Added(Results):
    """The cells that only add an attribute, in place of the flips of the same attributes."""

    def name_of(self, column: str) -> str:
        """The name of the cells in which the attribute is added."""
        return f"{column}-added"


def task_of(results: Results, file: str) -> Results:
    """The cells that do what the paper did for a table: of Table 1 by reference, those that only add, if any."""
    if file == TABLE1 and results.mode == "reference" and names_of(results, "added"):
        return Added(results.run, results.hash, results.mode)
    return results


def other_task(results: Results, file: str) -> bool:
    """Whether the paper did another task for the table than these cells do."""
    return file == TABLE1 and results.mode == "reference" and not isinstance(results, Added)
