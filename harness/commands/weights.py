"""`bridgebench weights`: import official checkpoints, fetch weights, look into weights files, train them again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import DataRoot, command, names_of
from bridgebench.harness.commands.output import show
from bridgebench.harness.processes.messages import LOGGER
from bridgebench.harness.train.curves import FIRST

app = typer.Typer(help="Import checkpoints, fetch weights, look into weights files.")


def _archive_names(incomplete: str) -> list[str]:
    from bridgebench.harness.weights.archives import archives

    return [name for name in archives() if name.startswith(incomplete)]


@command(app, "import")
def import_checkpoint(
    method: Annotated[str, typer.Argument(help="The method that the checkpoint belongs to, or 'inception'.")],
    checkpoints: Annotated[list[Path], typer.Argument(metavar="CHECKPOINT...", help="The official file or files.")],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    attributes: Annotated[str | None, typer.Option(help="The label columns a,b,... it was trained with.")] = None,
) -> None:
    """Turns an official checkpoint into a weights file."""
    from bridgebench.harness.weights.official import import_weights

    show(f"Wrote {import_weights(method, checkpoints, out, names_of(attributes) or None)}")


@command(app, "fetch")
def fetch(
    archive: Annotated[
        str,
        typer.Argument(
            metavar="ARCHIVE", autocompletion=_archive_names, help="Its name: ablations has what that profile needs."
        ),
    ],
    source: Annotated[
        str | None, typer.Option("--from", metavar="FILE|URL", help="A copy of the archive, or its http(s) address.")
    ] = None,
) -> None:
    """Fetches weights that are too heavy to be shipped, into the cache.

    A stopped download goes on where it stopped. Nothing is taken from a file whose SHA-256 is not the known one.
    """
    from bridgebench.harness.weights.archives import fetch

    show(f"The files are in {fetch(archive, source)}")


@command(app, "show")
def show_file(file: Annotated[Path, typer.Argument(help="A .safetensors weights file.")]) -> None:
    """Shows what a weights file says of itself."""
    from bridgebench.harness.weights.show import show_weights

    show(show_weights(file))


@command(app, "card")
def card(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Weights files.")]) -> None:
    """Writes the training card of each weights file beside it, FILE.md."""
    from bridgebench.harness.weights.card_page import write_card

    for file in files:
        show(f"Wrote {write_card(file)}")


@command(app, "reproduce")
def reproduce(
    file: Annotated[Path, typer.Argument(help="A weights file that `bridgebench train` wrote.")],
    iterations: Annotated[int, typer.Option(min=1, help="How many, of those in its card.")] = FIRST,
    profile: Annotated[str | None, typer.Option(help="The profile of its data, instead of the one it names.")] = None,
    data_root: DataRoot = None,
) -> None:
    """Trains a file's first iterations again.

    Exit code 1: a loss is not the card's within 1 %.
    """
    from bridgebench.harness.train.reproduce import reproduce

    same = reproduce(file, iterations=iterations, profile=profile, data_root=data_root, say=LOGGER.info)
    raise typer.Exit(0 if same else 1)
