"""`bridgebench contract`: what every method, data set and measure of a plug-in keeps, checked on one of them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridgebench.harness.commands.options import AsJson, DataRoot, MethodArgument, MethodOrNone, Weights, renamed
from bridgebench.harness.commands.output import show, show_json
from bridgebench.methods.core.errors import UserError

if TYPE_CHECKING:
    from bridgebench.methods.contract import ContractResult

JSON_FIELDS = (
    "method (or dataset, or measure); weights, the file or null (of a method); kept, true or false; points, each with "
    "name, passed, required (a point that is not required is only reported) and detail."
)
DataSet = Annotated[
    str | None, typer.Option("--dataset", metavar="PROFILE", help="Check the data set of this profile, and no method.")
]


def _measure_names(incomplete: str) -> list[str]:
    from bridgebench.eval.measures.own import own_names

    return [name for name in own_names() if name.startswith(incomplete)]


Measure = Annotated[
    str | None,
    typer.Option(metavar="NAME", autocompletion=_measure_names, help="Check this measure of a plug-in, and no method."),
]


def contract(
    method: MethodOrNone = None,
    dataset: DataSet = None,
    measure: Measure = None,
    weights: Weights = None,
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Runs the contract of a method, a data set or a measure.

    Shapes, ranges, determinism, refusals. Exit code 1: it breaks the contract.
    """
    if [method, dataset, measure].count(None) != 2 or (method is None and weights is not None):
        raise UserError(
            "Name one method (with --weights, if you like), or a data set by --dataset PROFILE, or a measure of a "
            "plug-in by --measure NAME."
        )
    about: dict[str, Any]
    if dataset is not None:
        about, results = {"dataset": dataset}, _of_data(dataset, data_root)
    elif measure is not None:
        about, results = {"measure": measure}, _of_measure(measure)
    else:
        assert method is not None
        file, results = _of_method(method, weights)
        about = {"method": method, "weights": file and str(file)}
    kept = all(result.passed or not result.required for result in results)
    if as_json:
        show_json({**about, "kept": kept, "points": [vars(result) for result in results]})
    else:
        for result in results:
            mark = "pass" if result.passed else "FAIL" if result.required else "note"
            show(f"{mark}  {result.name}  {result.detail}".rstrip())
    raise typer.Exit(0 if kept else 1)


def _of_method(method: str, weights: str | None) -> tuple[Path | None, list[ContractResult]]:
    """The weights file that was taken, and the results."""
    from bridgebench.harness.weights.find import weights_at_hand
    from bridgebench.harness.weights.hub import typed_weights
    from bridgebench.methods import card, is_foreign, load

    at_hand = weights_at_hand().get(card(method).name, [])
    file = next(iter(at_hand), None) if weights is None else typed_weights(weights)
    if is_foreign(method):
        from bridgebench.harness.benchmark.failures import PluginFailed, sentence
        from bridgebench.harness.benchmark.remote import contract_of
        from bridgebench.methods.core.weights import header

        if file is None and card(method).trainable:
            raise UserError(f"The method '{method}' needs trained weights: give --weights FILE.")
        if file is not None and header(file)["method"] != method:
            raise UserError(f"{file} holds weights of '{header(file)['method']}', not of '{method}'.")
        try:
            return file, contract_of(card(method), file)
        except PluginFailed as failure:
            raise UserError(f"The contract of '{method}' cannot be checked: {sentence(failure)}") from failure
    editor = load(method, file)
    from bridgebench.methods.contract import run_contract

    return file, run_contract(editor)


def _of_data(profile: str, data_root: Path | None) -> list[ContractResult]:
    from bridgebench.harness.data.contract import run_data_contract
    from bridgebench.harness.profiles.profile import load_profile

    return run_data_contract(load_profile(profile), data_root)


def _of_measure(name: str) -> list[ContractResult]:
    from bridgebench.eval.measures.own import own_measure

    measure = own_measure(name)
    from bridgebench.harness.benchmark.measure_contract import run_measure_contract

    with tempfile.TemporaryDirectory(prefix="bridgebench-") as folder:
        return run_measure_contract(measure, Path(folder))


def check(method: MethodArgument, weights: Weights = None) -> None:
    """The old name of `bridgebench contract`."""
    renamed("check METHOD", "contract METHOD")
    contract(method, weights=weights)
