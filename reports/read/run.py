"""Reads a run directory as a whole: its records, and that they fit together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.intact import damaged
from bridgebench.eval.records.measured import Baselines, CellRecord, CostRecord
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.record import MODES, Mode
from bridgebench.eval.records.summary import summary_csv
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import check_links
from bridgebench.methods.core.labels import Attributes, Domains, label_space


@dataclass(frozen=True)
class Words:
    """How a page speaks of flips, or of conversions."""

    one: str  # a cell's name with its article
    image: str  # what is in a picture
    headline: str  # what was run: so many cells (`count`) on `n` images, with the label columns `columns`
    lead: str  # what the edits of a cell do
    judged: str  # what a judge looks for in the edits of a `cell`
    judges: str  # and in those of every cell
    wanted: tuple[str, str]  # what an edit is asked to do where its target label is 0, and where it is 1
    kept: str  # the measures of what else an edit changed
    null: str  # which images stand for an edit that does nothing


_WORDS = {
    Attributes.kind: Words(
        one="an attribute",
        image="face",
        headline="{count} face attributes flipped one at a time on {n} test images",
        lead="Every method turns it on where the source lacks it, and off where it is there.",
        judged="of {cell}",
        judges="attribute",
        wanted=("remove", "add"),
        kept="Leakage, preservation, counterfactual",
        null="An edit that does nothing: what the sources themselves pay.",
    ),
    Domains.kind: Words(
        one="a conversion",
        image="animal",
        headline="{count} conversions between {columns}, {n} test images of each source",
        lead="Every method turns images of the first domain into the second.",
        judged="of the target domain",
        judges="target domain",
        wanted=("convert", "convert"),
        kept="Preservation, counterfactual",
        null="Real images of the source domain against real images of the target domain.",
    ),
}


_OURS = ("faces", "celeba", "animals", "afhq")


class Run:
    """A run directory, read and checked.

    Args:
        folder: the directory.
        for_others: whether the pages are meant for others: of a data set whose images may not be passed on they then
            show what networks made, and nothing else.

    Attributes:
        outputs_alone: whether the pages may show neither images of the data set nor what is made of them without a
            network.
        folder: the directory.
        directory: where its files lie.
        record: run.json.
        space: what its label columns are.
        words: how a page speaks of its cells.
        columns: the names of the cells of a method and mode, in a table's order: attributes, or conversions of domains.
        cells: finished cells by (protocol hash, method, mode, column).
        others: finished cells of other kinds, by (protocol hash, method, mode, name of the cell).
        costs: costs by (method, mode).
        baselines: distances between real images, if they are of the protocol of run.json.
        failed: (method, mode, column) of the cells that raised an error.
        details: (method, mode, column) of the cells whose single images are kept.
        damaged: files that are not what was written, each with what is wrong; nothing of them is shown.
        unsealed: how many cells are of older versions, whose records carry no hash.

    Raises:
        UserError: run.json is missing or damaged, a record names something that run.json does not, or there is no
            finished cell.
    """

    def __init__(self, folder: Path, *, for_others: bool = False) -> None:
        self.folder = folder
        check_links(folder)
        self.directory = directory = RunDirectory(folder)
        self.record = directory.read_run()
        self.outputs_alone = for_others and self.record.data.keeps_photos
        self.columns = self.record.columns or self.record.attributes
        # The protocol of the oldest records does not say what a cell is.
        oldest = Attributes.kind if self.columns == self.record.attributes else Domains.kind
        self.space = label_space(self.record.attributes, self.record.protocol.get("cells", oldest))
        self.words = _WORDS[self.space.kind]
        if self.record.data.name not in _OURS:  # of other data sets nobody knows what their images show
            headline = self.words.headline.replace("face attributes", "attributes")
            self.words = replace(self.words, image="image", headline=headline)
        self.damaged = damaged(directory, [directory.baselines_file, *directory.named_files(self.record)])
        self._doubt_what_damaged_records_list()
        self.baselines = Baselines()
        if self.has(directory.baselines_file):
            found = Baselines.read(directory.baselines_file)
            if found.protocol_hash in (None, self.record.protocol_hash):
                self.baselines = found
        self.cells: dict[tuple[str, str, Mode, str], CellRecord] = {}
        self.others: dict[tuple[str, str, Mode, str], CellRecord] = {}
        self.unsealed = 0
        for path in directory.cell_files():
            if path in self.damaged:
                continue
            cell, has_seal = CellRecord.read_with_seal(path)
            self.unsealed += not has_seal
            self._check_names(path, cell.method, cell.attribute)
            of_kind = self.others if cell.attribute in self.record.kinds else self.cells
            of_kind[cell.protocol_hash, cell.method, cell.mode, cell.attribute] = cell
        self.failed = directory.failed()
        self.details = {
            place
            for place in directory.with_details()
            if (self.record.protocol_hash, *place) in self.cells
            and self.has(directory.details_file(*place))
            and self.has(directory.details_picture(*place))
        }
        self.costs: dict[tuple[str, Mode], CostRecord] = {}
        for path in directory.cost_files():
            if path in self.damaged:
                continue
            cost = CostRecord.read(path)
            self._check_names(path, cost.method)
            self.costs[cost.method, cost.mode] = cost
        if not self.cells:
            raise UserError(f"{folder} has no finished cell yet; run `bridgebench benchmark --out {folder}` first.")
        self._outcomes: dict[tuple[str, Mode, str], Outcomes | None] = {}

    def cell(self, protocol_hash: str, method: str, mode: Mode, name: str) -> CellRecord | None:
        """The cell of that name, a column's or one of another kind; None where it is not finished."""
        place = protocol_hash, method, mode, name
        return self.cells.get(place) or self.others.get(place)

    def outcomes(self, method: str, mode: Mode, column: str) -> Outcomes | None:
        """What is kept of the single edits of a cell, without their features; None where the records lack it."""
        place = method, mode, column
        if place not in self._outcomes:
            cell = self.cell(self.record.protocol_hash, *place)
            found = None if cell is None else Outcomes.find(self.directory.outcomes_file(*place), cell.key)
            self._outcomes[place] = None if found is None else replace(found, features=found.features[:, :0])
        return self._outcomes[place]

    @cached_property
    def untested(self) -> str:
        """Why differences between methods are not tested, in a sentence; empty where they are."""
        own = self.record.protocol_hash
        places = [key[1:] for key, cell in self.cells.items() if key[0] == own and cell.reason is None]
        lacking = sum(self.outcomes(*place) is None for place in places)
        if not lacking:
            return ""
        which = "do not hold" if lacking == len(places) else f"lack, of {lacking} of {len(places)} cells,"
        return f"These records {which} the outcomes of single edits, so differences between methods are not tested."

    @property
    def done(self) -> int:
        """How many cells of the protocol of run.json are there, of all kinds."""
        return sum(key[0] == self.record.protocol_hash for key in (*self.cells, *self.others))

    @property
    def planned(self) -> int:
        """How many there are when the run is finished."""
        return self.record.planned

    @property
    def finished(self) -> bool:
        """Whether every planned cell is there."""
        return self.done >= self.planned

    def _doubt_what_damaged_records_list(self) -> None:
        """Leaves pictures out whose hashes were in a record that is damaged."""
        directory, methods = self.directory, self.record.methods
        records = {
            directory.cell_file(name, mode, column): directory.own_files(name, mode, column)
            for name in methods
            for mode in MODES
            for column in self.columns
        } | {
            directory.shared_file(mode, column): directory.shared_files(mode, column)
            for mode in MODES
            for column in self.columns
        }
        for record in records.keys() & self.damaged.keys():
            for path in records[record]:
                if path.is_file():
                    self.damaged.setdefault(path, "the record that holds its hash is damaged")

    def has(self, path: Path) -> bool:
        """Whether a file of the run is there and undamaged."""
        return path.is_file() and path not in self.damaged

    def summary(self) -> str:
        """summary.csv, made of the cells: the file of that name in the run directory carries no hash."""
        kinds = {name: method.kind for name, method in self.record.methods.items()}
        cells = [*self.cells.values(), *self.others.values()]
        place = self.directory.cell_file
        return summary_csv(kinds, sorted(cells, key=lambda cell: place(cell.method, cell.mode, cell.attribute)))

    @property
    def noun(self) -> str:
        """What a column is."""
        return self.space.noun

    def spoken(self, column: str) -> str:
        """A column as a reader says it: ``Gray Hair`` for ``Gray_Hair``, ``cat → dog`` for ``cat2dog``."""
        return self.space.spoken(column)

    def called(self, method: str) -> str:
        """A method's title with its recipe, if that is shorter than the official one."""
        record = self.record.methods[method]
        return f"{record.title} (short recipe)" if record.short_recipe else record.title

    @property
    def protocol_hashes(self) -> list[str]:
        """The protocol of run.json first, then any other that a stray cell was measured under."""
        others = {key[0] for key in self.cells} - {self.record.protocol_hash}
        return [self.record.protocol_hash, *sorted(others)]

    @property
    def methods(self) -> list[str]:
        """Method names in the order of the profile; the rest, and all where it has none, by name."""
        wanted = [name for name in self.record.profile.get("methods", []) if name in self.record.methods]
        return list(dict.fromkeys([*wanted, *sorted(self.record.methods)]))

    def _check_names(self, path: Path, method: str, attribute: str | None = None) -> None:
        if method not in self.record.methods:
            raise UserError(f"{path} belongs to a method '{method}' that run.json does not list; delete the file.")
        if attribute is not None and attribute not in (*self.columns, *self.record.kinds):
            raise UserError(f"{path} belongs to {self.words.one} '{attribute}' that run.json does not list; delete it.")
