"""What a process shares with all code in it: folder, environment, random numbers, threads, warnings, signals, ..."""

from __future__ import annotations

import locale
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch


class _Part(NamedTuple):
    """A part of the state: reads it, and writes it back."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


@contextmanager
def restored_state() -> Iterator[list[str]]:
    """Restores the state of this process after the block, whatever the block changed and however it ended.

    Yields a list that has, after the block, the names of the parts that the block had changed.
    """
    main = threading.current_thread() is threading.main_thread()
    parts = {**_PARTS, "signal handlers": _SIGNALS} if main else _PARTS
    kept = {name: part.read() for name, part in parts.items()}
    changed: list[str] = []
    try:
        yield changed
    finally:
        for name, value in kept.items():
            if not _same(parts[name].read(), value):
                parts[name].write(value)
                changed.append(name)


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, tuple) and len(one) == len(two):
        return all(_same(first, second) for first, second in zip(one, two, strict=True))
    return bool(np.array_equal(one, two)) if isinstance(one, np.ndarray) else bool(one == two)


def _folder() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # it was removed
        return ""


def _set_environment(before: dict[str, str]) -> None:
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _set_filters(before: list[Any]) -> None:
    warnings.filters[:] = before  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def _set_deterministic(before: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _set_device(before: torch.device) -> None:
    torch.set_default_device(None if before.type == "cpu" else before)  # None: torch's own start, which costs nothing


def _handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_handlers(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        if handler is not None and signal.getsignal(number) is not handler:  # None: not set from Python
            signal.signal(number, handler)


def _attribute(owner: Any, name: str) -> _Part:
    return _Part(lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


_SIGNALS = _Part(_handlers, _set_handlers)
_PARTS = {
    "working directory": _Part(_folder, os.chdir),
    "environment": _Part(lambda: dict(os.environ), _set_environment),
    "locale": _Part(lambda: locale.setlocale(locale.LC_ALL), lambda before: locale.setlocale(locale.LC_ALL, before)),
    "Python's random numbers": _Part(random.getstate, random.setstate),
    "numpy's random numbers": _Part(np.random.get_state, np.random.set_state),
    "numpy's errors": _Part(np.geterr, lambda before: np.seterr(**before)),
    "torch's random numbers": _Part(torch.get_rng_state, torch.set_rng_state),
    "torch's threads": _Part(torch.get_num_threads, torch.set_num_threads),
    "torch's default type": _Part(torch.get_default_dtype, torch.set_default_dtype),
    "torch's default device": _Part(torch.get_default_device, _set_device),
    "torch's precision": _Part(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "torch's gradients": _Part(torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's determinism": _Part(
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        _set_deterministic,
    ),
    "cudnn.benchmark": _attribute(torch.backends.cudnn, "benchmark"),
    "cudnn.deterministic": _attribute(torch.backends.cudnn, "deterministic"),
    "cudnn.allow_tf32": _attribute(torch.backends.cudnn, "allow_tf32"),
    "cuda.matmul.allow_tf32": _attribute(torch.backends.cuda.matmul, "allow_tf32"),
    "filters of warnings": _Part(lambda: [*warnings.filters], _set_filters),
    "recursion limit": _Part(sys.getrecursionlimit, sys.setrecursionlimit),
    "sys.stdin": _attribute(sys, "stdin"),
    "sys.stdout": _attribute(sys, "stdout"),
    "sys.stderr": _attribute(sys, "stderr"),
    "sys.excepthook": _attribute(sys, "excepthook"),
}
