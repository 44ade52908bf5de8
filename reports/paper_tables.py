"""The paper's Tables 1 to 3, measured here, each with the paper's own numbers in a table of its own beside it."""

from __future__ import annotations

from reports import measures as m
from reports.blocks import Block, Section, folded
from reports.by_column import by_column
from reports.published import published
from reports.records import Run
from reports.results import MODE_TITLES, Results


def accuracy(modes: list[Results], suffix: str, title: str) -> Section:
    """Table 1; of conversions the paper has no such table."""
    lead = (
        "Does the edit show the {}? Two classifiers read it: the second one, which nobody saw before, catches "
        "edits that only fool the first."
    )
    blocks = []
    for results in modes:
        run, name, key = results.run, MODE_TITLES[results.mode].lower(), f"accuracy-{results.mode}{suffix}"
        start = ("Accuracy", "Second judge: accuracy")
        if not run.conversions:
            start = ("Table 1, measured here: accuracy", "Table 1, second judge: accuracy")
        tables = [
            by_column([results], m.ACCURACY, key, f"{start[0]}, {name}"),
            by_column([results], m.SECOND, f"{key}-second", f"{start[1]}, {name}"),
        ]
        paper = []
        if results.own and not run.conversions:
            heading = f"Table 1, as published: accuracy on CelebA, {name}"
            about = _not_comparable(
                run, "the share of edits that the authors' classifier accepts, in %, on CelebA", "this run's judges"
            )
            paper = [published("table1_accuracy_celeba", [results.mode], f"{key}-paper", heading, about)]
        blocks.append(Block(MODE_TITLES[results.mode], tables, paper, folded(results, key, [m.ADDED, m.REMOVED])))
    noun = modes[0].run.noun if modes else ""
    what = "target domain" if noun == "conversion" else noun
    return Section(f"accuracy{suffix}", f"Accuracy by {noun}{title}", lead.format(what), blocks)


def distance(modes: list[Results], suffix: str, title: str) -> Section:
    """Table 2 of attributes, Table 3 of conversions."""
    lead = (
        "Do edited images look like real ones? A Fréchet distance has no honest interval at small N, so the smallest "
        "value is only called lowest, never bold; compare rows of equal N, and with what real images pay."
    )
    if modes and modes[0].run.conversions:
        blocks = [_table3(modes, suffix)]
    else:
        blocks = [_table2(results, suffix) for results in modes]
    return Section(f"distance{suffix}", f"Distance to real images{title}", lead, blocks)


def _table2(results: Results, suffix: str) -> Block:
    run, key, own = results.run, f"distance-{results.mode}{suffix}", results.own
    name, features = MODE_TITLES[results.mode].lower(), run.record.features.title
    target, whole, kid = m.distances(features)
    tables = [
        by_column([results], target, f"{key}-target", f"Table 2, measured here: {target.title}, {name}", own),
        by_column([results], whole, f"{key}-all", f"Table 2, measured here: {whole.title}, {name}", own),
    ]
    heading, paper = f"Table 2, as published: FID on CelebA, {name}", []
    if own:
        about = _not_comparable(run, "FID with Inception features, on CelebA", features)
        paper = [published("table2_fid_celeba", [results.mode], f"{key}-paper", heading, about)]
    return Block(MODE_TITLES[results.mode], tables, paper, folded(results, key, [kid]))


def _table3(modes: list[Results], suffix: str) -> Block:
    """Methods in both modes, one block of rows each, against the target domain's real images."""
    run, key, own = modes[0].run, f"distance{suffix}", modes[0].own
    target, _, kid = m.distances(run.record.features.title, conversions=True)
    tables = [by_column(modes, target, f"{key}-target", f"Table 3, measured here: {target.title}", own)]
    paper = []
    if own:
        about = _not_comparable(run, "FID with Inception features, on AFHQ", run.record.features.title)
        shown = [results.mode for results in modes]
        heading = "Table 3, as published: FID on AFHQ"
        paper = [published("table3_fid_afhq", shown, f"{key}-paper", heading, about, run.spoken)]
    closed = {}
    if any(results.has(kid) for results in modes):
        closed = {kid.title: by_column(modes, kid, f"{key}-kid", kid.title)}
    return Block("", tables, paper, closed)


def _not_comparable(run: Run, what: str, ours: str) -> str:
    return (
        f"As printed in the paper: {what}. The numbers above are on {run.record.data.name} with {ours}: the two are "
        "not comparable where data, features or classifier differ."
    )
