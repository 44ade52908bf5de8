"""What one data set tells about another: whether both put the same systems in the same order, measure by measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from bridgebench.eval.measures import SECTIONS
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.records.record import MODES, Mode
from bridgebench.reports.read.ranks import FEWEST, Pairs, agreement, beats, rank_text, ranks
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import (
    DASH,
    ColumnHead,
    Group,
    Row,
    Table,
    TableCell,
    count_cell,
    fitting,
    mean,
    pairs_cells,
    printed_number,
)
from bridgebench.reports.words.text import spelt

_LEAD = (
    "Which system is better than which, on either data set: the systems that both runs have, ranked by their means "
    "over the same {noun}s. Numbers of two data sets do not compare, orders may."
)
_RULE = (
    "Two systems tie where a paired test over the images, corrected for all pairs, does not tell them apart on one of "
    "the data sets. A Fréchet distance has no test: its orders may be chance. Kendall's τ: pairs in the same order "
    "less pairs in the opposite order, over all pairs; 1 is the same order, 0 no relation."
)
_RANKS = "Rank 1 is best; a range of ranks is a tie. In small print the means."


@dataclass(frozen=True)
class Transfer:
    """One measure in one mode of two runs.

    Attributes:
        card: the measure.
        columns: number of attributes (or conversions) in the means.
        means: by method, its means over the same columns in the first and in the second run.
        ranks: by method, first and last possible rank in either run.
        pairs: the pairs of systems, by whether their order is the same.
    """

    card: MeasureCard
    columns: int
    means: dict[str, tuple[Measured, Measured]]
    ranks: dict[str, tuple[tuple[int, int], tuple[int, int]]]
    pairs: Pairs


@dataclass(frozen=True)
class TransferSection:
    """Two runs: a title, the lead, sentences made from the numbers, and tables; those of the ranks are to be folded."""

    title: str
    lead: str
    text: list[str]
    table: Table
    folded: list[Table]


def transfer_sections(runs: Sequence[Run]) -> list[TransferSection]:
    """A section for every two runs of different data sets that share attributes and three systems or more.

    A run with true edits, of drawn images, comes first: the question is what it tells about photos.
    """
    drawn_first = sorted(runs, key=lambda run: "oracle" not in run.record.methods)
    made = (_section(first, second, number) for number, (first, second) in enumerate(combinations(drawn_first, 2)))
    return [section for section in made if section is not None]


def transfers(first: Run, second: Run, mode: Mode) -> list[Transfer]:
    """The measures of two runs in which at least three systems have a mean over the columns that both runs have."""
    columns = _shared_columns(first, second)
    results = [Results(run, run.record.protocol_hash, mode) for run in (first, second)]
    rivals = [name for name in results[0].rivals if name in results[1].rivals]
    theirs = {card.key: card for card in results[1].cards(*SECTIONS)}
    found = []
    for card in results[0].cards(*SECTIONS):
        if card.better is None or card.key not in theirs or not columns:
            continue
        values = [_values(one, card, columns, rivals) for one in results]
        names, used = _compared(rivals, values)
        if len(names) < FEWEST:
            continue
        of = [column for column, use in zip(columns, used, strict=True) if use]
        rows = [{name: mean(its[name], used, first.noun) for name in names} for its in values]
        orders = [
            beats(card, names, [*row.values()], one.compared(card, of)) for one, row in zip(results, rows, strict=True)
        ]
        places = [ranks(len(names), order) for order in orders]
        found.append(
            Transfer(
                card,
                len(of),
                {name: (rows[0][name], rows[1][name]) for name in names},
                dict(zip(names, zip(*places, strict=True), strict=True)),
                agreement(len(names), *orders),
            )
        )
    return found


def _shared_columns(first: Run, second: Run) -> list[str]:
    """The attributes (or conversions) that two runs of different data sets have; none of two runs of one data set."""
    apart = first.record.data.name != second.record.data.name
    return [column for column in first.columns if column in second.columns] if apart else []


def _values(
    results: Results, card: MeasureCard, columns: Sequence[str], rivals: Sequence[str]
) -> dict[str, list[Measured]]:
    return {name: [results.measure(name, column, card.key) for column in columns] for name in rivals}


def _compared(rivals: Sequence[str], values: Sequence[dict[str, list[Measured]]]) -> tuple[list[str], list[bool]]:
    """The systems that are compared, and which columns count: where all of these systems have values in both runs.

    A system that has values in fewer than half of the columns, such as one that edits a single attribute, is left out.
    """
    known = {
        name: [all(one.value is not None for one in both) for both in zip(*(of[name] for of in values), strict=True)]
        for name in rivals
    }
    names = [name for name in rivals if 2 * sum(known[name]) >= len(known[name])]
    used = [all(row) for row in zip(*(known[name] for name in names), strict=True)]
    return (names, used) if any(used) else ([], [])


def _section(first: Run, second: Run, number: int) -> TransferSection | None:
    found = {mode: those for mode in MODES if (those := transfers(first, second, mode))}
    if not found:
        return None
    names = [run.record.profile_name for run in (first, second)]
    facts = [f"{run.record.profile_name}: protocol {run.record.protocol_hash[:12]}" for run in (first, second)]
    heads = [
        ColumnHead("Systems", "means over"),
        ColumnHead("Same order", "pairs"),
        ColumnHead("Opposite", "pairs"),
        ColumnHead("Tied", "pairs"),
        ColumnHead("Kendall's τ", "1: the same"),
    ]
    groups = [Group(MODE_TITLES[mode], [_pairs_row(one, first.noun) for one in those]) for mode, those in found.items()]
    title = "Pairs of systems in the same order"
    table = Table(f"transfer-{number}", title, _RULE, facts, heads, groups, [], "plain", "Measure")
    return TransferSection(
        f"What {names[0]} tells about {names[1]}",
        _LEAD.format(noun=first.noun),
        [_words(names, mode, those) for mode, those in found.items()],
        table,
        [_ranks_table(first, names, facts, mode, those, number) for mode, those in found.items()],
    )


def _words(names: Sequence[str], mode: Mode, found: Sequence[Transfer]) -> str:
    """In how many measures the whole order is the same, and in how many it says nothing, or the opposite."""
    where = MODE_TITLES[mode].removeprefix("Edits ").capitalize()
    whole, none = sum(one.pairs.tau == 1 for one in found), sum(one.pairs.tau <= 0 for one in found)
    most = spelt(max(len(one.means) for one in found))
    return (
        f"{where}, {most} systems were measured on both. {names[0]} and {names[1]} order all pairs alike in {whole} of "
        f"{len(found)} measures. In {none} of {len(found)} measures, the order on {names[0]} says nothing about the "
        f"order on {names[1]}, or the opposite (τ of 0 or less)."
    )


def _pairs_row(one: Transfer, noun: str) -> Row:
    systems = count_cell(len(one.means), f"{one.columns} {noun}s")
    return Row(one.card.title, [systems, *pairs_cells(one.pairs)], about=one.card.about)


def _ranks_table(
    run: Run, names: Sequence[str], facts: list[str], mode: Mode, found: Sequence[Transfer], number: int
) -> Table:
    """Measures as rows; for each system its rank and mean on either data set."""
    systems = [name for name in run.methods if any(name in one.means for one in found)]
    heads = [ColumnHead(run.called(name), f"{names[0]} | {names[1]}") for name in systems]
    rows = [Row(one.card.title, [_rank_cell(one, name) for name in systems], about=one.card.about) for one in found]
    title = f"The ranks, {MODE_TITLES[mode].lower()}"
    return Table(f"transfer-{number}-{mode}", title, _RANKS, facts, heads, [Group("", rows)], [], "plain", "Measure")


def _rank_cell(one: Transfer, name: str) -> TableCell:
    if name not in one.means:
        return TableCell(DASH, hint="no mean in one of the runs")
    card = fitting(one.card, one.means[name])
    shown = (printed_number(card.text(measure.value or 0.0)) for measure in one.means[name])
    return TableCell(" | ".join(map(rank_text, one.ranks[name])), " | ".join(shown))
