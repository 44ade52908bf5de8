"""`bridgebench data`: look at a profile's images, check its photos, prepare its images, write drawn ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import (
    AsJson,
    DataRoot,
    ProfileArgument,
    SkipDamaged,
    command,
    names_of,
    open_profile,
    renamed,
)
from bridgebench.harness.commands.output import show, show_json

app = typer.Typer(help="Look at images, check photos, prepare them, write drawn ones.")

_CHECK_FIELDS = (
    "data, what was checked; counts, each with what, found and published (text); findings, each with title, items, "
    "advice and error (true: a loader stops at the items); errors, how many items that are."
)


@command(app, "preview")
def preview(
    profile: ProfileArgument,
    out: Annotated[Path, typer.Option(help="The image file to write.")] = Path("preview.png"),
    data_root: DataRoot = None,
) -> None:
    """Draws a sheet of a profile's images with their labels."""
    from bridgebench.harness.data.preview import preview
    from bridgebench.harness.profiles.profile import load_profile

    show(f"Wrote {preview(load_profile(profile), out, data_root=data_root)}")


@command(app, "check", json_fields=_CHECK_FIELDS)
def check(
    profile: ProfileArgument,
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Says what is there of a profile's photos, and what is wrong.

    Exit code 1: a loader would stop at it.
    """
    from bridgebench.harness.data.check import CHECKS, check, report_lines
    from bridgebench.harness.data.check_folder import check_folder
    from bridgebench.harness.profiles.profile import FOLDER

    if profile in CHECKS:
        renamed(f"data check {profile}", "data check PROFILE")
        found = check(profile, data_root)
    elif (opened := open_profile(profile, False)).data.name == FOLDER:
        found, _ = check_folder(opened, data_root)
    else:
        found = check(opened.data.name, data_root)
    if as_json:
        show_json(found.plain())
    else:
        show(report_lines(found))
    raise typer.Exit(1 if found.errors else 0)


@command(app, "prepare")
def prepare(
    profile: ProfileArgument,
    data_root: DataRoot = None,
    skip_damaged: SkipDamaged = False,
) -> None:
    """Draws or decodes a profile's images.

    They are kept in the cache, so that all later runs read them at memory speed. Killed, it goes on where it stopped.
    """
    from bridgebench.harness.data.prepare import prepare

    show(prepare(open_profile(profile, skip_damaged), data_root))


@command(app, "export")
def export(
    profile: ProfileArgument,
    out: Annotated[Path, typer.Option(help="The folder to write; it must not be there.")],
    count: Annotated[int, typer.Option(min=1, help="How many images.")] = 200,
    attributes: Annotated[
        str | None, typer.Option(help="The columns of the table, a,b,...: the profile's, Eyeglasses, Earrings.")
    ] = None,
) -> None:
    """Writes drawn images as PNG files, with a table of their labels.

    Faces get a metadata.csv, animals a folder a domain: something to try your own data with. They are images to train
    on.
    """
    from bridgebench.harness.data.export import export

    written = export(open_profile(profile, False), out, count, names_of(attributes))
    show(f"Wrote {count} images to {written}")
