"""Which tables stand on the page, in which order."""

from __future__ import annotations

from dataclasses import dataclass, field

from reports import measures as m
from reports.measures import MeasureCard
from reports.published import published
from reports.records import MODES, Run
from reports.results import FAITHFULNESS, MODE_TITLES, Results, overview_cards
from reports.tables import DASH, Group, Head, Row, Table, TableCell


@dataclass(frozen=True)
class Block:
    """The tables of one mode: those shown, those folded away, and the paper's own beside them."""

    title: str
    tables: list[Table]
    published: list[Table] = field(default_factory=list)
    folded: dict[str, Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    key: str
    title: str
    lead: str
    blocks: list[Block]


def sections(run: Run) -> list[Section]:
    """The result sections; rows of another protocol than the run's own get sections of their own."""
    found = []
    for number, protocol_hash in enumerate(run.protocol_hashes):
        modes = [results for mode in MODES if (results := Results(run, protocol_hash, mode)).rows]
        own = number == 0
        suffix = "" if own else f"-{number}"
        title = "" if own else f", protocol {protocol_hash[:12]}"
        found += [
            _overview(modes, suffix, title),
            _accuracy(modes, suffix, title, own),
            _distance(modes, suffix, title, own),
            _faithfulness(modes, suffix, title),
        ]
        if own and run.costs:
            found.append(_cost(run))
    return [section for section in found if section.blocks]


def _overview(modes: list[Results], suffix: str, title: str) -> Section:
    lead = (
        "The main measures, averaged over the attributes. The controls tell what a number is worth: one changes "
        "nothing, one copies the reference, one fools the first judge, and the oracle draws the true edit."
    )
    blocks = []
    for results in modes:
        cards = overview_cards(results.run.record.features.title)
        about = "The mean over the attributes of each measure; the tables below have every attribute."
        table = results.by_measure(cards, f"overview-{results.mode}{suffix}", MODE_TITLES[results.mode], about)
        blocks.append(Block("", [table]))
    return Section(f"overview{suffix}", f"At a glance{title}", lead, blocks)


def _accuracy(modes: list[Results], suffix: str, title: str, own: bool) -> Section:
    lead = (
        "Does the edit show the attribute? Two classifiers read it: the second one, which nobody saw before, catches "
        "edits that only fool the first."
    )
    blocks = []
    for results in modes:
        name, key = MODE_TITLES[results.mode], f"accuracy-{results.mode}{suffix}"
        tables = [
            results.by_attribute(m.ACCURACY, key, f"Table 1, measured here: accuracy, {name.lower()}"),
            results.by_attribute(m.SECOND, f"{key}-second", f"Table 1, second judge: accuracy, {name.lower()}"),
        ]
        paper = published(
            "table1_accuracy_celeba",
            results.mode,
            f"{key}-paper",
            f"Table 1, as published: accuracy on CelebA, {name.lower()}",
            _not_comparable(
                results.run, "the share of edits that the authors' classifier accepts, in %", "this run's judges"
            ),
        )
        folded = _folded(results, key, [m.ADDED, m.REMOVED])
        blocks.append(Block(name, tables, [paper] if own else [], folded))
    return Section(f"accuracy{suffix}", f"Accuracy by attribute{title}", lead, blocks)


def _distance(modes: list[Results], suffix: str, title: str, own: bool) -> Section:
    lead = (
        "Do edited images look like real ones? A Fréchet distance has no honest interval at small N, so the smallest "
        "value is only called lowest, never bold; compare rows of equal N, and with what real images pay."
    )
    blocks = []
    for results in modes:
        name, key = MODE_TITLES[results.mode], f"distance-{results.mode}{suffix}"
        target, whole, kid = m.distances(results.run.record.features.title)
        tables = [
            results.by_attribute(
                target, f"{key}-target", f"Table 2, measured here: {target.title}, {name.lower()}", own
            ),
            results.by_attribute(whole, f"{key}-all", f"Table 2, measured here: {whole.title}, {name.lower()}", own),
        ]
        paper = published(
            "table2_fid_celeba",
            results.mode,
            f"{key}-paper",
            f"Table 2, as published: FID on CelebA, {name.lower()}",
            _not_comparable(results.run, "FID with Inception features", results.run.record.features.title),
        )
        folded = _folded(results, key, [kid])
        blocks.append(Block(name, tables, [paper] if own else [], folded))
    return Section(f"distance{suffix}", f"Distance to real images{title}", lead, blocks)


def _faithfulness(modes: list[Results], suffix: str, title: str) -> Section:
    lead = (
        "Did the edit touch other attributes (leakage), how far is it from the source (preservation), and how far from "
        "the image that a perfect edit gives (counterfactual; only drawn data has that image)?"
    )
    blocks = []
    for results in modes:
        name, key = MODE_TITLES[results.mode], f"faithfulness-{results.mode}{suffix}"
        about = (
            "Means over the attributes. Distance to the source is good where it is that of the true edit, not where it "
            "is least."
        )
        table = results.by_measure(FAITHFULNESS, key, f"Leakage, preservation, counterfactual, {name.lower()}", about)
        if table.heads:
            blocks.append(Block(name, [table], folded=_folded(results, key, FAITHFULNESS)))
    return Section(f"faithfulness{suffix}", f"What else changed{title}", lead, blocks)


def _folded(results: Results, key: str, cards: list[MeasureCard]) -> dict[str, Table]:
    """The tables by attribute of those measures that have a value, by the measure's title."""
    name = MODE_TITLES[results.mode].lower()
    return {
        card.title: results.by_attribute(card, f"{key}-{card.key}", f"{card.title}, {name}")
        for card in cards
        if results.has(card)
    }


def _cost(run: Run) -> Section:
    """Time, size and memory; timings are no part of a cell, so they have no protocol but the machine's name."""
    modes = [mode for mode in MODES if any(key[1] == mode for key in run.costs)]
    heads = [Head(f"Time {MODE_TITLES[mode].lower().removeprefix('edits ')}", "ms an image") for mode in modes]
    heads += [Head("Parameters", "millions"), Head("Peak memory", "MiB"), Head("Batch")]
    by_kind: dict[str, list[Row]] = {"method": [], "control": []}
    for name in run.methods:
        own = [run.costs[name, mode] for mode in modes if (name, mode) in run.costs]
        if own:
            times = [run.costs.get((name, mode)) for mode in modes]
            memory = [cost.peak_memory_mib for cost in own if cost.peak_memory_mib is not None]
            cells = [
                TableCell(f"{cost.ms_per_image:.2f}" if cost else DASH, hint="" if cost else "no such mode")
                for cost in times
            ]
            cells += [
                TableCell(f"{own[0].parameters / 1e6:.2f}", hint=f"{own[0].parameters:,}"),
                TableCell(f"{max(memory):.0f}") if memory else TableCell(DASH, hint="not recorded"),
                TableCell(str(own[0].batch)),
            ]
            method = run.record.methods[name]
            by_kind[method.kind].append(Row(method.title, cells, method.summary))
    groups = [Group(title, by_kind[kind]) for kind, title in (("method", ""), ("control", "Controls")) if by_kind[kind]]
    machines = sorted({str(cost.hardware) for cost in run.costs.values() if cost.hardware})
    facts = [*machines, "one batch of images", f"protocol {run.record.protocol_hash[:12]}"]
    about = "Timed alone, after the cells, on the machine named here; a cost is measured again when its method changes."
    table = Table("cost-table", "Cost of an edit", about, facts, heads, groups, kind="plain")
    return Section("cost", "Cost", "What an edit takes on the recorded hardware.", [Block("", [table])])


def _not_comparable(run: Run, what: str, ours: str) -> str:
    return (
        f"As printed in the paper: {what}, on CelebA. The numbers above are on {run.record.data.name} with {ours}: the "
        "two are not comparable where data, features or classifier differ."
    )
