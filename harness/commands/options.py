"""Options that several commands share, and what is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridgebench.harness.profiles.profile import Profile

ProfileOption = Annotated[str, typer.Option("--profile", help="A shipped profile's name, or your own .toml file.")]
DataRoot = Annotated[Path | None, typer.Option(help="The folder in which CelebA or AFHQ lies.")]
SkipDamaged = Annotated[bool, typer.Option("--skip-damaged", help="Leave damaged photos out; the record says so.")]


def names_of(text: str | None) -> list[str] | None:
    """The names in ``a,b,...``; None where the option was not given."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def open_profile(name: str, skip_damaged: bool) -> Profile:
    """The profile called `name` (or the one in that file), with what the command line adds to it."""
    from bridgebench.harness.profiles.profile import load_profile

    found = load_profile(name)
    return found.without_damaged() if skip_damaged else found
