"""The command line: `bridgebench`.

Every command imports what it needs when it runs, so that `--help` and `methods` answer at once and without torch.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from bridgebench.harness.commands.benchmark import benchmark
from bridgebench.harness.commands.edit import edit
from bridgebench.harness.commands.options import DataRoot, SkipDamaged, open_profile
from bridgebench.harness.commands.train import train
from bridgebench.harness.processes.stopping import HOW_TO_GO_ON, Stopped
from bridgebench.harness.train.curves import FIRST
from bridgebench.methods.core.errors import UserError

app = typer.Typer(
    name="bridgebench",
    help="A benchmark of multi-attribute face editing.",
    add_completion=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Look at the data sets.")
weights_app = typer.Typer(help="Import official checkpoints, look into weights files.")
app.add_typer(data_app, name="data")
app.add_typer(weights_app, name="weights")

_INTERRUPTED = 130
# What a disk or its owner says, and no code of ours can help.
_NOT_OURS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE)

# Click's own base of all wrong usage; typer carries click under different module paths from version to version.
_UsageError = cast(type[Exception], typer.BadParameter.__base__)


@app.command("methods")
def list_methods() -> None:
    """Lists the installed methods: modes, parameters, weights at hand, source."""
    from bridgebench.harness.weights.show import HEAD, method_rows, text_table

    typer.echo(text_table(HEAD, method_rows()))


@data_app.command("preview")
def data_preview(
    profile: Annotated[str, typer.Argument(help="A shipped profile's name, or your own .toml file.")],
    out: Annotated[Path, typer.Option(help="The image file to write.")] = Path("preview.png"),
    data_root: DataRoot = None,
) -> None:
    """Draws a sheet of a profile's images with their labels."""
    from bridgebench.harness.data.preview import preview
    from bridgebench.harness.profiles.profile import load_profile

    typer.echo(f"Wrote {preview(load_profile(profile), out, data_root=data_root)}")


@data_app.command("check")
def data_check(
    name: Annotated[str, typer.Argument(help="celeba or afhq.")],
    data_root: DataRoot = None,
) -> None:
    """Says what of a data set is there and what is wrong with it; exit code 1 if a loader would stop at it."""
    from bridgebench.harness.data.check import check

    raise typer.Exit(0 if check(name, data_root) else 1)


@data_app.command("prepare")
def data_prepare(
    profile: Annotated[str, typer.Argument(help="A shipped profile's name, or your own .toml file.")],
    data_root: DataRoot = None,
    skip_damaged: SkipDamaged = False,
) -> None:
    """Draws or decodes a profile's images into the cache, so that all later runs read them at memory speed."""
    from bridgebench.harness.data.prepare import prepare

    prepare(open_profile(profile, skip_damaged), data_root)


app.command()(train)
app.command()(benchmark)


@app.command()
def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run directory.")],
    cells: Annotated[int, typer.Option(min=1, help="How many of its cells, drawn at random.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.")] = None,
    data_root: DataRoot = None,
) -> None:
    """Makes some cells of a run again and compares them with the stored ones; exit code 1 if any differs."""
    from bridgebench.harness.benchmark.verify import verify_run

    different = verify_run(run, cells=cells, seed=seed, workers=workers, data_root=data_root, say=typer.echo)
    typer.echo(f"{len(different)} differ." if different else "All of them are the stored ones, byte for byte.")
    raise typer.Exit(1 if different else 0)


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN_DIR...", help="Run directories (two with --diff).")],
    out: Annotated[Path | None, typer.Option(help="Folder (or one file) to write; in RUN_DIR by default.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="What differs between two runs, the protocol first.")] = False,
    single_file: Annotated[bool, typer.Option("--single-file", help="One HTML file that can be mailed.")] = False,
    figures: Annotated[bool, typer.Option("--figures", help="Every figure as PNG and as PDF, for papers.")] = False,
) -> None:
    """Builds the pages of run directories from their records alone; of several in one folder also the way to them."""
    if diff + single_file + figures > 1:
        raise UserError("`report` takes one of --diff, --single-file and --figures.")
    if diff and len(runs) != 2:
        raise UserError("`report --diff` takes two run directories.")
    if out is not None and len(runs) > 1 and not diff:
        raise UserError("`report` of several run directories writes into each of them; leave out --out.")
    if diff:
        from bridgebench.reports.read.compare import compare, write_page

        found = compare(*runs)
        typer.echo(found.text())
        typer.echo(f"Wrote {write_page(found, out or runs[0] / 'diff')}")
        return
    if figures:
        from bridgebench.reports.figures.files import write_figures

        for run in runs:
            typer.echo(f"Wrote {write_figures(run, out)}")
        return
    from bridgebench.reports.pages.gallery import build_gallery
    from bridgebench.reports.site import build

    for run in runs:
        typer.echo(f"Wrote {build(run, out, single=single_file)}")
    if len(runs) > 1 and not single_file and len({run.resolve().parent for run in runs}) == 1:
        typer.echo(f"Wrote {build_gallery(runs[0].resolve().parent)}")


app.command()(edit)


@weights_app.command("import")
def weights_import(
    method: Annotated[str, typer.Argument(help="The method that the checkpoint belongs to.")],
    checkpoints: Annotated[list[Path], typer.Argument(metavar="CHECKPOINT...", help="The official file or files.")],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    attributes: Annotated[str | None, typer.Option(help="The label columns a,b,... it was trained with.")] = None,
) -> None:
    """Turns an official checkpoint into a weights file."""
    from bridgebench.harness.weights.official import import_weights

    names = [name.strip() for name in attributes.split(",") if name.strip()] if attributes else None
    typer.echo(f"Wrote {import_weights(method, checkpoints, out, attributes=names)}")


@weights_app.command("show")
def weights_show(file: Annotated[Path, typer.Argument(help="A .safetensors weights file.")]) -> None:
    """Shows what a weights file says of itself."""
    from bridgebench.harness.weights.show import show_weights

    typer.echo(show_weights(file))


@weights_app.command("card")
def weights_card(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Weights files.")]) -> None:
    """Writes the training card of each weights file beside it, FILE.md."""
    from bridgebench.harness.weights.card_page import write_card

    for file in files:
        typer.echo(f"Wrote {write_card(file)}")


@weights_app.command("reproduce")
def weights_reproduce(
    file: Annotated[Path, typer.Argument(help="A weights file that `bridgebench train` wrote.")],
    iterations: Annotated[int, typer.Option(min=1, help="How many, of those in its card.")] = FIRST,
    profile: Annotated[str | None, typer.Option(help="The profile of its data, instead of the one it names.")] = None,
    data_root: DataRoot = None,
) -> None:
    """Trains a file's first iterations again; exit code 1 if a loss is not the card's within 1 %."""
    from bridgebench.harness.train.reproduce import reproduce

    same = reproduce(file, iterations=iterations, profile=profile, data_root=data_root, say=typer.echo)
    raise typer.Exit(0 if same else 1)


@app.command()
def check(
    method: Annotated[str, typer.Argument(help="The method to check, ours or a plug-in.")],
    weights: Annotated[Path | None, typer.Option(help="A weights file instead of the shipped one.")] = None,
) -> None:
    """Runs the contract that every method keeps."""
    from bridgebench.harness.weights.find import weights_at_hand
    from bridgebench.methods import card, load

    at_hand = weights_at_hand().get(card(method).name, [])
    editor = load(method, weights or next(iter(at_hand), None))
    from bridgebench.methods.contract import run_contract

    results = run_contract(editor)
    for result in results:
        mark = "pass" if result.passed else "FAIL" if result.required else "note"
        typer.echo(f"{mark}  {result.name}  {result.detail}".rstrip())
    raise typer.Exit(0 if all(result.passed or not result.required for result in results) else 1)


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
