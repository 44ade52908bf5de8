"""Runs many small jobs on all cores, in order, and shows how far they are; safe if the caller has threads of torch."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from itertools import islice
from typing import TypeVar

from bridgebench.harness.processes.cores import cores
from bridgebench.harness.processes.progress import meter
from bridgebench.harness.processes.stopping import ctrl_c_kept_from_children, end_with

Job = TypeVar("Job")
Result = TypeVar("Result")

_CHUNK = 50
_WORTH_A_POOL = 400  # jobs; starting the processes takes as long as drawing this many images


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
        title: what is done, for the bar on a terminal and the lines of a log; "": neither.
        chunk: number of jobs sent to a process at once.
        worth: smallest number of jobs for which processes are started.
        weight: how many images a job is.

    A caller that stops early (an error, Ctrl-C) waits only for chunks that have begun.
    """
    shown = meter(title, sum(map(weight, jobs)), passing=True) if title else nullcontext()
    with shown as found:
        results = _here(work, jobs) if len(jobs) < worth or cores() == 1 else _by_processes(work, jobs, chunk)
        done = 0
        for job, result in zip(jobs, results, strict=True):
            yield result
            done += weight(job)
            if found is not None:
                found.show(done, images=done)


def _here(work: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
    return (work(job) for job in jobs)


def _by_processes(work: Callable[[Job], Result], jobs: Sequence[Job], chunk: int) -> Iterator[Result]:
    """Runs chunks of jobs in a pool; only a few chunks run ahead of the caller, so that results do not pile up."""
    # spawn, not fork: the caller may have threads of torch
    spawn = multiprocessing.get_context("spawn")
    # A worker of this pool holds its own queue open, so that it would wait forever for a caller that was killed.
    pool = ProcessPoolExecutor(cores(), mp_context=spawn, initializer=end_with, initargs=(os.getpid(),))
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
