"""Who made what: of which runs the cells of a merged run are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bridgebench.eval.records.directory import Place
from bridgebench.eval.records.run import RunRecord, Source


class Sources:
    """Collects which run brought which cells.

    Attributes:
        found: the runs by their ids.
    """

    def __init__(self) -> None:
        self.found: dict[str, Source] = {}
        self._brought: dict[str, dict[str, set[str]]] = {}

    def add(self, source: Source, place: Place) -> None:
        """Notes that a run brought a cell; several runs may have brought the same cell alike."""
        self.found.setdefault(source.id, source)
        method, mode, column = place
        self._brought.setdefault(source.id, {}).setdefault(method, set()).add(f"{mode}/{column}")

    def records(self, *, complete: bool = True) -> tuple[Source, ...]:
        """The runs, the oldest first, each with what it brought.

        Args:
            complete: these are all cells that the run has, and more are not to come: then the cells of a method that
                one run has brought alone need not be named.
        """
        every: dict[str, set[str]] = {}
        for brought in self._brought.values():
            for method, cells in brought.items():
                every.setdefault(method, set()).update(cells)
        records = [
            source.model_copy(
                update={
                    "methods": {
                        method: () if complete and cells == every[method] else tuple(sorted(cells))
                        for method, cells in sorted(self._brought[source.id].items())
                    }
                }
            )
            for source in self.found.values()
        ]
        return tuple(sorted(records, key=lambda source: (source.created, source.id)))


def as_source(record: RunRecord) -> Source:
    """A run as a source; which cells it brought is not said yet."""
    given: dict[str, Any] = {"id": record.id, "methods": {}, **record.made.plain()}
    given |= {"by": record.by} if record.by else {}
    given |= {"earlier": record.earlier} if record.earlier else {}
    return Source.model_validate(given)


def makers(record: RunRecord, place: Place) -> list[Source]:
    """The runs that brought a cell; the run itself, if it was made there."""
    method, mode, column = place
    found = [
        source
        for source in record.sources
        if method in source.methods and (not source.methods[method] or f"{mode}/{column}" in source.methods[method])
    ]
    return found or [as_source(record)]


def carried_on(record: RunRecord, kept: Iterable[Place]) -> tuple[Source, ...]:
    """The sources of a run into which a benchmark makes new cells.

    Args:
        record: run.json as it was before.
        kept: the cells that are not made again.

    Returns:
        Who brought the kept cells. Empty for a run that is one person's on his own machine: it has no sources, and says
        in ``earlier`` what kept cells were made with.
    """
    if not (record.sources or record.by):
        return ()
    sources = Sources()
    for place in kept:
        for source in makers(record, place):
            sources.add(source, place)
    return sources.records(complete=False)
