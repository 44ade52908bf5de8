"""Calls a function again and again beside other work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(call: Callable[[], None], seconds: float) -> Iterator[threading.Event]:
    """Calls a function every few seconds, in a thread, until the block ends; gives an event that is set then.

    The first call comes after the first pause. A call that has begun is waited for.
    """
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(seconds):
            call()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield ended
    finally:
        ended.set()
        thread.join()
