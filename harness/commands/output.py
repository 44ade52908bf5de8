"""The result of a command: what the user asked for. It goes to standard output, also with --quiet.

What a command says while it works are messages (`harness.processes.messages`).
"""

from __future__ import annotations

import json
from typing import Any

import typer

from bridgebench.harness.processes.terminal import printable


def show(text: str) -> None:
    """Writes (a part of) the result of a command as text."""
    typer.echo(printable(text))


def show_json(found: Any) -> None:
    """Writes the result of a command as JSON."""
    typer.echo(json.dumps(found, indent=1, allow_nan=False))  # in ASCII, which every terminal and pipe takes
