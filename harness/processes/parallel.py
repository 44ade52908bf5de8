"""Runs many small jobs on all cores, with ordered results and a bar; safe if the caller has threads of torch."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from bridgebench.harness.processes.messages import told
from bridgebench.harness.processes.stopping import ctrl_c_kept_from_children

Job = TypeVar("Job")
Result = TypeVar("Result")

_CHUNK = 50
_WORTH_A_POOL = 400  # jobs; starting the processes takes as long as drawing this many images


def cores() -> int:
    """The number of cores that this process may use."""
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
    """The results of `work` on each of `jobs`, in the order of the jobs.

    Args:
        work: picklable; runs in spawned processes if there are many jobs, else in this process.
        jobs: picklable.
        title: title of the bar, which is shown on standard error if that is a terminal; "": no bar.
        chunk: number of jobs sent to a process at once.
        worth: smallest number of jobs for which processes are started.
        weight: how much a job counts in the bar.

    A caller that stops early (an error, Ctrl-C) waits only for chunks that have begun.
    """
    with _bar(title, sum(map(weight, jobs))) as advance:
        results = _here(work, jobs) if len(jobs) < worth or cores() == 1 else _by_processes(work, jobs, chunk)
        for job, result in zip(jobs, results, strict=True):
            yield result
            advance(weight(job))


def _here(work: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
    return (work(job) for job in jobs)


def _by_processes(work: Callable[[Job], Result], jobs: Sequence[Job], chunk: int) -> Iterator[Result]:
    """Runs chunks of jobs in a pool; only a few chunks run ahead of the caller, so that results do not pile up."""
    # spawn, not fork: the caller may have threads of torch
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
    hidden = not (title and told() and console.is_terminal)
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task(title, total=total)
        yield lambda count: progress.advance(task, count)
