"""`bridgebench data`: look at a profile's images, check a data set, prepare its images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import DataRoot, SkipDamaged, open_profile

app = typer.Typer(help="Look at the data sets.")


@app.command("preview")
def preview(
    profile: Annotated[str, typer.Argument(help="A shipped profile's name, or your own .toml file.")],
    out: Annotated[Path, typer.Option(help="The image file to write.")] = Path("preview.png"),
    data_root: DataRoot = None,
) -> None:
    """Draws a sheet of a profile's images with their labels."""
    from bridgebench.harness.data.preview import preview
    from bridgebench.harness.profiles.profile import load_profile

    typer.echo(f"Wrote {preview(load_profile(profile), out, data_root=data_root)}")


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="celeba or afhq.")],
    data_root: DataRoot = None,
) -> None:
    """Says what of a data set is there and what is wrong with it; exit code 1 if a loader would stop at it."""
    from bridgebench.harness.data.check import check

    raise typer.Exit(0 if check(name, data_root) else 1)


@app.command("prepare")
def prepare(
    profile: Annotated[str, typer.Argument(help="A shipped profile's name, or your own .toml file.")],
    data_root: DataRoot = None,
    skip_damaged: SkipDamaged = False,
) -> None:
    """Draws or decodes a profile's images into the cache, so that all later runs read them at memory speed."""
    from bridgebench.harness.data.prepare import prepare

    prepare(open_profile(profile, skip_damaged), data_root)
