"""Which part of a run's CPU time is spent in which functions, wherever they are called from."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any


class Stopwatch:
    """Seconds by name. Time inside a watched function is its own, not its watched caller's.

    Attributes:
        seconds: by name; "rest" is everything else while `running`.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._stack = ["rest"]
        self._since = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measures what happens within."""
        self._since = time.process_time()
        yield
        self._charge()

    @contextmanager
    def watching(self, name: str, owner: Any, attribute: str) -> Iterator[None]:
        """Within, every call of ``owner.attribute`` is charged to `name`."""
        original = getattr(owner, attribute)
        setattr(owner, attribute, self._watched(name, original))
        try:
            yield
        finally:
            setattr(owner, attribute, original)

    def _watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._charge()
            self._stack.append(name)
            try:
                return function(*args, **kwargs)
            finally:
                self._charge()
                self._stack.pop()

        return call

    def _charge(self) -> None:
        now = time.process_time()
        self.seconds[self._stack[-1]] += now - self._since
        self._since = now
