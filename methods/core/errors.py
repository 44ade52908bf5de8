"""Errors that are a user's mistake, each told in one sentence.

Every mistake of a user (a wrong name, a damaged file, a mode that a method lacks) is raised as :class:`UserError`. The
command line prints the sentence and exits with code 2. Any other exception is a bug of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """One clear sentence: what was wrong, where, and what to do."""


class CannotWrite(UserError):
    """A file could not be written (no space, no permission, ...); nothing of it is there."""


class UnsupportedMode(UserError):
    """A method was asked for an edit mode that it does not have; the message names those it has."""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A hint such as ``" Did you mean 'Smiling'?"`` for a mistyped `name`, or an empty string."""
    lowered = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    return f" Did you mean '{lowered[close[0]]}'?" if close else ""
