"""Methods in an environment of their own: the edits are made by a program that the card names as a command.

The program has its own Python (or is none), so that its packages may contradict ours. It reads requests from standard
input and answers on standard output, one line of JSON each. Images are PNG files in its working folder::

    → {"hello": 1, "attributes": ["Young", ...], "image_size": 64}
    ← {"hello": 1}                     may add "editable": [...], "options": ["mix"], "parameters": 1234
    → {"task": "1", "mode": "label", "source": "1-source.png", "turn_on": ["Bangs"], ..., "edit": "1-edit.png"}
    ← {"task": "1"}                    after it has written 1-edit.png; or {"task": "1", "error": "why not"}

A request is a task as in `bridgebench tasks export` (:class:`methods.core.tasks.EditTask`). What the program writes to
standard error goes to the log. It ends when its standard input does. If it dies it is started again, a few times.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json
from bridgebench.methods.core.foreign import shown
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.core.png import png_bytes, read_png
from bridgebench.methods.core.tasks import EditTask, line_of
from bridgebench.methods.editor import Editor

VERSION = 1  # of what is said between us and a program
MOST_DEATHS = 3  # so often a program is started again
SECONDS = 1800.0  # in which it must have started, and in which it must have edited a batch, unless the caller says less
_LONGEST = 2**20  # bytes of an answer
_TAIL = 5  # last lines of standard error that a failure tells
_GRACE = 1.0  # seconds in which it may end when it is no longer needed
# What of our Python's environment would lead another Python astray.
_OURS = ("PYTHONPATH", "PYTHONHOME", "PYTHONEXECUTABLE", "PYTHONSTARTUP", "PYTHONSAFEPATH", "VIRTUAL_ENV")
_log = logging.getLogger(__name__)


class CommandFailed(UserError):
    """The program of a method failed, died too often, or answered something else than was asked."""


class _Died(Exception):
    """The program ended, or closed its end."""


def command_editor(card: MethodCard) -> type[CommandEditor]:
    """The editor class of a method whose card names a command."""
    return type("CommandEditor", (CommandEditor,), {"card": card})


class CommandEditor(Editor):
    """A method whose edits are made by a program; classes with a card are made by `command_editor`.

    The program starts with the first edit, and ends with :meth:`end` or with this object. Images reach it with 8 bits a
    channel.

    Attributes:
        time_limit: most seconds that its start, and that every call of `edit`, may take.
    """

    time_limit = SECONDS

    def __init__(self, *, attributes: Sequence[str] = CELEBA14, image_size: int = 64) -> None:
        super().__init__(attributes=attributes, image_size=image_size)
        self._folder: Path | None = None
        self._program: _Program | None = None
        self._hello: Mapping[str, Any] | None = None
        self._tasks = self._deaths = 0

    def work_in(self, folder: Path) -> None:
        """Takes a folder for the images that somebody else removes; else it makes one, and removes it at its end."""
        self._folder = folder

    @property
    def editable(self) -> tuple[str, ...]:
        """The attributes that an edit can change, as the program says."""
        named = self._said().get("editable")
        return self.attributes if named is None else tuple(name for name in self.attributes if name in named)

    @property
    def options(self) -> frozenset[str]:
        """``mix``, if the program says that it has it."""
        return frozenset({"mix"} & set(self._said().get("options", ())))

    @property
    def known_parameters(self) -> int | None:
        """How many parameters the program says it has; None: it does not say."""
        found: int | None = self._said().get("parameters")
        return found

    @property
    def process(self) -> int | None:
        """The process id of the program; None: it does not run."""
        return None if self._program is None else self._program.process.pid

    def label_edit(
        self, images: Tensor, labels: Tensor, source_labels: Tensor, *, mix: float | None = None, **options: Any
    ) -> Tensor:
        """See :meth:`Editor.label_edit`."""
        return self._edit(images, None, labels, source_labels, mix, **options)

    def reference_edit(
        self,
        images: Tensor,
        reference: Tensor,
        labels: Tensor,
        source_labels: Tensor,
        *,
        mix: float | None = None,
        **options: Any,
    ) -> Tensor:
        """See :meth:`Editor.reference_edit`."""
        return self._edit(images, reference, labels, source_labels, mix, **options)

    def _edit(
        self,
        images: Tensor,
        reference: Tensor | None,
        labels: Tensor,
        source_labels: Tensor,
        mix: float | None,
        *,
        strength: float | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        if mix is not None and "mix" not in self.options:
            raise UserError(f"{self.card.title} does not weigh the label against the reference (no option 'mix').")
        if images.shape[2:] != (self.image_size, self.image_size):
            size = "x".join(map(str, images.shape[2:]))
            raise UserError(f"{self.card.title} was started for images of {self.image_size} pixels, not {size}.")
        until, edits = time.monotonic() + self.time_limit, []
        sources, like = _pixels(images), None if reference is None else _pixels(reference)
        for row, source in enumerate(sources):
            seed = int(torch.randint(2**31, (1,), generator=generator)) if self.card.stochastic else 0
            self._tasks += 1
            name = str(self._tasks)
            task = EditTask(
                task=name,
                mode="label" if like is None else "reference",
                source=f"{name}-source.png",
                reference=None if like is None else f"{name}-reference.png",
                source_labels=self._names(source_labels[row]),
                target_labels=self._names(labels[row]),
                strength=None if strength is None else self.strength_or_default(strength),
                mix=mix,
                seed=seed,
                edit=f"{name}-edit.png",
            )
            edits.append(self._made(task, source, None if like is None else like[row], until))
        found = torch.from_numpy(np.stack(edits)).permute(0, 3, 1, 2)
        return (found.float() / 127.5 - 1).to(images.device)

    def _names(self, labels: Tensor) -> tuple[str, ...]:
        return tuple(name for name, on in zip(self.attributes, labels.tolist(), strict=True) if on)

    def _made(
        self, task: EditTask, source: NDArray[np.uint8], reference: NDArray[np.uint8] | None, until: float
    ) -> NDArray[np.uint8]:
        """The edit of one image, uint8 (H, W, 3)."""
        folder = self._place()
        files = {task.source: source}
        if task.reference is not None and reference is not None:
            files[task.reference] = reference
        try:
            for name, pixels in files.items():
                (folder / name).write_bytes(png_bytes(pixels))
            answer = self._ask(task.plain(), until)
            if "error" in answer:
                raise CommandFailed(f"{self.card.title} did not make an edit: {shown(answer['error'])}.")
            if answer.get("task") != task.task:
                raise self._nonsense(f"it answered {shown(answer)} to the task {task.task}")
            try:
                return read_png(folder / task.edit, self.image_size)
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                raise self._nonsense(f"it said that {task.edit} is made, which is not usable ({reason})") from None
        finally:
            for name in (*files, task.edit):
                with contextlib.suppress(OSError):
                    (folder / name).unlink(missing_ok=True)

    def _said(self) -> Mapping[str, Any]:
        """What the program says of itself when it starts."""
        if self._hello is None:
            self._running(time.monotonic() + self.time_limit)
        assert self._hello is not None
        return self._hello

    def _ask(self, request: dict[str, Any], until: float) -> dict[str, Any]:
        """The answer to a request. If the program dies over it, the program is started again and asked once more."""
        for last in (False, True):
            program = self._running(until)
            try:
                return program.ask(request, until)
            except _Died:
                self._deaths += 1
                told = self._end_of(program)
                if last or self._deaths > MOST_DEATHS:
                    times = "twice over one edit" if last else f"{self._deaths} times"
                    raise CommandFailed(f"The program of {self.card.title} died {times}: {told}.") from None
                _log.warning("The program of %s died (%s); it is started again.", self.card.title, told)
            except TimeoutError:
                self.end()
                raise CommandFailed(
                    f"The program of {self.card.title} took more than {self.time_limit:g} seconds for a batch, and was "
                    "ended."
                ) from None
            except ValueError as error:
                raise self._nonsense(str(error)) from None
        raise AssertionError("the second try returns or raises")

    def _running(self, until: float) -> _Program:
        """The program, which is started if it does not run."""
        if self._program is not None:
            return self._program
        command = self.card.command
        try:
            program = _Program(self.card.title, command, self._place())
        except OSError as error:
            raise CommandFailed(
                f"The program of {self.card.title} cannot be started ({command[0]}: {error.strerror})."
            ) from None
        self._program = program
        hello = {"hello": VERSION, "attributes": list(self.attributes), "image_size": self.image_size}
        try:
            self._hello = _checked_hello(program.ask(hello, until))
        except _Died:
            raise CommandFailed(
                f"The program of {self.card.title} ended before it answered: {self._end_of(program)}."
            ) from None
        except TimeoutError:
            self.end()
            raise CommandFailed(
                f"The program of {self.card.title} did not answer within {self.time_limit:g} seconds."
            ) from None
        except ValueError as error:
            raise self._nonsense(str(error)) from None
        return program

    def _place(self) -> Path:
        if self._folder is None:
            folder = tempfile.TemporaryDirectory(prefix="bridgebench-")
            weakref.finalize(self, folder.cleanup)
            self._folder = Path(folder.name)
        return self._folder

    def _end_of(self, program: _Program) -> str:
        """Ends a program that is ending; how it ended, and its last words."""
        self._program = None
        return program.end()

    def _nonsense(self, why: str) -> CommandFailed:
        """The error of a program that does not keep to what was agreed; it is ended."""
        told = f"; its last words: {words}" if self._program and (words := self._program.last_words) else ""
        self.end()
        return CommandFailed(f"The program of {self.card.title} is not understood: {why}{told}.")

    def end(self) -> None:
        """Ends the program; the next edit starts it again."""
        if self._program is not None:
            self._end_of(self._program)


def _checked_hello(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer to our first line.

    Raises:
        ValueError: it is none.
    """
    if answer.get("hello") != VERSION:
        raise ValueError(f'it answered {shown(answer)} where {{"hello": {VERSION}}} was expected')
    for name in ("editable", "options"):
        named = answer.get(name, [])
        if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
            raise ValueError(f'"{name}" must be a list of names')
    parameters = answer.get("parameters", 0)
    if not isinstance(parameters, int) or parameters < 0:
        raise ValueError('"parameters" must be a number of parameters')
    return answer


def _pixels(images: Tensor) -> NDArray[np.uint8]:
    """Float (N, 3, H, W) in [-1, 1] as uint8 (N, H, W, 3)."""
    levels = ((images.detach().float().cpu() + 1) * 127.5).round().clamp(0, 255)
    return levels.byte().permute(0, 2, 3, 1).contiguous().numpy()


class _Program:
    """A running program.

    Args:
        title: of its method, for the log.
        command: the program and its arguments.
        folder: where it works.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, title: str, command: Sequence[str], folder: Path) -> None:
        self._title, self._last = title, deque[str](maxlen=_TAIL)
        environment = {name: value for name, value in os.environ.items() if name not in _OURS}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
            start_new_session=True,  # it is ended with all that it has started
        )
        self._kill = weakref.finalize(self, _kill, self.process)
        self._words = threading.Thread(target=_log_words, args=(self.process.stderr, title, self._last), daemon=True)
        self._words.start()
        self._rest = b""

    @property
    def last_words(self) -> str:
        """The last lines that it wrote to standard error."""
        return shown(" / ".join(self._last))

    def ask(self, request: dict[str, Any], until: float) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            _Died: it ended.
            TimeoutError: there is no answer in time.
            ValueError: it answered something else than one object of JSON.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line_of(request))
            self.process.stdin.flush()
        except OSError:
            raise _Died from None
        line = self._line(until)
        try:
            answer = parse_json(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ValueError(
                f"it wrote {shown(line.decode(errors='replace'))!r} to standard output, which is for answers of JSON "
                "(print messages to standard error)"
            )
        return answer

    def _line(self, until: float) -> bytes:
        assert self.process.stdout is not None
        reading = self.process.stdout.fileno()
        while b"\n" not in self._rest:
            if len(self._rest) > _LONGEST:
                raise ValueError(f"its answer is longer than {_LONGEST:,} bytes")
            if not select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(reading, 2**16)
            if not part:
                raise _Died
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def end(self) -> str:
        """Ends it with all that it has started; says how it ended, and its last words."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_GRACE)
        self._kill()
        self._words.join(_GRACE)
        code = self.process.returncode
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return f"{how}; its last words: {self.last_words}" if self._last else how


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _log_words(stream: Any, title: str, last: deque[str]) -> None:
    """Takes what a program writes to standard error, until it ends."""
    for line in iter(lambda: stream.readline(_LONGEST), b""):
        text = shown(line.decode(errors="replace"))
        if text:
            last.append(text)
            _log.debug("%s: %s", title, text)
