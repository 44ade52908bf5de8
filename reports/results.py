"""From the records of one protocol to the tables of a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reports import measures as m
from reports.measures import MeasureCard
from reports.records import Measure, Mode, Run
from reports.tables import (
    Group,
    Head,
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
    """One column of a table: what is measured, its head, and the value of each row."""

    card: MeasureCard
    head: Head
    values: Mapping[str, Measure]
    spread: tuple[float, float] = field(default=(0.0, 1.0))


def spoken(attribute: str) -> str:
    """An attribute as a reader says it: ``Mouth_Slightly_Open`` -> ``Mouth Slightly Open``."""
    return attribute.replace("_", " ")


class Results:
    """The cells of one mode that were measured under one protocol.

    Attributes:
        rows: names of the methods and controls that have a row, in the run's order.
    """

    def __init__(self, run: Run, protocol_hash: str, mode: Mode) -> None:
        self.run, self.hash, self.mode = run, protocol_hash, mode
        measured = {key[1] for key in run.cells if key[0] == protocol_hash and key[2] == mode}
        own = protocol_hash == run.record.protocol_hash
        self.rows = [
            name for name in run.methods if name in measured or (own and mode in run.record.methods[name].modes)
        ]

    def measure(self, method: str, attribute: str, key: str) -> Measure:
        """What was measured, or why nothing was."""
        cell = self.run.cells.get((self.hash, method, self.mode, attribute))
        if cell is None:
            if (method, self.mode, attribute) in self.run.failed:
                return missing("the method raised an error; the .error.txt beside its cells tells which")
            return missing("not run yet: `bridgebench benchmark` goes on where it stopped")
        return cell.measures.get(key) or missing(cell.reason or "not measured in this run")

    def across(self, card: MeasureCard) -> dict[str, list[Measure]]:
        """A measure of every row, one value an attribute."""
        attributes = self.run.record.attributes
        return {name: [self.measure(name, attribute, card.key) for attribute in attributes] for name in self.rows}

    def means(self, card: MeasureCard) -> tuple[dict[str, Measure], int]:
        """The mean over attributes of every row, and over how many attributes it is."""
        values = self.across(card)
        used = [
            any(row[i].value is not None for row in values.values()) for i in range(len(self.run.record.attributes))
        ]
        return {name: mean(row, used) for name, row in values.items()}, sum(used)

    def by_attribute(self, card: MeasureCard, key: str, title: str, baselines: bool = False) -> Table:
        """Methods as rows, attributes as columns, their mean last."""
        values = self.across(card)
        every = [measure for row in values.values() for measure in row]
        card = fitting(card, every)
        spread = span_of(card, [measure for name in self._kind("method") for measure in values[name]])
        columns = [
            Column(card, Head(spoken(attribute)), {name: values[name][i] for name in self.rows}, spread)
            for i, attribute in enumerate(self.run.record.attributes)
        ]
        averages, count = self.means(card)
        columns.append(Column(card, Head("Mean", f"of {count}"), averages, spread))
        notes = Notes()
        groups = self._groups(columns, notes)
        if baselines:
            groups.append(self._baselines(card, notes))
        facts = [*self._facts(every), ", ".join(part for part in (card.unit, card.direction) if part)]
        heads = [column.head for column in columns]
        return Table(
            key, title, card.about, facts, heads, groups, notes.texts, "distance" if card.distance else "interval"
        )

    def by_measure(self, cards: list[MeasureCard], key: str, title: str, about: str) -> Table:
        """Methods as rows, measures as columns; every value the mean over attributes. Leaves out empty columns."""
        columns: list[Column] = []
        every: list[Measure] = []
        for card in cards:
            averages, count = self.means(card)
            methods = [averages[name] for name in self._kind("method")]
            if any(measure.value is not None for measure in averages.values()):
                arrow = {"higher": "↑", "lower": "↓", None: ""}[card.better]
                small = ", ".join(part for part in (f"{card.unit} {arrow}".strip(), f"mean of {count}") if part)
                card = fitting(card, averages.values())
                columns.append(Column(card, Head(card.title, small), averages, span_of(card, methods)))
                every += averages.values()
        notes = Notes()
        groups = self._groups(columns, notes)
        return Table(key, title, about, self._facts(every), [column.head for column in columns], groups, notes.texts)

    def has(self, card: MeasureCard) -> bool:
        """Whether any row has a value."""
        return any(measure.value is not None for row in self.across(card).values() for measure in row)

    def _kind(self, kind: str) -> list[str]:
        return [name for name in self.rows if self.run.record.methods[name].kind == kind]

    def _facts(self, every: list[Measure]) -> list[str]:
        return [count_text(every), f"protocol {self.hash[:12]}"]

    def _groups(self, columns: list[Column], notes: Notes) -> list[Group]:
        """Methods first, marked and shaded; then the controls, neither."""
        methods, controls = self._kind("method"), self._kind("control")
        best = [marks(column.card, {name: column.values[name] for name in methods}) for column in columns]

        def rows(names: list[str], shaded: bool, mark_of: Callable[[int, str], Mark | None]) -> list[Row]:
            return [
                Row(
                    self.run.record.methods[name].title,
                    [
                        print_cell(
                            column.card,
                            column.values[name],
                            notes,
                            column.spread if shaded else None,
                            mark_of(i, name),
                        )
                        for i, column in enumerate(columns)
                    ],
                    self.run.record.methods[name].summary,
                )
                for name in names
            ]

        groups = [Group("", rows(methods, True, lambda i, name: best[i].get(name)))]
        if controls:
            groups.append(Group("Controls", rows(controls, False, lambda i, name: None)))
        return groups

    def _baselines(self, card: MeasureCard, notes: Notes) -> Group:
        """What distances between real images come to: the floor, and what a null edit pays."""
        attributes, floor = self.run.record.attributes, self.run.baselines.floor
        rows = []
        if floor is not None:
            known = floor.value is not None
            text = f"{card.text(floor.value or 0.0)} whatever the attribute, at N = {floor.n or 0:,}" if known else ""
            cells = [TableCell(text, span=len(attributes)), print_cell(card, floor, notes)]
            rows.append(Row("Floor", cells, "Real half against real half: what equal distributions give at this N."))
        if self.run.baselines.null:
            null = [self.run.baselines.null.get(a) or missing("not measured in this run") for a in attributes]
            average = mean(null, [measure.value is not None for measure in null])
            cells = [print_cell(card, measure, notes) for measure in [*null, average]]
            rows.append(Row("Null edit", cells, "Real images with the attribute against real images without it."))
        return Group("Real against real", rows)


def overview_cards(features: str) -> list[MeasureCard]:
    """The measures of the first table: does it edit, is it realistic, does it keep the rest, is it right."""
    target = m.distances(features)[0]
    return [m.ACCURACY, m.SECOND, target, m.LEAKAGE, m.L1_SOURCE, m.PSNR_TRUE, m.SSIM_TRUE]


FAITHFULNESS = [
    m.LEAKAGE,
    m.L1_SOURCE,
    m.SSIM_SOURCE,
    m.PSNR_TRUE,
    m.SSIM_TRUE,
    m.L1_TRUE,
    m.L1_INSIDE,
    m.L1_OUTSIDE,
    m.DIVERSITY,
]
