"""The command line `bridgebench`: puts the commands together, and turns errors into sentences and exit codes.

Every command is in the file of its name beside this one. It imports what it needs when it runs, so that `--help` and
`methods` answer at once and without torch.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import Any, cast

import typer

from bridgebench.harness.commands import data, weights
from bridgebench.harness.commands.benchmark import benchmark
from bridgebench.harness.commands.check import check
from bridgebench.harness.commands.demo import demo
from bridgebench.harness.commands.edit import edit
from bridgebench.harness.commands.methods import list_methods
from bridgebench.harness.commands.report import report
from bridgebench.harness.commands.train import train
from bridgebench.harness.commands.verify import verify
from bridgebench.harness.processes.stopping import HOW_TO_GO_ON, Stopped
from bridgebench.methods.core.errors import UserError

app = typer.Typer(
    name="bridgebench",
    help="A benchmark of multi-attribute face editing.",
    add_completion=False,
    rich_markup_mode=None,
)
app.command("methods")(list_methods)
for command in (train, benchmark, verify, report, edit, demo, check):
    app.command()(command)
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")

_INTERRUPTED = 130
# What a disk or its owner says, and no code of ours can help.
_NOT_OURS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE)

# Click's own base of all wrong usage; typer carries click under different module paths from version to version.
_UsageError = cast(type[Exception], typer.BadParameter.__base__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    0; 1: something failed; 2: a user's mistake, or a disk that cannot be written; 130 and 143: stopped by Ctrl-C or
    SIGTERM.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    command = typer.main.get_command(app)
    try:
        # Click returns the code of a typer.Exit, and nothing for a command that ran through.
        status = command.main(arguments, prog_name="bridgebench", standalone_mode=False) or 0
    except UserError as error:
        return _complain(str(error))
    except _UsageError as error:
        usage = cast(Any, error)
        command_path = usage.ctx.command_path if usage.ctx else "bridgebench"
        return _complain(f"{usage.format_message()} `{command_path} --help` says more.")
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
    shown = "".join(each if each.isprintable() else "?" for each in " ".join(sentence.split()))
    print(f"bridgebench: {shown}", file=sys.stderr)  # a foreign file's names cannot command the terminal
    return 2
