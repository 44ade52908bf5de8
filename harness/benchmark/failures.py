"""Why a cell failed, in words: whatever a method raised, its report is a text of a reasonable length."""

from __future__ import annotations

import traceback

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.methods.core.errors import UserError

TOO_LONG = "TookTooLong"
_LONGEST_LINE, _MOST_LINES = 1_000, 200
_NO_MEMORY = "OutOfMemory: more memory was asked for than there is: try --workers 1, or a smaller batch"


class PluginFailed(Exception):
    """The code of a plug-in failed in a process of its own.

    Args:
        report: what happened there; its last line is shown to the user.
    """

    def __init__(self, report: str) -> None:
        super().__init__(report)
        self.report = report


def sentence(failure: PluginFailed) -> str:
    """What happened, in one line."""
    return failure.report.splitlines()[-1].removeprefix(f"{UserError.__module__}.{UserError.__name__}: ")


def report(error: BaseException) -> str:
    """The traceback of an error; summaries show its last line.

    The error may come from anybody's code: its message may be gigantic, hold bytes that are no text, or raise an error
    itself.
    """
    if isinstance(error, PluginFailed):
        return error.report
    try:
        text = "".join(traceback.format_exception(error))
        alone = traceback.format_exception_only(error)[0]
    except BaseException:
        text = alone = f"{type(error).__name__}: its message cannot be shown"
    text = plain(text) or "an error without a name"
    if _is_out_of_memory(error, text):
        return f"{text}\n{_NO_MEMORY}"
    # Messages of several lines, notes and groups of errors end with something else than what happened.
    first = plain(alone).partition("\n")[0]
    return text if first.startswith(" ") or first == text.splitlines()[-1] else f"{text}\n{first}"


def plain(text: str) -> str:
    """A text without what could command a terminal, the ends of long lines and the middle of a long text."""
    lines = []
    for line in text.rstrip().splitlines():
        cut = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} ..."
        lines.append("".join(each if each.isprintable() else "?" for each in cut))
    if len(lines) > _MOST_LINES:
        half = _MOST_LINES // 2
        lines[half:-half] = [f"... {len(lines) - _MOST_LINES:,} lines are left out ..."]
    return "\n".join(lines)


def check_time_so_far(run: RunDirectory, method: str) -> None:
    """Refuses a method that has taken too long for another cell, so that it does not take as long for every cell.

    The reports of failed cells are removed when a run begins, so the next call tries the method again.

    Raises:
        PluginFailed: such a cell is there.
    """
    for place in run.failed():
        if place[0] == method and run.error_file(*place).read_text("utf-8", "replace").startswith(TOO_LONG):
            raise PluginFailed(f"{TOO_LONG}: not tried, because the method took too long for {'/'.join(place)}")


def _is_out_of_memory(error: BaseException, text: str) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"MemoryError", "OutOfMemoryError"}) or "allocate memory" in text.splitlines()[-1]
