"""The first page: what was run, the grids, and every table."""

from __future__ import annotations

from bridgebench.eval.records.record import MODES
from bridgebench.reports.figures.boards import BoardFigure
from bridgebench.reports.figures.charts import tradeoffs
from bridgebench.reports.figures.comparison import GridSet
from bridgebench.reports.figures.curves import line_charts
from bridgebench.reports.pages.html import Page
from bridgebench.reports.paper.order_section import order_section
from bridgebench.reports.read.results import Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.kinds import figure_12
from bridgebench.reports.tables.sections import sections
from bridgebench.reports.tables.tables import Table
from bridgebench.reports.tables.variants import variants_section
from bridgebench.reports.words.story import TITLE, story
from bridgebench.reports.words.text import listed, spelt


def front_page(run: Run, grids: list[GridSet], pairs: BoardFigure | None, downloads: list[str]) -> Page:
    """The page.

    Args:
        run: the run.
        grids: its comparison grids.
        pairs: the paper's Figure 12, two attributes at once; None where the run has no pictures of it.
        downloads: the records that lie beside the page.
    """
    found, order = sections(run), order_section(run)
    variants = variants_section(run)
    tables: list[Table] = [] if order is None else [*order.tables, *order.folded]
    tables += [] if variants is None else variants.tables
    modes = [Results(run, run.record.protocol_hash, mode) for mode in MODES]
    numbers = figure_12(modes)
    tables += [] if numbers is None else [numbers]
    for section in found:
        for block in section.blocks:
            tables += [*block.tables, *block.published, *block.folded.values()]
    context = {
        "headline": headline(run),
        "progress": progress(run),
        "merged": spelt(len(run.record.sources)) if run.record.sources else "",
        "grids": grids,
        "sections": found,
        "order": order,
        "variants": variants,
        "story": story(run),
        "story_title": TITLE,
        "charts": tradeoffs(run),
        "curves": line_charts(modes),
        "pairs": pairs,
        "pairs_numbers": numbers,
        "downloads": downloads,
    }
    return Page("index.html", "report.html.j2", context, tables)


def headline(run: Run) -> dict[str, str]:
    """What was run, in the words of the top of the page."""
    record = run.record
    methods = [method for method in map(record.methods.__getitem__, run.methods) if method.kind == "method"]
    titles = [method.title for method in methods if not method.variant_of] or [method.title for method in methods]
    named = listed(titles) if len(titles) < 4 else f"{spelt(len(titles)).capitalize()} methods"
    if len(titles) < len(methods):
        named = f"{named} in {spelt(len(methods))} trainings"
    sizes = sorted({cell.n for cell in run.cells.values()})
    n = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    data_set = f"a folder ({record.profile_name})" if record.data.name == "folder" else record.data.name
    data = f"{data_set}, {record.data.image_size} px"
    count, outputs = spelt(len(run.columns)).capitalize(), record.protocol.get("outputs")
    return {
        "methods": named or "Controls",
        "data": data,
        "what": run.words.headline.format(count=count, n=n, columns=listed(record.attributes)),
        "n": n,
        "counted": f"Sources a cell, {outputs} edits of each" if outputs else "Edited images a cell",
        "features": record.features.title,
        "hash": record.protocol_hash,
        "profile": record.profile_name,
        "date": record.created[:10],
    }


def progress(run: Run) -> str:
    """A sentence on what is missing; empty when the run is complete, and all of it is shown."""
    said = [] if run.finished else [f"This run is not finished: {run.done} of {run.planned} cells are there."]
    if run.outputs_alone:
        said.append("The images of this data set may not be passed on: only what networks made of them is shown.")
    elif run.record.data.keeps_photos:
        said.append(
            "These pages show images that may not be passed on: keep them to yourself. `bridgebench report "
            "--single-file` makes a page without them."
        )
    return " ".join(said)
