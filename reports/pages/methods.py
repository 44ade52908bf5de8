"""A page for each method and control: what it is, how its weights were made, its rows and its edits."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from bridgebench.eval.measures import SUCCESS
from bridgebench.eval.measures.leakage import LEAKAGE
from bridgebench.eval.records.differences import flatten
from bridgebench.eval.records.record import MODES
from bridgebench.eval.records.run import LossCurves, MethodRecord
from bridgebench.reports.figures.charts import Curve, curve
from bridgebench.reports.figures.comparison import GridRow, GridSet
from bridgebench.reports.figures.conversions import ConversionGrids
from bridgebench.reports.pages.html import Page
from bridgebench.reports.pages.layout import Layout
from bridgebench.reports.pages.provenance import NOT_NAMED
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.leakage import LeakageMap, leakage_map
from bridgebench.reports.tables.tables import Table
from bridgebench.reports.words.text import Fact

_SPENT = {
    "iterations": "Iterations",
    "images_seen": "Images seen",
    "training_minutes": "Minutes of training",
    "processes": "Processes that trained together",
    "seed": "Seed",
    "date": "Date",
    "origin": "Made by",
}


@dataclass(frozen=True)
class FaceRow:
    """One face in a mode: the source, the method's row and, where there is one, the true edits."""

    face: int
    source: str
    rows: list[GridRow]


def method_pages(run: Run, layout: Layout, grids: list[GridSet], conversions: ConversionGrids) -> list[Page]:
    """The pages in the run's order."""
    return [_page(run, layout, grids, conversions, name) for name in run.methods]


def _page(run: Run, layout: Layout, grids: list[GridSet], conversions: ConversionGrids, name: str) -> Page:
    method, slug = run.record.methods[name], layout.method_slug(name)
    about = f"Each {run.noun} leads to its own page, where the methods stand side by side."
    maps: dict[str, LeakageMap] = {}
    leaking: list[str] = []
    blocks: list[tuple[str, tuple[GridSet, list[FaceRow]] | None, list[Table]]] = []
    for mode in MODES:
        results = Results(run, run.record.protocol_hash, mode)
        if name not in results.rows:
            continue
        parts = (
            ("edit", "Accuracy and distance", results.cards(*SUCCESS)),
            ("rest", "What else changed", results.cards("rest")),
        )
        pictures = [(found, rows) for found in grids if found.mode == mode and (rows := _rows(found, name))]
        where = f"{run.called(name)}, {MODE_TITLES[mode].lower()}"
        tables = [
            results.of_method(name, cards, f"method-{slug}-{mode}-{part}", f"{title}: {where}", about)
            for part, title, cards in parts
        ]
        leaked = leakage_map(results, name, f"method-{slug}-{mode}-leakage")
        if leaked is not None:
            maps[MODE_TITLES[mode]] = leaked
        if results.has(LEAKAGE):
            leaking.append(MODE_TITLES[mode])
        blocks.append((MODE_TITLES[mode], pictures[0] if pictures else None, [one for one in tables if one.heads]))
    context = {
        "method": method,
        "title": run.called(name),
        "facts": [*_facts(method), *_makers(run, name)],
        "training": _training(method),
        "recipe": _recipe(method),
        "notes": _notes(method),
        "blocks": blocks,
        "maps": maps,
        "leaking": leaking,
        "curves": _curves(method),
        "boards": {MODE_TITLES[mode]: conversions.of(mode, method=name) for mode in MODES},
    }
    shown = [table for _, _, tables in blocks for table in tables]
    return Page(layout.method(name), "method.html.j2", context, [*shown, *(found.table for found in maps.values())])


def _facts(method: MethodRecord) -> list[Fact]:
    modes = [MODE_TITLES[mode] for mode in MODES if mode in method.modes]
    facts = [Fact("Kind", method.kind), Fact("Source", method.paper), Fact("Modes", ", ".join(modes))]
    if method.parameters:
        facts.append(Fact("Parameters", f"{method.parameters:,}"))
    if method.weights is not None:
        facts += [Fact("Weights", method.weights.file), Fact("SHA-256 of the weights", method.weights.sha256)]
    if method.elsewhere is not None:
        edits = method.elsewhere
        facts += [
            Fact("Edits", f"made elsewhere: {edits.edits:,} of {edits.asked:,} that were asked for"),
            Fact("Identical to their source", f"{edits.identical:,} of the edits that were to change something"),
            Fact("SHA-256 of the edits", edits.sha256),
        ]
    return [fact for fact in facts if fact.value]


def _makers(run: Run, name: str) -> list[Fact]:
    """Who measured the method, in a merged run."""
    found = [source for source in run.record.sources if name in source.methods]
    makers = [f"{source.by or NOT_NAMED} (run {source.id}), {source.created[:10]}" for source in found]
    return [Fact("Measured by", "; ".join(makers))] if makers else []


def _training(method: MethodRecord) -> list[Fact]:
    """How long the weights were trained, on what and where, as their card says it."""
    card = (method.weights.card if method.weights else None) or {}
    facts = [Fact(title, _text(card[key])) for key, title in _SPENT.items() if card.get(key) is not None]
    for key, title in (("data", "Training data"), ("hardware", "Machine")):
        if card.get(key):
            facts.append(Fact(title, ", ".join(f"{name} {value}".strip() for name, value in flatten(card[key]))))
    return facts


def _curves(method: MethodRecord) -> list[Curve]:
    """The losses of the training, as the weights' card keeps them."""
    found = ((method.weights.card if method.weights else None) or {}).get("curves")
    try:
        curves = LossCurves.model_validate(found or {})
    except ValidationError:
        return []  # a card is what somebody wrote into a weights file: one that cannot be drawn is not
    drawn = [curve(name, curves.iterations, values) for name, values in curves.losses.items()]
    return [one for one in drawn if one is not None]


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _recipe(method: MethodRecord) -> list[Fact]:
    """The recipe's settings; a card without a recipe (an imported checkpoint) is shown as it is."""
    card = (method.weights.card if method.weights else None) or {}
    recipe = card.get("recipe")
    if not isinstance(recipe, dict):
        recipe = {key: value for key, value in card.items() if key not in _SPENT and key != "curves"}
    return [Fact(name, value) for name, value in flatten(recipe) if name and name != "notes"]


def _notes(method: MethodRecord) -> str:
    recipe = ((method.weights.card if method.weights else None) or {}).get("recipe")
    return str(recipe.get("notes", "")) if isinstance(recipe, dict) else ""


def _rows(grids: GridSet, name: str) -> list[FaceRow]:
    """The method's own row of every face, the true edits under it; a reference row over it."""
    found = []
    for grid in grids.grids:
        own = [row for row in grid.rows if row.method == name]
        if own:
            own_given = f"References of {own[0].title}"
            given = [row for row in grid.rows if row.group == "source" or row.title == own_given]
            shared = [row for row in grid.rows if row.group == "given" and row.title == "Reference"]
            if not any(row.title == own_given for row in given):
                given += shared
            truth = [row for row in grid.rows if row.group == "truth"]
            found.append(FaceRow(grid.face, grid.source, [*given, *own, *truth]))
    return found
