"""What plug-ins say of themselves. Importing a plug-in runs its code, so this is done in a process of its own.

The command that lists what is installed, and the process that plans a run, thus never run code of a plug-in. The other
process has a limited time, and only plain facts come back from it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from functools import reduce
from typing import Any

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json

SECONDS = 60.0  # an import may take so long; some packages import other people's networks
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {module} import tell; tell(*sys.argv[2:])"
_LONGEST = 2**20  # bytes of an answer
_LONGEST_REASON = 500  # characters


def ask(what: str, name: str, value: str, facts: str) -> Any:
    """What the object at an entry point says of itself.

    Args:
        what: what the plug-in is, for messages: ``"method"``, ``"measure"``, ...
        name: its name, as the plug-in has registered it.
        value: the entry point: where the object is, as ``"package.module:NAME"``.
        facts: our function that makes plain facts of the object, as ``"module:function"``; None: it is something else.

    Returns:
        The facts, of what JSON has; None where the object is something else.

    Raises:
        UserError: the plug-in cannot be imported, or does not answer in time.
    """
    answer = _answer(what, name, value, facts)
    if "error" in answer:
        raise UserError(f"The {what} '{name}' cannot be imported from {value}: {shown(answer['error'])}")
    return answer.get("facts")


def import_object(value: str) -> Any:
    """The object at an entry point, ``"package.module:NAME"``, imported into this process."""
    module, _, attributes = value.partition(":")
    return reduce(getattr, filter(None, attributes.split(".")), importlib.import_module(module))


def tell(value: str, facts: str, line: str) -> None:
    """The process that imports a plug-in: writes its facts, or why there are none, and ends."""
    try:
        answer = json.dumps({"facts": import_object(facts)(import_object(value))})
    except BaseException as error:  # a plug-in is somebody else's code: whatever it raises is told
        answer = json.dumps({"error": reason_of(error)})
    data = answer.encode() + b"\n"
    while data:
        data = data[os.write(int(line), data) :]
    os._exit(0)


def shown(text: Any) -> str:
    """A text of a plug-in as it is printed: short, and without what could command a terminal."""
    short = " ".join(str(text)[:_LONGEST_REASON].split())
    return "".join(each if each.isprintable() else "?" for each in short)


def reason_of(error: BaseException) -> str:
    """What an error of somebody else's code says, whatever it does when it is asked."""
    try:
        text = str(error)[:_LONGEST_REASON].encode(errors="replace").decode()
    except BaseException:
        text = ""
    if text and isinstance(error, ImportError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _answer(what: str, name: str, value: str, facts: str) -> dict[str, Any]:
    """What the process that imports the plug-in says."""
    reading, writing = os.pipe()
    program = _START.format(module=__name__)
    command = [sys.executable, "-P", "-c", program, json.dumps(sys.path), value, facts, str(writing)]
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(
        command, pass_fds=[writing], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )
    os.close(writing)
    try:
        said = _read_line(reading, time.monotonic() + SECONDS)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # with all that the plug-in has started
        process.kill()
        process.wait()
    if said is None:
        raise UserError(f"The {what} '{name}' cannot be imported from {value}: more than {SECONDS:g} seconds.")
    try:
        answer = parse_json(said)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UserError(f"The {what} '{name}' cannot be imported from {value}: its import ends the process.")
    return answer


def _read_line(reading: int, until: float) -> bytes | None:
    """What is written up to a line's end, or to the end of all; None where that does not come in time."""
    said = b""
    while not said.endswith(b"\n") and len(said) < _LONGEST:
        if not select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
            return None
        part = os.read(reading, 2**16)
        if not part:
            break
        said += part
    return said
