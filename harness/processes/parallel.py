"""Many small jobs on all cores, their results in order, with a bar; safe where the caller holds torch's threads."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from bridgebench.harness.processes.stopping import ctrl_c_kept_from_children

Job = TypeVar("Job")
Result = TypeVar("Result")

_CHUNK = 50
_WORTH_A_POOL = 400  # starting the processes costs as much as drawing this many


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_all(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    title: str,
    chunk: int = _CHUNK,
    worth: int = _WORTH_A_POOL,
    weight: Callable[[Job], int] = lambda job: 1,
) -> Iterator[Result]:
    """The results of `work` on each of `jobs`, in their order.

    Args:
        work: picklable; run by spawned processes where there are many jobs, else here.
        jobs: picklable.
        title: of the bar, which is shown on standard error if that is a terminal; "": no bar.
        chunk: jobs that go to a process at once.
        worth: from how many jobs on processes are started.
        weight: what a job counts for in the bar.

    A caller that stops early (an error, Ctrl-C) waits for the chunks that have begun only.
    """
    with _bar(title, sum(map(weight, jobs))) as advance:
        results = _here(work, jobs) if len(jobs) < worth or cores() == 1 else _by_processes(work, jobs, chunk)
        for job, result in zip(jobs, results, strict=True):
            yield result
            advance(weight(job))


def _here(work: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
    return (work(job) for job in jobs)


def _by_processes(work: Callable[[Job], Result], jobs: Sequence[Job], chunk: int) -> Iterator[Result]:
    """Chunks of jobs through a pool, only so many ahead of what was taken that results never pile up."""
    # spawn, not fork: the caller may hold torch's threads
    pool = ProcessPoolExecutor(cores(), mp_context=multiprocessing.get_context("spawn"))
    chunks = (jobs[start : start + chunk] for start in range(0, len(jobs), chunk))
    try:
        with ctrl_c_kept_from_children():
            ahead = [pool.submit(_run_chunk, work, some) for some in islice(chunks, 4 * cores())]
        while ahead:
            yield from ahead.pop(0).result()
            ahead += [pool.submit(_run_chunk, work, some) for some in islice(chunks, 1)]
    finally:
        pool.shutdown(cancel_futures=True)


def _run_chunk(work: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
    return [work(job) for job in jobs]


@contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not (title and console.is_terminal)) as progress:
        task = progress.add_task(title, total=total)
        yield lambda count: progress.advance(task, count)
