"""The animals of the zoo: each does something wrong, and then edits nothing."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import itertools
import locale
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

import misbehaving
from bridgebench.methods.editor import Editor


class Animal(Editor):
    """Misbehaves at every edit."""

    card = misbehaving.SystemExit

    def label_edit(self, images: Tensor, labels: Tensor, source_labels: Tensor, **options: Any) -> Any:
        found = self.misbehave(images, labels)
        return images if found is None else found[0]

    def misbehave(self, images: Tensor, labels: Tensor) -> tuple[Any] | None:
        raise NotImplementedError

    def __init_subclass__(cls) -> None:
        cls.card = getattr(misbehaving, cls.__name__)


class Own(BaseException):
    """An error that is no `Exception`."""


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Quitter(Exception):
    def __str__(self) -> str:
        raise SystemExit(4)


def _raises(error: BaseException) -> Any:
    def misbehave(self: Animal, images: Tensor, labels: Tensor) -> NoReturn:
        raise error

    return misbehave


def _gives(wrong: Any) -> Any:
    return lambda self, images, labels: (wrong(images),)


def _does(act: Any) -> Any:
    def misbehave(self: Animal, images: Tensor, labels: Tensor) -> None:
        act()

    return misbehave


def _spin() -> None:
    for _ in itertools.count():
        pass


def _recurse() -> None:
    _recurse()


class SystemExit(Animal):
    misbehave = _raises(__builtins__["SystemExit"](3))


class KeyboardInterrupt(Animal):
    misbehave = _raises(__builtins__["KeyboardInterrupt"]())


class GeneratorExit(Animal):
    misbehave = _raises(__builtins__["GeneratorExit"]())


class OwnBaseException(Animal):
    misbehave = _raises(Own("mine"))


class StopIteration(Animal):
    misbehave = _raises(__builtins__["StopIteration"](7))


class MessageRaises(Animal):
    misbehave = _raises(Mute())


class MessageExits(Animal):
    misbehave = _raises(Quitter())


class MessageNoText(Animal):
    misbehave = _raises(ValueError("\ud800\udfff\ud800 \x1b[31mred"))


class MessageGigantic(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> NoReturn:
        raise ValueError("a" * 50_000_000)


class MessageEmpty(Animal):
    misbehave = _raises(Exception())


class MemoryError(Animal):
    misbehave = _raises(__builtins__["MemoryError"]())


class Recursion(Animal):
    misbehave = _does(_recurse)


class InAString(Animal):
    misbehave = _gives(lambda images: "edited")


class InNothing(Animal):
    misbehave = _gives(lambda images: None)


class OtherShape(Animal):
    misbehave = _gives(lambda images: images[:, :, :8])


class NotFinite(Animal):
    misbehave = _gives(lambda images: images * float("nan"))


class OsExit(Animal):
    misbehave = _does(lambda: os._exit(0))


class KillsItself(Animal):
    misbehave = _does(lambda: os.kill(os.getpid(), signal.SIGKILL))


class SegmentationFault(Animal):
    misbehave = _does(lambda: ctypes.string_at(0))


class KillsItsParent(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(1e6)


class ClosesAllFiles(Animal):
    misbehave = _does(lambda: os.closerange(0, 1024))


class SleepsForever(Animal):
    misbehave = _does(lambda: time.sleep(1e6))


class ComputesForever(Animal):
    misbehave = _does(_spin)


class StopsItself(Animal):
    misbehave = _does(lambda: os.kill(os.getpid(), signal.SIGSTOP))


class ConstructorExits(Animal):
    def __init__(self, **config: Any) -> None:
        sys.exit("constructor")


class ConstructorSleeps(Animal):
    def __init__(self, **config: Any) -> None:
        time.sleep(1e6)


class PropertiesRaise(Animal):
    @property
    def editable(self) -> Any:
        return 1 // 0


class WaitsForInput(Animal):
    misbehave = _does(input)


class CauseLoop(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> NoReturn:
        one, two = ValueError("one"), ValueError("two")
        one.__cause__, two.__cause__ = two, one
        raise one


class ExceptionGroup(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> NoReturn:
        group = ValueError("the last")
        for _ in range(5000):
            group = __builtins__["ExceptionGroup"]("more", [group])
        raise group


class NameNoText(Animal):
    misbehave = _raises(type("\x1b[31mred", (Exception,), {})("once"))


class NotesNoText(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> NoReturn:
        error = ValueError("noted")
        error.__notes__ = ["\ud800\x1b[2J" * 1000, Mute()]  # type: ignore[list-item]
        raise error


class Alarm(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        time.sleep(1e6)


class KillsItsGroup(Animal):
    misbehave = _does(lambda: os.killpg(0, signal.SIGTERM))


class StopsItsParent(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        os.kill(os.getppid(), signal.SIGSTOP)
        time.sleep(1e6)


class Sparse(Animal):
    misbehave = _gives(lambda images: images.to_sparse())


class Complex(Animal):
    misbehave = _gives(lambda images: images * 1j)


class WholeNumbers(Animal):
    misbehave = _gives(lambda images: (images * 127.5 + 127.5).to(torch.uint8))


class OnNoDevice(Animal):
    misbehave = _gives(lambda images: images.to("meta"))


class HugeBatch(Animal):
    misbehave = _gives(lambda images: images[:1].expand(2**40, -1, -1, -1))


class SpoilsTheConnection(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        for number in range(3, 64):
            with contextlib.suppress(OSError):
                os.write(number, b"edited " * 100)


# --- what leaves something behind -------------------------------------------------------------------------------------


class WorkingFolder(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        Path(folder).rmdir()


class ThreadCount(Animal):
    misbehave = _does(lambda: torch.set_num_threads(3))


class DefaultDtype(Animal):
    misbehave = _does(lambda: torch.set_default_dtype(torch.float64))


class DefaultDevice(Animal):
    misbehave = _does(lambda: torch.set_default_device("meta"))


class RandomState(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)


class Warnings(Animal):
    misbehave = _does(lambda: warnings.simplefilter("error"))


class Signals(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)


class Determinism(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        torch._C._set_deterministic_algorithms(True)  # torch.use_deterministic_algorithms imports for seconds
        torch.set_flush_denormal(True)
        torch.set_float32_matmul_precision("medium")


class Environment(Animal):
    misbehave = _does(os.environ.clear)


class Locale(Animal):
    misbehave = _does(lambda: locale.setlocale(locale.LC_ALL, "C"))


class StandardOutput(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        print("edited")
        os.write(1, b"edited\n")
        sys.stdout = sys.stderr = None  # type: ignore[assignment]


class RecursionLimit(Animal):
    misbehave = _does(lambda: sys.setrecursionlimit(200))


class Threads(Animal):
    misbehave = _does(lambda: threading.Thread(target=_spin).start())


class Processes(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        subprocess.Popen(["sleep", "100000"], start_new_session=True, close_fds=False)
        if os.fork() == 0:
            os.setsid()
            time.sleep(1e6)


class Files(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        self.open = [os.open(os.devnull, os.O_RDONLY) for _ in range(200)]


class Modules(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        for name in ("json", "numpy.random", "bridgebench.eval.cell"):
            sys.modules.pop(name, None)
        sys.path.clear()


class Functions(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        torch.nn.functional.conv2d = torch.nn.functional.linear = None  # type: ignore[assignment]
        np.mean = np.sqrt = lambda *_, **__: 7.0  # type: ignore[assignment]
        time.time = lambda: 0.0


class Inputs(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> tuple[Any]:
        kept = images.clone()
        images.fill_(0.5)
        labels.fill_(1)
        return (kept,)


class Gradients(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        torch.set_grad_enabled(True)
        torch.autograd.set_detect_anomaly(True)


class Limits(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        os.nice(5)
        resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


class Umask(Animal):
    misbehave = _does(lambda: os.umask(0o777))


class GarbageCollector(Animal):
    misbehave = _does(gc.disable)


class Hooks(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        atexit.register(time.sleep, 1e6)
        sys.excepthook = lambda *_: os._exit(9)  # type: ignore[assignment]
        sys.settrace(lambda *_: None)


class NumpyErrors(Animal):
    misbehave = _does(lambda: np.seterr(all="raise"))


class FloodsOutput(Animal):
    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        for number in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)  # the words of a test's run stay readable
            for _ in range(64):
                os.write(number, b"edited\n" * 2**17)


class Daemon(Animal):
    """Leaves a process that has left its group, its session, its parent and all open files."""

    def misbehave(self, images: Tensor, labels: Tensor) -> None:
        if (first := os.fork()) == 0:
            os.setsid()
            if os.fork() == 0:
                os.closerange(0, 1024)
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)
                os.execlp("sleep", "sleep", "100000")
            os._exit(0)
        os.waitpid(first, 0)


class FewFiles(Animal):
    misbehave = _does(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)))


class TwiceAsFine(Animal):
    misbehave = _gives(lambda images: images.double())
