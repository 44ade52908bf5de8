"""Options that several commands share, what is made of them, and what every command has."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridgebench.harness.processes.messages import LOGGER, Loudness, start_messages

if TYPE_CHECKING:
    from bridgebench.harness.profiles.profile import Profile

EXIT_CODES = (
    "Exit codes: 0, all went well; 1, something failed, differs or is wrong; 2, a mistake in the call or in a file, or "
    "a disk that cannot be written; 130 and 143, stopped by Ctrl-C or SIGTERM (what was finished is kept)."
)


def profile_names(incomplete: str) -> list[str]:
    """For the shell: the shipped profiles that begin like this."""
    from bridgebench.harness.profiles.profile import shipped_profiles

    return [name for name in shipped_profiles() if name.startswith(incomplete)]


def _method_names(incomplete: str) -> list[str]:
    from bridgebench.methods import names

    return [name for name in names() if name.startswith(incomplete)]


def trainable_names(incomplete: str) -> list[str]:
    """For the shell: what `train` takes that begins like this."""
    from bridgebench.harness.weights.find import EYES, NETWORKS
    from bridgebench.methods import card, names

    found = ["all", *NETWORKS, EYES, *(name for name in names() if card(name).trainable)]
    return [name for name in found if name.startswith(incomplete)]


ProfileOption = Annotated[
    str,
    typer.Option(
        "--profile",
        envvar="BRIDGEBENCH_PROFILE",
        autocompletion=profile_names,
        help="A shipped profile's name, or your own .toml file.",
    ),
]
ProfileArgument = Annotated[
    str,
    typer.Argument(
        metavar="PROFILE", autocompletion=profile_names, help="A shipped profile's name, or your own .toml file."
    ),
]
_METHOD = typer.Argument(
    metavar="METHOD", autocompletion=_method_names, help="An installed method, ours or a plug-in.", show_default=False
)
MethodArgument = Annotated[str, _METHOD]
MethodOrNone = Annotated[str | None, _METHOD]
DataRoot = Annotated[
    Path | None,
    typer.Option(envvar="BRIDGEBENCH_DATA_ROOT", help="The folder of the photos, if the profile names none."),
]
SkipDamaged = Annotated[bool, typer.Option("--skip-damaged", help="Leave damaged photos out; the record says so.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, envvar="BRIDGEBENCH_WORKERS", help="Worker processes of this machine; by default one a core, at most 8."
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="A weights file, or its hf:// address, instead of the shipped one."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON; its fields are listed below.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No messages: only the result, warnings and errors.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Each step and its time, warnings of libraries, the trace of an error.")
]


def command(
    app: typer.Typer, name: str | None = None, *, json_fields: str = "", hidden: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function a command of `app`, with the options and the closing words that every command has.

    Args:
        app: what the command belongs to.
        name: how users call it; by default the function's name.
        json_fields: for a command with --json: what its fields are. `--help` ends with it.
        hidden: keep it out of `--help`: an old name.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def with_messages(*, quiet: bool, verbose: bool, **arguments: Any) -> Any:
            level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
            start_messages(Loudness(level, aside=arguments.get("as_json", False)))
            return function(**arguments)

        own = inspect.signature(function, eval_str=True)
        every = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
            for key, annotation in (("quiet", Quiet), ("verbose", Verbose))
        ]
        with_messages.__signature__ = own.replace(parameters=[*own.parameters.values(), *every])  # type: ignore[attr-defined]
        fields = f"JSON fields: {json_fields}\n\n" if json_fields else ""
        app.command(name, epilog=f"{fields}{EXIT_CODES}", hidden=hidden)(with_messages)
        return function

    return register


def renamed(old: str, new: str) -> None:
    """Tells a user of an old spelling the new one."""
    LOGGER.warning("`%s` is now `%s`; the old spelling works in this version, and no longer in the next.", old, new)


def names_of(text: str | None) -> list[str] | None:
    """The names in ``a,b,...``; None where the option was not given."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def open_profile(name: str, skip_damaged: bool) -> Profile:
    """The profile called `name` (or the one in that file), with what the command line adds to it."""
    from bridgebench.harness.profiles.profile import load_profile

    found = load_profile(name)
    return found.without_damaged() if skip_damaged else found
