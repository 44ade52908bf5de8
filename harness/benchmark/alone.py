"""Each cell by itself: what a method does to its worker reaches no other cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bridgebench.harness.benchmark.failures import check_time_so_far
from bridgebench.harness.benchmark.workbench import Workbench
from bridgebench.harness.processes.state import restored_state


@contextmanager
def alone(bench: Workbench, method: str) -> Iterator[None]:
    """Restores the state of the worker after a cell of `method`, and ends the processes of plug-ins.

    Raises:
        PluginFailed: the method has taken too long for another cell of this run.
    """
    check_time_so_far(bench.run, method)
    with restored_state():
        try:
            yield
        finally:
            bench.editors.end_foreign()
            bench.measures.end()
