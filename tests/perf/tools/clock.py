"""Seconds of computing, comparable within a run even on a machine that does other work."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Result = TypeVar("Result")
Clock = Callable[[], float]


def seconds_of(function: Callable[[], Result], clock: Clock = time.process_time) -> tuple[Result, float]:
    """What the function returns, and the CPU seconds of this process meanwhile, all its threads together.

    With one thread this is the wall time of an idle machine: time that other processes take away does not count.
    `clock`: another one that is to be read before and after.
    """
    start = clock()
    result = function()
    return result, clock() - start


def gpu_clock() -> float:
    """Seconds of the wall clock, when the GPU has done all that it was given."""
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def alternate(
    functions: Mapping[str, Callable[[], object]], repeats: int, warm_up: int = 1, clock: Clock = time.process_time
) -> dict[str, float]:
    """The least CPU seconds of each function over `repeats` rounds, in which they take turns; or by another clock.

    Whatever slows the machine for a while slows all of them, and the least of several is what is left of it.
    """
    best = dict.fromkeys(functions, float("inf"))
    for turn in range(warm_up + repeats):
        for name, function in functions.items():
            _, seconds = seconds_of(function, clock)
            if turn >= warm_up:
                best[name] = min(best[name], seconds)
    return best
