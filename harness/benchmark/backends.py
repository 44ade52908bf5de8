"""Runs jobs in processes of this machine or on a Dask cluster. Either way, a job computes with one thread.

Small networks gain nothing from a second thread, so the local back end starts one process per core. The results are
the same bytes for any number of processes.
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
_MOST_WORKERS = 8  # each worker holds torch, the judges and the methods: about 1 GiB
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
    """Calls a function on every job and yields results as they come; closing the generator ends the running jobs.

    Args:
        function: picklable, importable by name; it is called again on a job whose worker died.
        jobs: the arguments of the function, picklable.
        backend: ``"local"`` or ``"dask"``.
        scheduler: address of a running Dask scheduler; None: Dask starts processes on this machine.
        workers: number of processes on this machine; None: one per core, at most eight.
        give_up: makes the result of a job whose workers died repeatedly, from the job and the cause of death.

    Raises:
        UserError: there is no such back end, or the scheduler cannot be reached. Errors of a job are raised too.
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
    """Checks the back end and the scheduler, so that a typing error is reported before any work starts.

    Raises:
        UserError: there is no such back end, or it takes no scheduler.
    """
    if backend not in BACKENDS:
        raise UserError(f"There is no back end '{backend}'; there are {' and '.join(BACKENDS)}.")
    if scheduler is not None and backend != "dask":
        raise UserError("--scheduler is for --backend dask.")


def _dask(
    function: Callable[[J], R], jobs: Sequence[J], scheduler: str | None, count: int
) -> Generator[R | Death[J], None, None]:
    """Runs jobs on Dask, which replaces workers that die and retries their jobs on other workers a few times."""
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
            logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it logs every interrupted job
            raise
        finally:
            if scheduler is None:
                where.close()
