"""The command line `bridgebench`: puts the commands together, and turns errors into sentences and exit codes.

Every command is in the file of its name beside this one. It imports what it needs when it runs, so that `--help` and
`methods` answer at once and without torch.
"""

from __future__ import annotations

import errno
import logging
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer

from bridgebench.harness.commands import (
    contract,
    data,
    methods,
    profiles,
    records,
    report,
    status,
    tasks,
    verify,
    weights,
)
from bridgebench.harness.commands.benchmark import benchmark
from bridgebench.harness.commands.demo import demo
from bridgebench.harness.commands.edit import edit
from bridgebench.harness.commands.extras import how_to_get
from bridgebench.harness.commands.merge import JSON_FIELDS as MERGE_FIELDS
from bridgebench.harness.commands.merge import merge
from bridgebench.harness.commands.options import EXIT_CODES, command
from bridgebench.harness.commands.score import score
from bridgebench.harness.commands.start import init
from bridgebench.harness.commands.train import train
from bridgebench.harness.processes.messages import LOGGER
from bridgebench.harness.processes.stopping import HOW_TO_GO_ON, Stopped
from bridgebench.harness.processes.terminal import printable
from bridgebench.methods.core.errors import UserError

_ENVIRONMENT = (
    "Environment: BRIDGEBENCH_PROFILE, BRIDGEBENCH_DATA_ROOT and BRIDGEBENCH_WORKERS stand for --profile, --data-root "
    "and --workers where these are not given; BRIDGEBENCH_CACHE is the folder for drawn and decoded images (else "
    "$XDG_CACHE_HOME/bridgebench, or ~/.cache/bridgebench)."
)

app = typer.Typer(
    name="bridgebench",
    help="A benchmark of multi-attribute face editing.",
    epilog=f"{_ENVIRONMENT}\n\n{EXIT_CODES}",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
command(app, "methods", json_fields=methods.JSON_FIELDS)(methods.list_methods)
command(app, "profiles", json_fields=profiles.JSON_FIELDS)(profiles.profiles)
command(app)(init)
command(app)(benchmark)
command(app)(train)
command(app, "status", json_fields=status.JSON_FIELDS)(status.status)
command(app, "report", json_fields=report.JSON_FIELDS)(report.report)
command(app, "verify", json_fields=verify.JSON_FIELDS)(verify.verify)
command(app)(score)
command(app, "merge", json_fields=MERGE_FIELDS)(merge)
command(app)(edit)
command(app)(demo)
command(app, "contract", json_fields=contract.JSON_FIELDS)(contract.contract)
command(app, "check", hidden=True)(contract.check)
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")
app.add_typer(records.app, name="records")
app.add_typer(tasks.app, name="tasks")

_INTERRUPTED = 130
# What a disk or its owner says, and no code of ours can help; also that a file is gone which was there a moment before.
_NOT_OURS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.EFBIG),
    *(errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOENT, errno.ENOTDIR),
)

# Click's own base of all wrong usage; typer carries click under different module paths from version to version.
_UsageError = cast(type[Exception], typer.BadParameter.__base__)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"bridgebench {version('bridgebench')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass  # the callback of --version has answered


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code; `options.EXIT_CODES` says what each means."""
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    click_command = typer.main.get_command(app)
    try:
        # Click returns the code of a typer.Exit, and nothing for a command that ran through.
        status = click_command.main(arguments, prog_name="bridgebench", standalone_mode=False) or 0
    except UserError as error:
        if LOGGER.isEnabledFor(logging.DEBUG):
            traceback.print_exc()
        return _complain(str(error))
    except _UsageError as error:
        usage = cast(Any, error)
        command_path = usage.ctx.command_path if usage.ctx else "bridgebench"
        return _complain(f"{usage.format_message()} `{command_path} --help` says more.")
    except ModuleNotFoundError as error:
        advice = how_to_get(error.name or "")
        if advice is None:
            raise
        return _complain(advice)
    except OSError as error:
        if error.errno not in _NOT_OURS:
            raise
        return _complain(f"{error.filename or 'A file'} cannot be read or written ({error.strerror}).")
    except Stopped as stopped:
        _complain(str(stopped))
        return stopped.code
    except (KeyboardInterrupt, typer.Abort):
        status = _INTERRUPTED
    if status == _INTERRUPTED:  # some versions of typer turn Ctrl-C into this code themselves
        print(f"bridgebench: {HOW_TO_GO_ON}", file=sys.stderr)
    return status


def _complain(sentence: str) -> int:
    print(f"bridgebench: {printable(' '.join(sentence.split()))}", file=sys.stderr)
    return 2
