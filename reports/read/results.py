"""From the records of one protocol to the tables of a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bridgebench.eval.measures import shown
from bridgebench.eval.measures.accuracy import SECOND
from bridgebench.eval.measures.card import MeasureCard, Place
from bridgebench.eval.measures.fd import FD_MATCHED, FD_TARGET
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.records.record import Mode
from bridgebench.reports.pages.layout import Layout
from bridgebench.reports.read.comparisons import Comparisons, paired_tests
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import (
    ColumnHead,
    Group,
    Mark,
    Notes,
    Row,
    Table,
    TableCell,
    count_text,
    fitting,
    marks,
    mean,
    missing,
    print_cell,
    span_of,
)

MODE_TITLES: dict[Mode, str] = {"label": "Edits by label", "reference": "Edits by reference"}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        card, head, values: what is measured, its head, the value of each row.
        compared: the tests of the methods' differences; None where the records do not allow any.
        spread: the range that shading covers.
        of: which attribute or conversion, if of one.
    """

    card: MeasureCard
    head: ColumnHead
    values: Mapping[str, Measured]
    compared: Comparisons | None = None
    spread: tuple[float, float] = (0.0, 1.0)
    of: str = ""


class Results:
    """The cells of one mode that were measured under one protocol.

    Attributes:
        rows: names of the methods and controls that have a row: the methods by the second judge, the best first and
            those without a mean last; then the controls in the run's order.
    """

    def __init__(self, run: Run, protocol_hash: str, mode: Mode) -> None:
        self.run, self.hash, self.mode = run, protocol_hash, mode
        self.layout = Layout(run)
        measured = {key[1] for key in run.cells if key[0] == protocol_hash and key[2] == mode}
        self.own = protocol_hash == run.record.protocol_hash
        self.rows = [
            name for name in run.methods if name in measured or (self.own and mode in run.record.methods[name].modes)
        ]
        self.rows = self._by_the_second_judge()

    def _by_the_second_judge(self) -> list[str]:
        values = {name: found.value for name, found in self.means(SECOND)[0].items()}

        def place(name: str) -> float:
            value = values[name]
            return 1.0 if value is None else -value

        return [*sorted(self.kind("method"), key=place), *self.kind("control")]

    def name_of(self, column: str) -> str:
        """The name of the cells that stand in a column."""
        return column

    def card(self, card: MeasureCard) -> MeasureCard:
        """A measure's card as this run shows it: with the name of its feature space, and an older version named."""
        found = card.in_space(self.run.record.features.title, self.run.space.exclusive)
        version = self.run.record.protocol.get("measures", {}).get(card.family.name, 0) if self.own else 0
        if not 0 < version < card.family.version:
            return found
        if not any(measure.unit for row in self.across(card).values() for measure in row):
            found = replace(found, against="")  # a ratio whose records are older than ratios over several columns
        older = f"These records have version {version} of its definition; today's is {card.family.version}."
        return replace(found, title=f"{found.title}, version {version}", about=f"{found.about} {older}")

    def cards(self, *places: Place) -> list[MeasureCard]:
        """The measures that at least one of these tables shows."""
        return [self.card(card) for card in shown(*places, among=self.run.record.cards)]

    @property
    def target(self) -> MeasureCard:
        """The leading distance: to matched real images; of conversions and old runs, to all images of the target."""
        matched = any(FD_MATCHED.key in self.run.cells[key].measures for key in self.run.cells if key[0] == self.hash)
        return self.card(FD_MATCHED if matched else FD_TARGET)

    def measure(self, method: str, column: str, key: str) -> Measured:
        """What was measured, or why nothing was."""
        cell = self.run.cell(self.hash, method, self.mode, self.name_of(column))
        if cell is None:
            if (method, self.mode, column) in self.run.failed:
                return missing("the method raised an error; the .error.txt beside its cells tells which")
            if self.run.directory.cell_file(method, self.mode, column) in self.run.damaged:
                return missing("its record is damaged: `bridgebench benchmark` makes it again")
            return missing("not run yet: `bridgebench benchmark` goes on where it stopped")
        return cell.measures.get(key) or missing(cell.reason or "not measured in this run")

    def across(self, card: MeasureCard) -> dict[str, list[Measured]]:
        """A measure of every row, one value a column."""
        return {name: [self.measure(name, column, card.key) for column in self.run.columns] for name in self.rows}

    def means(self, card: MeasureCard) -> tuple[dict[str, Measured], list[bool]]:
        """The mean over attributes of every row (of a ratio of sums, that of all), and which attributes it is over."""
        values = self.across(card)
        used = [any(row[i].value is not None for row in values.values()) for i in range(len(self.run.columns))]
        names = [*map(self.name_of, self.run.columns)]
        return {name: self.mean(card, name, names, row, used, self.run.noun) for name, row in values.items()}, used

    def mean(
        self,
        card: MeasureCard,
        method: str,
        names: Sequence[str],
        row: Sequence[Measured],
        used: Sequence[bool],
        noun: str,
    ) -> Measured:
        """The mean over the used cells of a row; of a ratio of sums that of all, with the interval by its outcomes.

        Args:
            card: the measure.
            method: whose cells they are.
            names, row, used: of each cell its name, the measure in it, and whether it counts.
            noun: what a cell is called.
        """
        found = mean(row, used, noun)
        if found.unit is None or not self.own:
            return found
        counted = [name for name, use in zip(names, used, strict=True) if use]
        bounds = paired_tests(self.run, self.mode).ratio(card, method, counted)
        return found if bounds is None else found.model_copy(update={"low": bounds[0], "high": bounds[1]})

    def compared(self, card: MeasureCard, columns: Sequence[str] | None = None) -> Comparisons | None:
        """The tests of the differences between means over columns, by default over all that `means` are over.

        None where there are none: the records lack the outcomes of single edits, or the measure is of no single edit.
        """
        if not self.own:
            return None
        if columns is None:
            columns = [column for column, use in zip(self.run.columns, self.means(card)[1], strict=True) if use]
        return paired_tests(self.run, self.mode).of_means(card, [*map(self.name_of, columns)])

    def compared_with(self, card: MeasureCard, full: str, variants: Sequence[str]) -> Comparisons | None:
        """The tests between a method and its variants, in means over columns."""
        columns = [column for column, use in zip(self.run.columns, self.means(card)[1], strict=True) if use]
        return paired_tests(self.run, self.mode).of_variants(card, columns, full, variants) if self.own else None

    def compared_in(self, card: MeasureCard) -> Mapping[str, Comparisons]:
        """The same in each column; empty where there are none."""
        if not self.own:
            return {}
        names = {self.name_of(column): column for column in self.run.columns}
        found = paired_tests(self.run, self.mode).of_columns(card, [*names])
        return {names[name]: compared for name, compared in found.items()}

    def by_measure(self, cards: list[MeasureCard], key: str, title: str, about: str, column: str = "") -> Table:
        """Methods as rows, measures as columns: of one attribute or conversion, or else the means over all of them.

        Measures without any value are left out.
        """
        columns: list[Column] = []
        every: list[Measured] = []
        for card in cards:
            if column:
                values, small = {name: self.measure(name, column, card.key) for name in self.rows}, ""
                compared = self.compared_in(card).get(column)
            else:
                values, used = self.means(card)
                small, compared = over(card, sum(used)), self.compared(card)
            if any(measure.value is not None for measure in values.values()):
                columns.append(self._measure_column(card, values, compared, small, column))
                every += values.values()
        notes = Notes()
        groups = self.groups(columns, notes)
        return Table(key, title, about, self.facts(every), [column.head for column in columns], groups, notes.texts)

    def of_method(self, method: str, cards: list[MeasureCard], key: str, title: str, about: str) -> Table:
        """One method: attributes (or conversions) as rows, their mean last, measures as columns."""
        heads: list[ColumnHead] = []
        rows: dict[str, list[TableCell]] = {column: [] for column in self.run.columns}
        average: list[TableCell] = []
        every: list[Measured] = []
        notes = Notes()
        for card in cards:
            values = self.across(card)[method]
            if all(measure.value is None for measure in values):
                continue
            card = fitting(card, values)
            every += values
            heads.append(ColumnHead(card.title, unit_and_direction(card)))
            for column, measure in zip(self.run.columns, values, strict=True):
                rows[column].append(print_cell(card, measure, notes, link=self._cell_link(method, column)))
            average.append(print_cell(card, self.means(card)[0][method], notes))
        body = [Row(self.run.spoken(name), cells, link=self.layout.column(name)) for name, cells in rows.items()]
        groups = [Group("", body), Group(f"Over all {self.run.noun}s", [Row("Mean", average)], apart=True)]
        corner = self.run.noun.capitalize()
        return Table(key, title, about, self.facts(every), heads, groups, notes.texts, "plain", corner)

    def has(self, card: MeasureCard) -> bool:
        """Whether any row has a value."""
        return any(measure.value is not None for row in self.across(card).values() for measure in row)

    def kind(self, kind: str) -> list[str]:
        """The rows that are methods, or those that are controls."""
        return [name for name in self.rows if self.run.record.methods[name].kind == kind]

    @property
    def rivals(self) -> list[str]:
        """The methods that are compared with each other: no controls, and no variants of others."""
        return [name for name in self.kind("method") if not self.run.record.methods[name].variant_of]

    def facts(self, every: list[Measured]) -> list[str]:
        """N and protocol, as they stand in a table's head."""
        return [count_text(every), f"protocol {self.hash[:12]}"]

    def groups(self, columns: list[Column], notes: Notes) -> list[Group]:
        """Methods first, marked and shaded; then the controls, neither."""
        methods, controls = self.kind("method"), self.kind("control")
        best = [
            marks(column.card, {name: column.values[name] for name in self.rivals}, column.compared)
            for column in columns
        ]

        def rows(names: list[str], shaded: bool, mark_of: Callable[[int, str], Mark | None]) -> list[Row]:
            return [
                Row(
                    self.run.called(name),
                    [
                        print_cell(
                            column.card,
                            column.values[name],
                            notes,
                            column.spread if shaded else None,
                            mark_of(i, name),
                            self._cell_link(name, column.of) if column.of else "",
                        )
                        for i, column in enumerate(columns)
                    ],
                    self.run.record.methods[name].summary,
                    self.layout.method(name),
                )
                for name in names
            ]

        groups = [Group("", rows(methods, True, lambda i, name: best[i].get(name)))]
        if controls:
            groups.append(Group("Controls", rows(controls, False, lambda i, name: None), apart=True))
        return groups

    def _measure_column(
        self, card: MeasureCard, values: Mapping[str, Measured], compared: Comparisons | None, small: str, of: str
    ) -> Column:
        """The column of one measure, with digits and shades that fit its values."""
        methods = [values[name] for name in self.kind("method")]
        fitted = fitting(card, values.values())
        head = ColumnHead(card.title, ", ".join(part for part in (unit_and_direction(fitted), small) if part))
        return Column(fitted, head, values, compared, span_of(card, methods), of)

    def _cell_link(self, method: str, column: str) -> str:
        there = self.own and self.layout.has_cell(method, self.mode, column)
        return self.layout.cell(method, self.mode, column) if there else ""


def over(card: MeasureCard, count: int) -> str:
    """What a number over several columns is, in small print: their mean, or the ratio of the sums over all of them."""
    return f"over all {count}" if card.against else f"mean of {count}"


def over_all(card: MeasureCard, count: int) -> ColumnHead:
    """The head of the last column of a table, which has these numbers."""
    return ColumnHead("Together", f"over all {count}") if card.against else ColumnHead("Mean", f"of {count}")


def unit_and_direction(card: MeasureCard) -> str:
    """Unit and direction in few letters, for the head of a column."""
    arrow = {"higher": "↑", "lower": "↓", None: ""}[card.better]
    return f"{card.unit} {arrow}".strip()
