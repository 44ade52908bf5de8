"""Builds the page of a run: one static folder, made from the run directory alone, opened from disk."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment

from methods.errors import UserError
from methods.files import write_bytes
from reports import provenance
from reports.figures import Figures
from reports.records import Run
from reports.sections import sections
from reports.tables import SHADES
from templates import environment

COPIED = ("summary.csv", "run.json", "baselines.json")


def build(run_dir: Path, out: Path | None = None) -> Path:
    """Writes the page of a run directory; the same records give the same bytes.

    Args:
        run_dir: a run directory, as `bridgebench benchmark` writes it; finished or not.
        out: where to write; default: the folder ``report`` in the run directory.

    Returns:
        The path of index.html.

    Raises:
        UserError: the run directory is missing or damaged, or `out` cannot be written.
    """
    out = run_dir / "report" if out is None else out
    run, env = Run(run_dir), environment()
    figures = Figures(run)
    grids = figures.grid_sets()
    downloads = {name: (run_dir / name).read_bytes() for name in COPIED if (run_dir / name).is_file()}
    page = env.get_template("report.html.j2").render(
        record=run.record,
        headline=headline(run),
        progress=progress(run),
        grids=grids,
        sections=sections(run),
        shades=SHADES,
        facts=provenance.facts(run),
        protocol=provenance.protocol(run),
        packages=provenance.packages(run),
        weights=provenance.weights(run),
        commands=provenance.commands(run),
        downloads=list(downloads),
    )
    files = {**figures.files, **downloads, "style.css": _source(env, "report.css"), "index.html": page.encode()}
    try:
        for name, data in files.items():
            write_bytes(out / name, data)
    except OSError as error:
        raise UserError(f"The page cannot be written to {out} ({error.strerror}); name another --out.") from error
    return out / "index.html"


def headline(run: Run) -> dict[str, str]:
    """What was run, in the words of the page's top."""
    record = run.record
    titles = [record.methods[name].title for name in run.methods if record.methods[name].kind == "method"]
    listed = " and ".join([", ".join(titles[:-1]), titles[-1]]) if len(titles) > 1 else "".join(titles)
    if len(titles) > 3:
        listed = f"{len(titles)} methods"
    sizes = sorted({cell.n for cell in run.cells.values()})
    return {
        "methods": listed or "Controls",
        "data": f"{record.data.name}, {record.data.image_size} px",
        "n": f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}",
        "features": record.features.title,
        "hash": record.protocol_hash,
        "date": record.created[:10],
    }


def progress(run: Run) -> str:
    """A sentence on what is missing; empty when the run is complete."""
    record = run.record
    planned = sum(len(method.modes) for method in record.methods.values()) * len(record.attributes)
    done = sum(key[0] == record.protocol_hash for key in run.cells)
    return f"This run is not finished: {done} of {planned} cells are there." if done < planned else ""


def _source(env: Environment, name: str) -> bytes:
    """A file of the templates folder as it is."""
    assert env.loader is not None
    return env.loader.get_source(env, name)[0].encode()
