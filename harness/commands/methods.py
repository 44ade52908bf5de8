"""`bridgebench methods`: the methods that are installed."""

from __future__ import annotations

from typing import Annotated

import typer

from bridgebench.harness.commands.options import AsJson
from bridgebench.harness.commands.output import show, show_json

JSON_FIELDS = (
    "methods, each with name, title, kind (method or control), modes, trainable, source, summary, problem (why it "
    "cannot be imported, or null) and weights, the files at hand, each with file, profile, variant (null: the method "
    "itself), shipped, fetched and parameters."
)


def list_methods(
    variants: Annotated[
        bool, typer.Option("--variants", help="One row a weights file: also those of methods trained in other ways.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Lists the installed methods.

    Their modes, parameters, the profiles that there are weights for, and their source.
    """
    from bridgebench.harness.weights.show import installed_methods, methods_table, weights_table

    found = installed_methods()
    if as_json:
        show_json({"methods": [method.plain() for method in found]})
        return
    show(weights_table(found) if variants else methods_table(found))
