"""Back ends: every job is done once, errors come through, nobody outlives a stopped run."""

from __future__ import annotations

import os
import time

import pytest

from bridgebench.harness.benchmark.backends import run_jobs
from bridgebench.methods.core.errors import UserError

LOCAL = {"backend": "local", "scheduler": None, "workers": 2}


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def refuse(number: int) -> int:
    if number == 1:
        raise UserError("a damaged image")
    time.sleep(300)
    return number


def test_local_processes_do_every_job_once() -> None:
    found = list(run_jobs(pow_of_two, range(8), **LOCAL))
    assert sorted(found) == [2**k for k in range(8)]


def pow_of_two(k: int) -> int:
    return 2**k


def test_a_users_mistake_in_a_worker_is_told_and_stops_the_others() -> None:
    started = time.monotonic()
    with pytest.raises(UserError, match="a damaged image"):
        list(run_jobs(refuse, [0, 1, 2, 3], **LOCAL))
    assert time.monotonic() - started < 200


def test_dask_does_every_job_once_in_other_processes() -> None:
    found = list(run_jobs(square, [3, 1, 2], backend="dask", scheduler=None, workers=1))
    assert sorted(value for value, _ in found) == [1, 4, 9]
    assert os.getpid() not in {process for _, process in found}


def test_wrong_back_ends() -> None:
    with pytest.raises(UserError, match="no back end 'slurm'; there are local and dask"):
        run_jobs(square, [1], backend="slurm", scheduler=None, workers=None)
    with pytest.raises(UserError, match="--scheduler is for"):
        run_jobs(square, [1], backend="local", scheduler="tcp://here:1", workers=None)
