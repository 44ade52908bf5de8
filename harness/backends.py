"""Where jobs run: in processes of this machine, or on a Dask cluster. Either way a job computes with one thread.

Small networks gain nothing from a second thread, so the local back end starts one process a core; results are the same
bytes whatever their number.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from methods.errors import UserError

BACKENDS = ("local", "dask")
_MOST_WORKERS = 8  # each holds torch, the judges and the methods: about 1 GiB
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

J = TypeVar("J")
R = TypeVar("R")


def run_jobs(
    function: Callable[[J], R], jobs: Sequence[J], *, backend: str, scheduler: str | None, workers: int | None
) -> Iterator[R]:
    """Calls a picklable function on every job and yields the results as they come.

    Args:
        function: importable by name.
        jobs: its arguments, picklable.
        backend: ``"local"`` or ``"dask"``.
        scheduler: address of a running Dask scheduler; None: Dask's processes on this machine.
        workers: how many processes of this machine; None: one a core, at most eight.

    Raises:
        UserError: no such back end, or the scheduler cannot be reached; and what a job raises.
    """
    check_backend(backend, scheduler)
    count = max(1, min(workers or min(os.cpu_count() or 1, _MOST_WORKERS), len(jobs)))
    return _dask(function, jobs, scheduler, count) if backend == "dask" else _local(function, jobs, count)


def check_backend(backend: str, scheduler: str | None) -> None:
    """Whether there is such a back end; so that a slip is told before anything is done.

    Raises:
        UserError: there is none, or it takes no scheduler.
    """
    if backend not in BACKENDS:
        raise UserError(f"There is no back end '{backend}'; there are {' and '.join(BACKENDS)}.")
    if scheduler is not None and backend != "dask":
        raise UserError("--scheduler is for --backend dask.")


def _local(function: Callable[[J], R], jobs: Sequence[J], count: int) -> Iterator[R]:
    for name in _THREADS:  # read when a worker imports numpy and torch
        os.environ[name] = "1"
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin_worker, initargs=(os.getpid(),))
    finished = False
    try:
        for future in as_completed([pool.submit(function, job) for job in jobs]):
            yield future.result()
        finished = True
    except BrokenProcessPool as error:
        raise UserError("A worker process died, likely for want of memory: try --workers 1.") from error
    finally:
        if not finished:  # stopped by the user or by an error: what is half done is thrown away
            for process in multiprocessing.active_children():
                process.terminate()
        pool.shutdown(cancel_futures=True)


def _begin_worker(parent: int) -> None:
    """A worker leaves Ctrl-C to its parent, and ends when the parent was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _dask(function: Callable[[J], R], jobs: Sequence[J], scheduler: str | None, count: int) -> Iterator[R]:
    from dask.distributed import Client, LocalCluster
    from dask.distributed import as_completed as completed

    where: Any = scheduler
    if scheduler is None:
        where = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None)
    try:
        client = Client(where, timeout=20)
    except (OSError, ValueError) as error:
        raise UserError(f"No Dask scheduler answers at {scheduler}: {error}.") from error
    with client:
        try:
            for future in completed(client.map(function, jobs, pure=False)):
                yield future.result()
        finally:
            if scheduler is None:
                where.close()
