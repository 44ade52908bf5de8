"""A process that runs the code of one plug-in, as its worker sees it: what is asked of it, and what may go wrong there.

Whatever the plug-in does to its process (`harness.processes.nursery`) reaches neither other numbers nor other cells.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any, Literal

from bridgebench.harness.benchmark.failures import TOO_LONG, PluginFailed, plain
from bridgebench.harness.processes.channel import Arrays, Channel, Closed, Silent
from bridgebench.harness.processes.nursery import nursery
from bridgebench.harness.processes.pool import how_it_ended

_WORK = "bridgebench.harness.benchmark.guest:serve"


class ForeignProcess:
    """A process that starts here and ends with :meth:`end`.

    Args:
        what: whose code it runs, as `harness.benchmark.guest` knows it and messages say it.
        limit: most seconds that an answer may take.
        answer: what the process may ask back: gets the name of what it asks for and its arrays, and gives arrays.
        where: where a user sets the limit, for messages.

    Raises:
        PluginFailed: no process can be started.
    """

    def __init__(
        self,
        what: Literal["method", "measure"],
        limit: float,
        answer: Callable[[Any, Arrays], dict[str, Any]] | None = None,
        where: str = " (time_limit under [evaluation] in the profile)",
    ) -> None:
        self._where = where
        self._what, self._limit, self._answer, self._questions = what, limit, answer, 0
        mine, theirs = socket.socketpair()
        self._channel, self._nursery = Channel(mine), nursery(_WORK)
        try:
            self._process = self._nursery.fork(theirs)
        except OSError as error:
            raise PluginFailed(f"NoProcess: no process could be started for the {what}") from error

    def ask(
        self, question: dict[str, Any], arrays: dict[str, Any], *, doing: str, largest: int = 0, times: int = 1
    ) -> tuple[dict[str, Any], Arrays]:
        """Asks the process, and answers what it asks back.

        Args:
            question: what to do (``"do"``), and with what.
            arrays: of the question.
            doing: what the plug-in does meanwhile, for messages: ``"load"``, ``"edit a batch"``, ...
            largest: most bytes of arrays that an answer may have, if more than 1 MiB.
            times: how many times as long as others this answer may take.

        Raises:
            PluginFailed: the plug-in failed, died, took too long or answered nonsense.
        """
        self._questions += 1
        limit = times * self._limit
        until = time.monotonic() + limit
        try:
            self._channel.send({**question, "of": self._what, "question": self._questions}, arrays, until=until)
            while True:
                facts, found = self._channel.receive(largest=max(largest, 2**20), until=until)
                if self._answer is None or "call" not in facts:
                    break
                self._channel.send({}, self._answer(facts["call"], found), until=until)
        except Silent:
            self._finish(by_itself=False)
            raise PluginFailed(
                f"{TOO_LONG}: the {self._what} did not {doing} within {limit:g} seconds{self._where}"
            ) from None
        except Closed:
            raise self._died() from None
        except (ValueError, TypeError) as error:
            raise self.nonsense(str(error)) from None
        if facts.get("answer") != self._questions:
            raise self.nonsense("it answered what was not asked")
        if "failed" in facts:
            raise PluginFailed(plain(str(facts["failed"])) or f"the {self._what} failed and did not say why")
        return facts, found

    def nonsense(self, why: str) -> PluginFailed:
        """Ends the process, which answered something else than what was asked; gives the error to raise."""
        self._finish(by_itself=False)
        wanted = {"method": "edits", "measure": "numbers"}[self._what]
        return PluginFailed(
            f"Nonsense: the process of the {self._what} answered something else than {wanted} ({plain(why)})"
        )

    def end(self) -> None:
        """Ends the process, with all that it has started."""
        self._finish(by_itself=False)

    def _died(self) -> PluginFailed:
        code, died = self._finish(by_itself=True), f"{self._what.capitalize()}Died: the process of the {self._what}"
        if code is None:
            return PluginFailed(f"{died}, and the one that watches it, were killed")
        ended = how_it_ended(code)
        memory = ", likely for want of memory: try --workers 1" if ended == "SIGKILL" else ""
        return PluginFailed(f"{died} ended in the middle of its work ({ended}){memory}")

    def _finish(self, *, by_itself: bool) -> int | None:
        """Ends the process; its exit code, or None where that is not known."""
        self._channel.close()
        process, self._process = self._process, 0
        if not process:
            return None
        try:
            return self._nursery.end(process, by_itself=by_itself)
        except OSError:
            return None
