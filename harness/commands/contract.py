"""`bridgebench contract`: the contract that every method keeps, run on one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import AsJson, MethodArgument, renamed
from bridgebench.harness.commands.output import show, show_json

JSON_FIELDS = (
    "method; weights, the file or null; kept, true or false; points, each with name, passed, required (a point that is "
    "not required is only reported) and detail."
)
Weights = Annotated[Path | None, typer.Option(help="A weights file instead of the shipped one.")]


def contract(method: MethodArgument, weights: Weights = None, as_json: AsJson = False) -> None:
    """Runs the contract that every method keeps.

    Shapes, ranges, determinism, refusals. Exit code 1: the method breaks it.
    """
    from bridgebench.harness.weights.find import weights_at_hand
    from bridgebench.methods import card, load

    at_hand = weights_at_hand().get(card(method).name, [])
    file = weights or next(iter(at_hand), None)
    editor = load(method, file)
    from bridgebench.methods.contract import run_contract

    results = run_contract(editor)
    kept = all(result.passed or not result.required for result in results)
    if as_json:
        points = [vars(result) for result in results]
        show_json({"method": method, "weights": file and str(file), "kept": kept, "points": points})
    else:
        for result in results:
            mark = "pass" if result.passed else "FAIL" if result.required else "note"
            show(f"{mark}  {result.name}  {result.detail}".rstrip())
    raise typer.Exit(0 if kept else 1)


def check(method: MethodArgument, weights: Weights = None) -> None:
    """The old name of `bridgebench contract`."""
    renamed("check METHOD", "contract METHOD")
    contract(method, weights)
