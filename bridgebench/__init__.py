"""bridgebench: a reproducible benchmark of multi-attribute face editing.

From Python: :func:`run` runs a benchmark, :func:`load_results` and :func:`load_outcomes` read the records of one into
data frames, :func:`fetch` gets a file from a hub. Each is imported when it is first asked for, so that
``import bridgebench`` brings neither torch nor pandas.

In a wheel the rooms (``methods``, ``eval``, ``harness``, ``reports``, ``templates``) lie in this folder. In a checkout
they lie beside it, at the top level, and are found there under the same names: ``methods`` is ``methods/``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridgebench.harness.api.benchmark import BenchmarkRun, run
    from bridgebench.harness.weights.hub import fetch
    from bridgebench.reports.frames import load_outcomes, load_results

__all__ = ["BenchmarkRun", "fetch", "load_outcomes", "load_results", "run"]

_CHECKOUT = Path(__file__).resolve().parents[1]

if not (Path(__file__).parent / "methods").is_dir():
    __path__ = [*__path__, str(_CHECKOUT)]


def __getattr__(name: str) -> Any:
    if name in ("BenchmarkRun", "run"):
        from bridgebench.harness.api import benchmark

        return getattr(benchmark, name)
    if name in ("load_outcomes", "load_results"):
        from bridgebench.reports import frames

        return getattr(frames, name)
    if name == "fetch":
        from bridgebench.harness.weights.hub import fetch

        return fetch
    raise AttributeError(f"module 'bridgebench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
