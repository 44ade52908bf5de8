"""Where jobs run: in processes of this machine, or on a Dask cluster. Either way a job computes with one thread.

Small networks gain nothing from a second thread, so the local back end starts one process a core; results are the same
bytes whatever their number.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any, TypeVar

from bridgebench.harness.processes.pool import Death, run_in_processes
from bridgebench.harness.processes.stopping import Stopped, ctrl_c_kept_from_children
from bridgebench.methods.core.errors import UserError

BACKENDS = ("local", "dask")
_MOST_WORKERS = 8  # each holds torch, the judges and the methods: about 1 GiB
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

J = TypeVar("J")
R = TypeVar("R")


def run_jobs(
    function: Callable[[J], R],
    jobs: Sequence[J],
    *,
    backend: str,
    scheduler: str | None,
    workers: int | None,
    give_up: Callable[[J, str], R] | None = None,
) -> Generator[R, None, None]:
    """Calls a picklable function on every job and yields the results as they come; closed, it ends what is running.

    Args:
        function: importable by name; a job is called again if the worker that was at it died.
        jobs: its arguments, picklable.
        backend: ``"local"`` or ``"dask"``.
        scheduler: address of a running Dask scheduler; None: Dask's processes on this machine.
        workers: how many processes of this machine; None: one a core, at most eight.
        give_up: gives the result of a job over which its workers died again and again, from how they died.

    Raises:
        UserError: no such back end, or the scheduler cannot be reached; and what a job raises.
    """
    check_backend(backend, scheduler)
    count = max(1, min(workers or min(os.cpu_count() or 1, _MOST_WORKERS), len(jobs)))
    for name in _THREADS:  # read when a worker imports numpy and torch
        os.environ[name] = "1"
    found = _dask(function, jobs, scheduler, count) if backend == "dask" else run_in_processes(function, jobs, count)
    return _results(found, give_up)


def _results(
    found: Generator[R | Death[J], None, None], give_up: Callable[[J, str], R] | None
) -> Generator[R, None, None]:
    with closing(found):
        for result in found:
            if not isinstance(result, Death):
                yield result
            elif give_up is not None:
                yield give_up(result.job, result.cause)
            else:
                raise UserError(f"Worker processes died ({result.cause}), likely for want of memory: try --workers 1.")


def check_backend(backend: str, scheduler: str | None) -> None:
    """Whether there is such a back end; so that a slip is told before anything is done.

    Raises:
        UserError: there is none, or it takes no scheduler.
    """
    if backend not in BACKENDS:
        raise UserError(f"There is no back end '{backend}'; there are {' and '.join(BACKENDS)}.")
    if scheduler is not None and backend != "dask":
        raise UserError("--scheduler is for --backend dask.")


def _dask(
    function: Callable[[J], R], jobs: Sequence[J], scheduler: str | None, count: int
) -> Generator[R | Death[J], None, None]:
    """Dask itself replaces workers that die, and gives their jobs to others, a few times."""
    from dask.distributed import Client, KilledWorker, LocalCluster
    from dask.distributed import as_completed as completed

    where: Any = scheduler
    if scheduler is None:
        with ctrl_c_kept_from_children():
            where = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None)
    try:
        client = Client(where, timeout=20)
    except (OSError, ValueError) as error:
        raise UserError(f"No Dask scheduler answers at {scheduler}: {error}.") from error
    with client:
        try:
            futures = dict(zip(client.map(function, jobs, pure=False), jobs, strict=True))
            for future in completed(list(futures)):
                try:
                    yield future.result()
                except KilledWorker:
                    yield Death(futures[future], "lost by Dask")
        except (Stopped, KeyboardInterrupt):
            logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it complains of all that is cut short
            raise
        finally:
            if scheduler is None:
                where.close()
