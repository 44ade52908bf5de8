"""`bridgebench check`: the contract that every method keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check(
    method: Annotated[str, typer.Argument(help="The method to check, ours or a plug-in.")],
    weights: Annotated[Path | None, typer.Option(help="A weights file instead of the shipped one.")] = None,
) -> None:
    """Runs the contract that every method keeps."""
    from bridgebench.harness.weights.find import weights_at_hand
    from bridgebench.methods import card, load

    at_hand = weights_at_hand().get(card(method).name, [])
    editor = load(method, weights or next(iter(at_hand), None))
    from bridgebench.methods.contract import run_contract

    results = run_contract(editor)
    for result in results:
        mark = "pass" if result.passed else "FAIL" if result.required else "note"
        typer.echo(f"{mark}  {result.name}  {result.detail}".rstrip())
    raise typer.Exit(0 if all(result.passed or not result.required for result in results) else 1)
