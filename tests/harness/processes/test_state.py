"""The state of a process is restored after a block, whatever the block did to it."""

from __future__ import annotations

import contextlib
import locale
import os
import random
import signal
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from bridgebench.harness.processes.state import restored_state


def spoil(folder: Path) -> None:
    os.chdir(folder)
    os.environ["ONE_MORE"] = "x"
    del os.environ["PATH"]
    locale.setlocale(locale.LC_ALL, "C")
    random.random()
    np.random.random()
    np.seterr(all="raise")
    torch.rand(1)
    torch.set_num_threads(torch.get_num_threads() + 1)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
    warnings.simplefilter("error")
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    sys.setrecursionlimit(sys.getrecursionlimit() + 7)
    sys.stdout = None  # type: ignore[assignment]


def state() -> list[object]:
    return [
        Path.cwd(),
        dict(os.environ),
        locale.setlocale(locale.LC_ALL),
        random.getstate(),
        np.random.get_state()[1].tolist(),  # type: ignore[index, union-attr]
        np.geterr(),
        torch.get_rng_state().tolist(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.empty(1).device,
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cudnn.benchmark,
        [*warnings.filters],
        signal.getsignal(signal.SIGUSR2),
        sys.getrecursionlimit(),
        sys.stdout,
    ]


@pytest.mark.parametrize("error", [None, ValueError, SystemExit, GeneratorExit])
def test_all_that_a_block_changes_is_restored(tmp_path: Path, error: type[BaseException] | None) -> None:
    before = state()
    with contextlib.suppress(*([error] if error else [])), restored_state():
        spoil(tmp_path)
        if error:
            raise error
    assert state() == before


def test_other_threads_have_no_signals_to_restore() -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with restored_state():
                os.environ["ONE_MORE"] = "x"
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failed == []
    assert "ONE_MORE" not in os.environ
