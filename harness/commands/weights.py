"""`bridgebench weights`: import official checkpoints, fetch weights, look into weights files, train them again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import DataRoot, command, names_of
from bridgebench.harness.commands.output import show
from bridgebench.harness.processes.messages import LOGGER
from bridgebench.harness.profiles.hub_file import FORM, is_hub_address
from bridgebench.harness.train.curves import FIRST
from bridgebench.methods.core.errors import UserError

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
    wanted: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ARCHIVE|ADDRESS",
            autocompletion=_archive_names,
            help=f"A release archive (ablations has what that profile needs), or a file on a hub, {FORM}.",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="FILE|URL", help="A copy of the archive, or its http(s) address.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="All files that this profile names by an hf:// address.")] = None,
) -> None:
    """Fetches weights into the cache: too heavy ones that are not shipped, and those that lie on a hub.

    Nothing is taken from a file whose SHA-256 is not the known one. A stopped download of an archive goes on where it
    stopped. Nothing else downloads what a profile names.
    """
    from bridgebench.harness.profiles.profile import load_profile
    from bridgebench.harness.weights import archives, hub

    named = [] if profile is None else [each for each in load_profile(profile).weights.values() if is_hub_address(each)]
    if not wanted and profile is None:
        raise UserError("Name an ARCHIVE, the hf:// ADDRESS of a file, or a profile by --profile.")
    if source is not None and (len(wanted or ()) != 1 or is_hub_address((wanted or [""])[0])):
        raise UserError("--from says where one ARCHIVE lies: name one.")
    for each in dict.fromkeys([*(wanted or []), *named]):
        if is_hub_address(each):
            show(f"The file is {hub.fetch(each)}")
        else:
            show(f"The files are in {archives.fetch(each, source)}")


@command(app, "show")
def show_file(
    file: Annotated[str, typer.Argument(help="A .safetensors weights file, or its hf:// address.")],
) -> None:
    """Shows what a weights file says of itself."""
    from bridgebench.harness.weights.hub import typed_weights
    from bridgebench.harness.weights.show import show_weights

    show(show_weights(typed_weights(file)))


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
