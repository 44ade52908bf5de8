"""The paper's values beside ours, cell by cell: difference and verdict by one stated rule, if they are comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bridgebench.eval.measures.accuracy import ACCURACY
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.measures.fd import FD_PAPER
from bridgebench.eval.records.measured import Measured
from bridgebench.reports.paper.added import other_task
from bridgebench.reports.paper.published import TABLE1, TABLE2, TABLE3, printed, tables_beside
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import (
    DASH,
    ColumnHead,
    Group,
    Notes,
    Row,
    Table,
    TableCell,
    Verdict,
    mean,
    missing,
    numbers_of,
)

FEWEST = 30  # images; with fewer an interval says little beside a number of the paper
LEAST, SHARE = 1.0, 0.1  # how far an FID may be from the paper's: points, or share of it
_NEARLY = 0.01  # how far the number of images may be from the paper's data set


@dataclass(frozen=True)
class Standard:
    """The data and settings on which the paper measured a table.

    Attributes:
        number: number of the table.
        name, title: the data set's name in our records, and its title in words.
        image_size: side of the images in pixels.
        features: feature spaces of the table's distances, by our names; empty: the table has no distances.
        n: edited images per cell of distances; `n_real`: real images, by the last word of the cell's name or "".
    """

    number: str
    name: str
    title: str
    image_size: int
    features: tuple[str, ...] = ()
    n: int = 0
    n_real: Mapping[str, int] | None = None


_CELEBA = 19_962  # the official test partition
STANDARDS = {
    TABLE1: Standard("1", "celeba", "CelebA", 128),
    TABLE2: Standard("2", "celeba", "CelebA", 128, ("inception",), _CELEBA, {"": _CELEBA}),
    # 500 test images of a domain, ten outputs each, against its training images (AFHQ's first version).
    TABLE3: Standard("3", "afhq", "AFHQ", 256, ("inception-imagenet",), 5000, {"cat": 5153, "dog": 4739, "wild": 4738}),
}


def measures_held(results: Results) -> dict[str, MeasureCard]:
    """The paper's tables that share columns with a run, each with our measure of the same quantity."""
    held = {TABLE1: ACCURACY, TABLE2: results.card(FD_PAPER), TABLE3: results.target}
    return {file: held[file] for file in tables_beside(results.run)}


def differences(run: Run, file: str, results: Results | None = None) -> list[str]:
    """The reasons why a run's numbers cannot be compared with a table of the paper; empty if they can.

    Args:
        run, file: the run and the paper's table.
        results: the cells, where it matters: flips by reference are another task than the paper's test of accuracy.
    """
    record, standard = run.record, STANDARDS[file]
    found = []
    if record.data.name != standard.name:
        found.append(f"other images ({record.data.name}, not {standard.title})")
    if record.data.image_size != standard.image_size:
        found.append(f"another size ({record.data.image_size} px, not {standard.image_size})")
    if results is not None and other_task(results, file):
        found.append("another task (flips in both directions, while the paper only adds attributes)")
    if standard.features and record.features.name not in standard.features:
        found.append(f"other features ({record.features.title}, not the FID of the paper)")
    return found


def verdict_table(found: Sequence[Results], file: str, card: MeasureCard, key: str, title: str) -> Table | None:
    """Ours minus the paper's for each system and column that both have; None if they are not comparable.

    Args:
        found: the results of the modes, one block of rows each.
        file: the paper's table.
        card: our measure that corresponds to the paper's.
        key, title: key and title of the new table.
    """
    run, paper = found[0].run, printed(file)
    columns = [column for column in run.columns if any(column in row for row in paper.values())]
    found = [results for results in found if not differences(run, file, results)]
    if not found or not columns:
        return None
    notes, groups = Notes(), []
    for results in found:
        rows = [
            Row(
                run.called(name),
                _cells(results, name, paper[name, results.mode], file, columns, card, notes),
                link=results.layout.method(name),
            )
            for name in results.kind("method")
            if (name, results.mode) in paper
        ]
        groups += [Group(MODE_TITLES[results.mode] if len(found) > 1 else "", rows)] if rows else []
    if not groups:
        return None
    heads = [*(ColumnHead(run.spoken(name), link=found[0].layout.column(name)) for name in columns), ColumnHead("Mean")]
    unit = f"ours minus the paper's, in {card.unit} points" if card.unit else "ours minus the paper's"
    table = Table(key, title, _rule(run, card, columns), [], heads, groups, notes.texts, "plain")
    table.facts = [unit, card.direction, f"of {count_words(table)}", f"protocol {found[0].hash[:12]}"]
    return table


def count_words(table: Table) -> str:
    """``"56 cells 40 agree, 10 are higher and 6 lower"``; the mean is not counted."""
    verdicts = [cell.verdict for group in table.groups for row in group.rows for cell in row.cells[:-1]]
    agree, higher, lower = (verdicts.count(word) for word in _WORDS)
    return f"{agree + higher + lower} cells {agree} agree, {higher} are higher and {lower} lower"


def verdict_cell(results: Results, method: str, file: str, card: MeasureCard, column: str) -> TableCell | None:
    """The cell of one system and column, as in the table; None if our value and the paper's are not comparable."""
    paper = printed(file).get((method, results.mode), {})
    if differences(results.run, file, results) or column not in paper or method not in results.rows:
        return None
    measure = _fit(results.measure(method, column, card.key), card, file, column)
    return _cell(
        card, measure, paper[column], 0.0 if card.distance else judge_error(results.run, column) or 0.0, Notes()
    )


_WORDS: tuple[Verdict, ...] = ("agrees", "higher", "lower")


def judge(value: float, paper: float, low: float, high: float) -> Verdict:
    """The verdict: the paper's value lies inside our bounds, or our value is higher or lower."""
    if low <= paper <= high:
        return "agrees"
    return "higher" if value > paper else "lower"


def judge_error(run: Run, column: str) -> float | None:
    """The share of real test images that the first judge misreads, in [0, 1]; None if its card does not say."""
    weights = run.record.judges.get("primary")
    part = weights.card if weights is not None else None
    for name in ("scores", "test", "accuracy"):
        part = part.get(name) if isinstance(part, dict) else None
    share = part.get(column) if isinstance(part, dict) else None
    return 1.0 - share if isinstance(share, int | float) and 0.0 <= share <= 1.0 else None


def _rule(run: Run, card: MeasureCard, columns: Sequence[str]) -> str:
    """Explains the words of the verdicts."""
    if card.distance:
        rule = (
            f"the two are at most {LEAST:g} point or {100 * SHARE:g} % of the paper's value apart, whichever is more; "
            "that is a convention, for a Fréchet distance has no interval"
        )
    else:
        rule = "the paper's value lies in our 95 % interval"
        errors = [error for column in columns if (error := judge_error(run, column)) is not None]
        if errors:
            rule += (
                " widened on either side by the share of real test images that our first judge misreads, "
                f"{min(errors):.1%} to {max(errors):.1%} (the error of the authors' judge is not known)"
            ).replace("%", " %")
        else:
            rule += " (the card of our judge states no error, which would widen it)"
    return f"Agrees: {rule}. Higher, lower: ours is outside that, above or below. A dash: one of the two is missing."


def _cells(
    results: Results,
    method: str,
    paper: Mapping[str, float],
    file: str,
    columns: Sequence[str],
    card: MeasureCard,
    notes: Notes,
) -> list[TableCell]:
    """The row of a system: one cell per column, then the mean of the columns that both have."""
    measures = [_fit(results.measure(method, column, card.key), card, file, column) for column in columns]
    errors = [0.0 if card.distance else judge_error(results.run, column) or 0.0 for column in columns]
    both = [measure.value is not None and column in paper for column, measure in zip(columns, measures, strict=True)]
    cells = [
        _cell(card, measure, paper.get(column), error, notes)
        for column, measure, error in zip(columns, measures, errors, strict=True)
    ]
    used = [column for column, use in zip(columns, both, strict=True) if use]
    if not used:
        return [*cells, _cell(card, missing("no value that both have"), None, 0.0, notes)]
    paper_mean = fmean(paper[column] for column in used)
    error = fmean(error for error, use in zip(errors, both, strict=True) if use)
    return [*cells, _cell(card, mean(measures, both, results.run.noun), paper_mean, error, notes)]


def _fit(measure: Measured, card: MeasureCard, file: str, column: str) -> Measured:
    """The measure, or the reason why it has too few images or other images than the paper."""
    standard = STANDARDS[file]
    if measure.value is None:
        return measure
    if card.distance:
        expected = (standard.n_real or {}).get("" if "" in (standard.n_real or {}) else column.rpartition("2")[2])
        counts = [(measure.n, standard.n), (measure.n_real, expected)]
        if any(here is None or there is None or abs(here - there) > _NEARLY * there for here, there in counts):
            (of, wanted), (against, reals) = ((f"{a or 0:,}", f"{b or 0:,}") for a, b in counts)
            return missing(f"not comparable: {of} edits against {against} real images, not {wanted} against {reals}")
    elif None in (measure.low, measure.high) or (measure.n is not None and measure.n < FEWEST):
        return missing(f"not comparable: no interval, or fewer than {FEWEST} images")
    return measure


def _cell(card: MeasureCard, measure: Measured, paper: float | None, error: float, notes: Notes) -> TableCell:
    if measure.value is None or paper is None:
        reason = measure.reason or "the paper has no value"
        return TableCell(DASH, hint=reason, note=notes.number(reason))
    numbers = numbers_of(card, measure)
    value = numbers["value"]
    if card.distance:
        low, high = value - max(LEAST, SHARE * paper), value + max(LEAST, SHARE * paper)
    else:
        low, high = (numbers[name] + sign * error * card.factor for name, sign in (("low", -1), ("high", 1)))
    verdict = judge(value, paper, low, high)
    ours, theirs, start, end = (f"{number:.{card.digits}f}" for number in (value, paper, low, high))
    hint = f"ours {ours}, the paper's {theirs}: {verdict}; from {start} to {end} it would agree"
    numbers |= {"paper": paper, "difference": value - paper}
    return TableCell(signed(value - paper, card.digits), verdict, hint, numbers=numbers, verdict=verdict)


def signed(value: float, digits: int) -> str:
    """``+1.2``, ``−0.4``, ``0.0``."""
    text = f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return text[1:] if not text[1:].strip("0.") else text
