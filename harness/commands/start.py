"""`bridgebench init`: a profile for a folder of your own images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import names_of
from bridgebench.harness.commands.output import show


def init(
    profile: Annotated[Path, typer.Argument(metavar="PROFILE", help="The .toml file to write.")],
    data: Annotated[Path, typer.Option(help="The folder: with a metadata.csv, or with a folder a domain.")],
    attributes: Annotated[
        str | None, typer.Option(help="The columns, or domains, to take, a,b,...; else all that look like labels.")
    ] = None,
) -> None:
    """Looks at a folder of images, and writes a profile that runs.

    It says what is there: images of each split and attribute, damaged files, pictures that are there twice, sizes. No
    image is changed, and an existing profile is not replaced.
    """
    from bridgebench.harness.data.check import report_lines
    from bridgebench.harness.data.start import start_profile

    report, notes = start_profile(profile, data, names_of(attributes))
    show(report_lines(report))
    for note in notes:
        show(note)
    show(f"Wrote {profile}. Next: bridgebench train classifier judge features stargan bridgegan --profile {profile}")
