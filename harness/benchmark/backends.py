"""Runs jobs in processes of this machine or on a Dask cluster. Either way, a job computes with one thread.

Small networks gain nothing from a second thread, so the local back end starts one process per core. The results are
the same bytes for any number of processes.

Whoever reaches a Dask scheduler can run code on it, on its workers and on its clients. So the cluster that is started
here talks over TLS, with certificates that live in memory. Another scheduler is reached over TLS with the certificates
of Dask's own configuration, or on this machine, or on a network that the user says to trust.
"""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from bridgebench.harness.processes.cores import cores
from bridgebench.harness.processes.pool import Death, run_in_processes
from bridgebench.harness.processes.repeated import repeated
from bridgebench.harness.processes.stopping import Stopped, ctrl_c_kept_from_children
from bridgebench.methods.core.errors import UserError

if TYPE_CHECKING:
    from dask.distributed import LocalCluster

BACKENDS = ("local", "dask")
_MOST_WORKERS = 8  # each worker holds torch, the judges and the methods: about 1 GiB
_PATIENCE = 30.0  # s between two looks; a worker starts in a few seconds, on a machine under load in half a minute
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
    trust_network: bool = False,
    give_up: Callable[[J, str], R] | None = None,
) -> Generator[R, None, None]:
    """Calls a function on every job and yields results as they come; closing the generator ends the running jobs.

    Args:
        function: picklable, importable by name; it is called again on a job whose worker died.
        jobs: the arguments of the function, picklable.
        backend: ``"local"`` or ``"dask"``.
        scheduler: address of a running Dask scheduler; None: Dask starts processes on this machine.
        trust_network: whether the scheduler may be reached over a network without TLS.
        workers: number of processes on this machine; None: one for each core that this process may use, at most eight.
        give_up: makes the result of a job whose workers died repeatedly, from the job and the cause of death.

    Raises:
        UserError: there is no such back end, or the scheduler cannot be reached, or only without TLS. Errors of a job
            are raised too.
    """
    check_backend(backend, scheduler, trust_network)
    count = max(1, min(workers or min(cores(), _MOST_WORKERS), len(jobs)))
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


def check_backend(backend: str, scheduler: str | None, trust_network: bool = False) -> None:
    """Checks the back end and the scheduler, so that a typing error is reported before any work starts.

    Raises:
        UserError: there is no such back end, it takes no scheduler, or the scheduler is on another machine, its address
            is without TLS and the network is not said to be trusted.
    """
    if backend not in BACKENDS:
        raise UserError(f"There is no back end '{backend}'; there are {' and '.join(BACKENDS)}.")
    if scheduler is not None and backend != "dask":
        raise UserError("--scheduler is for --backend dask.")
    if scheduler is not None and not (trust_network or _is_guarded(scheduler)):
        raise UserError(
            f"--scheduler {scheduler} is on a network and without TLS: whoever reaches it can run code on your "
            "machines. Give a tls:// address (SECURITY.md has the commands), or add --trust-network if all on that "
            "network may."
        )


def _is_guarded(address: str) -> bool:
    """Whether an address asks for TLS, or is one of this machine alone. Without a protocol, Dask takes it for TCP."""
    protocol, _, place = address.rpartition("://")
    try:
        host = urlsplit(f"//{place}").hostname or ""
        return protocol == "tls" or host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may be that of any machine
        return False


def _dask(
    function: Callable[[J], R], jobs: Sequence[J], scheduler: str | None, count: int
) -> Generator[R | Death[J], None, None]:
    """Runs jobs on Dask, which replaces workers that die and retries their jobs on other workers a few times."""
    from dask.distributed import Client, KilledWorker, LocalCluster
    from dask.distributed import as_completed as completed

    where: Any = scheduler
    if scheduler is None:
        with ctrl_c_kept_from_children():
            where = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None, security=True)
    try:
        client = Client(where, timeout=20)
    except (OSError, ValueError) as error:
        raise UserError(f"No Dask scheduler answers at {scheduler}: {error}.") from error
    except TypeError as error:  # Dask's, for want of certificates
        raise UserError(
            f"There are no certificates for {scheduler}: set DASK_DISTRIBUTED__COMM__TLS__CA_FILE, "
            "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY (SECURITY.md)."
        ) from error
    with client:
        try:
            futures = dict(zip(client.map(function, jobs, pure=False), jobs, strict=True))
            with _never_without_workers(where, count) if scheduler is None else nullcontext():
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


@contextmanager
def _never_without_workers(cluster: LocalCluster, count: int) -> Iterator[None]:
    """Starts new workers where a cluster has had none for a while.

    Dask replaces a worker that dies, but not one that dies while its nanny still takes it for starting. The jobs would
    wait forever.
    """
    lonely = False

    def look() -> None:
        nonlocal lonely
        lonely, before = not cluster.scheduler_info["workers"], lonely
        if lonely and before:
            cluster.scale(0)
            cluster.scale(count)
            lonely = False

    with repeated(look, _PATIENCE):
        yield
