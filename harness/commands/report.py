"""`bridgebench report`: the pages of run directories, from their records alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.methods.core.errors import UserError


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
