"""The paper's Tables 1 to 3, measured here, each beside a separate table of the paper's own numbers."""

from __future__ import annotations

from bridgebench.eval.measures.accuracy import ACCURACY, SECOND
from bridgebench.eval.measures.fd import FD_PAPER
from bridgebench.reports.paper.added import task_of
from bridgebench.reports.paper.published import TABLE1, TABLE2, TABLE3, published, tables_beside
from bridgebench.reports.paper.verdicts import differences, verdict_table
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.blocks import Section, TableBlock, folded
from bridgebench.reports.tables.by_column import by_column
from bridgebench.reports.tables.tables import Table

_BOTH = ("floor", "null")


def accuracy(modes: list[Results], suffix: str, title: str) -> Section:
    """Table 1; the paper has no such table for conversions."""
    lead = (
        "Does the edit show the {}? Two classifiers read it. The second one, which no method ever saw, leads: it "
        "catches edits that only fool the first."
    )
    blocks = []
    for results in modes:
        run, name, key = results.run, MODE_TITLES[results.mode].lower(), f"accuracy-{results.mode}{suffix}"
        start, beside_paper = ("Accuracy", "Second judge: accuracy"), TABLE1 in tables_beside(run)
        if beside_paper:
            start = ("Table 1, measured here: accuracy", "Table 1, second judge: accuracy")
        tables = [
            by_column([results], SECOND, f"{key}-second", f"{start[1]}, {name}"),
            by_column([results], ACCURACY, key, f"{start[0]}, {name}"),
        ]
        paper = []
        if results.own and beside_paper:
            heading = f"Table 1, as published: accuracy on CelebA, {name}"
            what = "the share of edits that the authors' classifier accepts, in %, on CelebA"
            task = task_of(results, TABLE1)
            only = "" if task is results else ", attributes only added"
            beside = verdict_table(
                [task], TABLE1, ACCURACY, f"{key}-verdict", f"Table 1, ours beside the paper's: accuracy, {name}{only}"
            )
            shown = published(TABLE1, [results.mode], f"{key}-paper", heading, _about(run, TABLE1, what, beside, task))
            paper = [shown, *filter(None, [beside])]
        others = [card for card in results.cards("accuracy") if card not in (ACCURACY, SECOND)]
        blocks.append(TableBlock(MODE_TITLES[results.mode], tables, paper, folded(results, key, others)))
    if modes:
        lead = lead.format(modes[0].run.words.judges)
    noun = modes[0].run.noun if modes else ""
    return Section(f"accuracy{suffix}", f"Accuracy by {noun}{title}", lead, blocks)


def distance(modes: list[Results], suffix: str, title: str) -> Section:
    """Table 2 for attributes, Table 3 for conversions."""
    lead = (
        "Do edited images look like real ones? A Fréchet distance has no honest interval at small N, so the smallest "
        "value is only called lowest, never bold; compare rows of equal N, and with what real images pay."
    )
    if modes and modes[0].run.space.exclusive:
        blocks = [_table3(modes, suffix)]
    else:
        blocks = [_table2(results, suffix) for results in modes]
    return Section(f"distance{suffix}", f"Distance to real images{title}", lead, blocks)


def _table2(results: Results, suffix: str) -> TableBlock:
    run, key, own = results.run, f"distance-{results.mode}{suffix}", results.own
    name = MODE_TITLES[results.mode].lower()
    target, whole = results.target, results.card(FD_PAPER)
    tables = [
        by_column(
            [results],
            target,
            f"{key}-target",
            f"Table 2, measured here: {target.title}, {name}",
            _BOTH,
        ),
        by_column([results], whole, f"{key}-all", f"Table 2, measured here: {whole.title}, {name}", ["floor"]),
    ]
    heading, paper = f"Table 2, as published: FID on CelebA, {name}", []
    if own:
        beside = verdict_table(
            [results], TABLE2, whole, f"{key}-verdict", f"Table 2, ours beside the paper's: {whole.title}, {name}"
        )
        about = _about(run, TABLE2, "FID with Inception features, on CelebA", beside)
        shown = published(TABLE2, [results.mode], f"{key}-paper", heading, about)
        paper = [shown, *filter(None, [beside])]
    others = [card for card in results.cards("distance") if card not in (target, whole)]
    return TableBlock(MODE_TITLES[results.mode], tables, paper, folded(results, key, others))


def _table3(modes: list[Results], suffix: str) -> TableBlock:
    """Methods in both modes, one block of rows each, against the target domain's real images."""
    run, key, own = modes[0].run, f"distance{suffix}", modes[0].own
    target = modes[0].target
    tables = [by_column(modes, target, f"{key}-target", f"Table 3, measured here: {target.title}", _BOTH)]
    paper = []
    if own:
        title = f"Table 3, ours beside the paper's: {target.title}"
        beside = verdict_table(modes, TABLE3, target, f"{key}-verdict", title)
        about = _about(run, TABLE3, "FID with Inception features, on AFHQ", beside)
        heading, every = "Table 3, as published: FID on AFHQ", [results.mode for results in modes]
        shown = published(TABLE3, every, f"{key}-paper", heading, about, run.spoken)
        paper = [shown, *filter(None, [beside])]
    closed = {
        card.title: by_column(modes, card, f"{key}-{card.key}", card.title)
        for card in modes[0].cards("distance")
        if card != target and any(results.has(card) for results in modes)
    }
    return TableBlock("", tables, paper, closed)


def _about(run: Run, file: str, what: str, beside: Table | None, task: Results | None = None) -> str:
    """Says what the paper's table holds, and whether the next table compares ours with it."""
    if beside is not None:
        return f"As printed in the paper: {what}. The next table holds ours against it, cell by cell."
    reasons = ", ".join(differences(run, file, task)) or "no system is in both"
    return f"As printed in the paper: {what}; not comparable with ours: {reasons}."
