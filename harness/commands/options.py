"""Options that several commands share, and what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridgebench.harness.profiles.profile import Profile

ProfileOption = Annotated[str, typer.Option("--profile", help="A shipped profile's name, or your own .toml file.")]
DataRoot = Annotated[Path | None, typer.Option(help="The folder in which CelebA or AFHQ lies.")]
SkipDamaged = Annotated[bool, typer.Option("--skip-damaged", help="Leave damaged photos out; the record says so.")]


def open_profile(name: str, skip_damaged: bool) -> Profile:
    """A profile, with what the command line adds to it."""
    from bridgebench.harness.profiles.profile import load_profile

    found = load_profile(name)
    return found.without_damaged() if skip_damaged else found
