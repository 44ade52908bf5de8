"""`bridgebench demo`: a page to play with, in this machine's browser."""

from __future__ import annotations

from typing import Annotated

import typer

from bridgebench.harness.commands.options import ProfileOption
from bridgebench.harness.commands.output import show


def demo(
    profile: ProfileOption = "faces64",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of this machine.")] = 7860,
) -> None:
    """Shows the edits of all methods in a browser.

    It needs the extra [demo].
    """
    from bridgebench.harness.photo.demo import serve
    from bridgebench.harness.profiles.profile import load_profile

    show(f"Open http://127.0.0.1:{port} (Ctrl-C ends it).")
    serve(load_profile(profile), port)
