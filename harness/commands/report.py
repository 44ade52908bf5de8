"""`bridgebench report`: the pages of run directories and of archives of records, from the records alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bridgebench.harness.commands.options import AsJson
from bridgebench.harness.commands.output import show, show_json
from bridgebench.harness.processes.messages import LOGGER
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import real_path

_FEW = 5  # so many damaged files are named
JSON_FIELDS = (
    "pages, each with run, page, finished (true or false), done, planned and failed (cells) and damaged (files); "
    "gallery, the page that leads to all of them, or null. With --figures: figures, the folders. With --diff: "
    "comparable, verdict, differences (by part of the record, each with key, first and second), means (each with mode, "
    "method, measure, first, second and apart) and page. With --leaderboard: page, runs (each with name, page and "
    "protocol) and refused (why, by name)."
)


def report(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Run directories, ...-records.zip archives or hf:// addresses of these (two with --diff; a folder of "
            "runs with --leaderboard).",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder (or one file) to write; by default in the run, beside the archive.")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="What differs between two runs, the protocol first.")] = False,
    single_file: Annotated[bool, typer.Option("--single-file", help="One HTML file that can be mailed.")] = False,
    figures: Annotated[bool, typer.Option("--figures", help="Every figure as PNG and as PDF, for papers.")] = False,
    leaderboard: Annotated[
        bool, typer.Option("--leaderboard", help="One page of all runs and archives in a folder, by protocol.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Builds the pages of runs.

    They are made from the records alone; of several runs in one folder, also the page that leads to them. A run need
    not be finished: its pages show the cells that are there, and say how many are missing.
    """
    if diff + single_file + figures + leaderboard > 1:
        raise UserError("`report` takes one of --diff, --single-file, --figures and --leaderboard.")
    if leaderboard and len(runs) != 1:
        raise UserError("`report --leaderboard` takes one folder, with run directories and archives in it.")
    if diff and len(runs) != 2:
        raise UserError("`report --diff` takes two run directories.")
    if out is not None and len(runs) > 1 and not diff:
        raise UserError("`report` of several run directories writes into each of them; leave out --out.")
    paths = _typed(runs, out)
    if diff:
        written = _diff(paths[0], paths[1], out, as_json)
    elif leaderboard:
        written = _leaderboard(paths[0], out, as_json)
    elif figures:
        written = {"figures": [_figures(path, out, as_json) for path in paths]}
    else:
        written = {"pages": [_page(path, out, single_file, as_json) for path in paths], "gallery": None}
        together = len({real_path(path).parent for path in paths}) == 1 and all(path.is_dir() for path in paths)
        if len(paths) > 1 and not single_file and together:
            from bridgebench.harness.commands.pages import gallery_of

            written["gallery"] = _wrote(gallery_of(real_path(paths[0]).parent), as_json)
    if as_json:
        show_json(written)
    if any(page["damaged"] for page in written.get("pages", ())) or written.get("refused"):
        raise typer.Exit(1)


def _typed(runs: list[str], out: Path | None) -> list[Path]:
    """The runs that a user has typed; an archive on a hub is fetched, and its pages need a place outside the cache."""
    from bridgebench.harness.profiles.hub_file import is_hub_address
    from bridgebench.harness.weights.hub import typed_archive

    address = next(filter(is_hub_address, runs), None)
    if address is not None and out is None:
        raise UserError(f"Say by --out where the pages of {address} go.")
    return [typed_archive(run) for run in runs]


def _page(path: Path, out: Path | None, single_file: bool, as_json: bool) -> dict[str, Any]:
    from bridgebench.eval.records.archive import opened

    with opened(path) as folder:
        if not path.is_dir():
            out = out or _beside(path, ".html" if single_file else "-report")
        return {"run": str(path), **_page_of(folder, out, single_file, as_json)}


def _beside(archive: Path, ending: str) -> Path:
    return archive.with_name(f"{archive.stem}{ending}")


def _page_of(folder: Path, out: Path | None, single_file: bool, as_json: bool) -> dict[str, Any]:
    from bridgebench.harness.benchmark.status import benchmark_status
    from bridgebench.reports.read.run import Run

    damaged = Run(folder).damaged
    _warn_of(damaged)
    if out is None and not single_file:
        from bridgebench.harness.commands.pages import pages_of

        page = pages_of(folder)
    else:
        from bridgebench.reports.site import build

        page = build(folder, out, single=single_file)
    run = benchmark_status(folder)
    finished = run.done >= run.planned
    if not finished:
        LOGGER.warning("%s is not finished: %d of %d cells are there.", folder, run.done, run.planned)
    counts = {"finished": finished, "done": run.done, "planned": run.planned, "failed": len(run.failed)}
    left_out = [path.relative_to(folder).as_posix() for path in damaged]
    return {"page": _wrote(page, as_json), **counts, "damaged": left_out}


def _warn_of(damaged: Mapping[Path, str]) -> None:
    """Says which files are not what was written, so that nothing of them is shown."""
    if damaged:
        named = [f"{path} ({why})" for path, why in damaged.items()]
        more = f" and {len(named) - _FEW} more" if len(named) > _FEW else ""
        LOGGER.warning(
            "Damaged files are left out, `bridgebench benchmark` makes them again: %s%s.", "; ".join(named[:_FEW]), more
        )


def _diff(first: Path, second: Path, out: Path | None, as_json: bool) -> dict[str, Any]:
    from bridgebench.eval.records.archive import opened
    from bridgebench.reports.read.compare import compare, write_page

    with opened(first) as one, opened(second) as two:
        found = compare(one, two, (str(first), str(second)))
    out = out or (first / "diff" if first.is_dir() else _beside(first, "-diff"))
    if not as_json:
        show(found.text())
    parts = {part: [vars(one) for one in differing] for part, differing in found.parts.items()}
    return {
        "comparable": found.comparable,
        "verdict": found.verdict,
        "differences": parts,
        "means": [vars(number) for number in found.numbers],
        "page": _wrote(write_page(found, out), as_json),
    }


def _figures(path: Path, out: Path | None, as_json: bool) -> str | None:
    from bridgebench.eval.records.archive import opened
    from bridgebench.reports.figures.files import write_figures

    with opened(path) as folder:
        return _wrote(write_figures(folder, out or (None if path.is_dir() else _beside(path, "-figures"))), as_json)


def _leaderboard(folder: Path, out: Path | None, as_json: bool) -> dict[str, Any]:
    from bridgebench.reports.leaderboard import build_leaderboard

    found = build_leaderboard(folder, out or folder / "leaderboard")
    for name, why in found.refused.items():
        LOGGER.warning("Not shown: %s: %s", name, why)
    runs = [{"name": one.name, "page": str(one.page), "protocol": one.protocol} for one in found.runs]
    return {"page": _wrote(found.page, as_json), "runs": runs, "refused": found.refused}


def _wrote(path: Path | None, as_json: bool) -> str | None:
    if not as_json:
        show(f"Wrote {path}")
    return None if path is None else str(path)
