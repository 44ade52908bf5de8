"""`bridgebench methods`: the methods that are installed."""

from __future__ import annotations

import typer


def list_methods() -> None:
    """Lists the installed methods: modes, parameters, weights at hand, source."""
    from bridgebench.harness.weights.show import HEAD, method_rows, text_table

    typer.echo(text_table(HEAD, method_rows()))
