"""The tables of the first page and their order."""

from __future__ import annotations

from bridgebench.eval.measures import SECTIONS
from bridgebench.eval.measures.accuracy import SECOND
from bridgebench.eval.measures.counterfactual import SKILL
from bridgebench.eval.records.record import MODES
from bridgebench.reports.paper.tables import accuracy, distance
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.blocks import Section, TableBlock, folded
from bridgebench.reports.tables.costs import cost_table
from bridgebench.reports.tables.kinds import kinds_sections
from bridgebench.reports.tables.leakage import against_correlations
from bridgebench.reports.tables.matrix import matrices
from bridgebench.reports.tables.subgroups import subgroups_section


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
            accuracy(modes, suffix, title),
            distance(modes, suffix, title),
            _faithfulness(modes, suffix, title),
        ]
        if own:
            found += [_differences(modes), *kinds_sections(modes), subgroups_section(modes)]
        if own and run.costs:
            lead = "What an edit takes on the recorded hardware."
            found.append(Section("cost", "Cost", lead, [TableBlock("", [cost_table(run)])]))
    return [section for section in found if section.blocks]


def _overview(modes: list[Results], suffix: str, title: str) -> Section:
    blocks, noun = [], ""
    for results in modes:
        noun = results.run.noun
        about = (
            f"The mean over the {noun}s of each measure; skill and harm are ratios of sums over all of them, so that "
            f"{results.run.words.one} that changes little weighs little. The tables below have every {noun}."
            if results.has(SKILL)
            else f"The mean over the {noun}s of each measure; the tables below have every {noun}."
        )
        key, name = f"overview-{results.mode}{suffix}", MODE_TITLES[results.mode]
        table = results.by_measure(results.cards("overview"), key, name, about)
        whole = results.by_measure(results.cards(*SECTIONS), f"{key}-all", f"Every measure, {name.lower()}", about)
        if table.heads:  # else the mode has no cell yet: all failed
            blocks.append(TableBlock("", [table], folded={f"Every measure in one table, {name.lower()}": whole}))
    drawn = any("oracle" in results.rows for results in modes)
    oracle = ", and the oracle draws the true edit" if drawn else ""
    lead = (
        f"The main measures, averaged over the {noun}s. The controls tell what a number is worth: one changes "
        f"nothing, one copies the reference, one fools the first judge{oracle}."
    )
    return Section(f"overview{suffix}", f"At a glance{title}", lead, blocks)


def _differences(modes: list[Results]) -> Section:
    """A matrix of paired differences for each measure of a single edit; all but the second judge's are folded."""
    lead = (
        "Who is really better than whom. The intervals of two methods may overlap although one is better on the same "
        "images, so nothing here is decided by overlap."
    )
    blocks = []
    for results in modes:
        found = matrices(results, results.cards("accuracy", "rest"), f"differences-{results.mode}")
        leading = [SECOND.title] if SECOND.title in found else [*found][:1]
        closed = {title: table for title, table in found.items() if title not in leading}
        if found:
            blocks.append(TableBlock(MODE_TITLES[results.mode], [found[one] for one in leading], folded=closed))
    return Section("differences", "Which differences are real", lead, blocks)


def _faithfulness(modes: list[Results], suffix: str, title: str) -> Section:
    lead = (
        "Did the edit touch other attributes (leakage), how far is it from the source (preservation), and how far from "
        "the image that a perfect edit gives (counterfactual; only drawn data has that image)?"
    )
    blocks = []
    for results in modes:
        name, key = MODE_TITLES[results.mode], f"faithfulness-{results.mode}{suffix}"
        about = (
            f"Means over the {results.run.noun}s. Distance to the source is good where it is that of the true edit, "
            "not where it is least."
        )
        cards = results.cards("rest")
        table = results.by_measure(cards, key, f"{results.run.words.kept}, {name.lower()}", about)
        if table.heads:
            held = against_correlations(results, f"correlations-{results.mode}{suffix}")
            shown = [one for one in (table, held) if one is not None]
            blocks.append(TableBlock(name, shown, folded=folded(results, key, cards)))
    return Section(f"faithfulness{suffix}", f"What else changed{title}", lead, blocks)
