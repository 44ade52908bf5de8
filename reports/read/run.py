"""Reads a run directory as a whole: its records, and that they fit together."""

from __future__ import annotations

from pathlib import Path

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import Baselines, CellRecord, CostRecord
from bridgebench.eval.records.record import Mode
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import check_links


class Run:
    """A run directory, read and checked.

    Attributes:
        folder: the directory.
        directory: where its files lie.
        record: run.json.
        columns: the names of the cells of a method and mode, in a table's order: attributes, or conversions of domains.
        cells: finished cells by (protocol hash, method, mode, column).
        costs: costs by (method, mode).
        baselines: distances between real images, if they are of the protocol of run.json.
        failed: (method, mode, column) of the cells that raised an error.
        details: (method, mode, column) of the cells whose single images are kept.

    Raises:
        UserError: run.json is missing, a record is damaged or names something that run.json does not, or there is
            no finished cell.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        check_links(folder)
        self.directory = directory = RunDirectory(folder)
        self.record = directory.read_run()
        self.columns = self.record.columns or self.record.attributes
        self.baselines = Baselines()
        if directory.baselines_file.is_file():
            found = Baselines.read(directory.baselines_file)
            if found.protocol_hash in (None, self.record.protocol_hash):
                self.baselines = found
        self.cells: dict[tuple[str, str, Mode, str], CellRecord] = {}
        for path in directory.cell_files():
            cell = CellRecord.read(path)
            self._check_names(path, cell.method, cell.attribute)
            self.cells[cell.protocol_hash, cell.method, cell.mode, cell.attribute] = cell
        self.failed = directory.failed()
        self.details = {
            place for place in directory.with_details() if (self.record.protocol_hash, *place) in self.cells
        }
        self.costs: dict[tuple[str, Mode], CostRecord] = {}
        for path in directory.cost_files():
            cost = CostRecord.read(path)
            self._check_names(path, cost.method)
            self.costs[cost.method, cost.mode] = cost
        if not self.cells:
            raise UserError(f"{folder} has no finished cell yet; run `bridgebench benchmark --out {folder}` first.")

    @property
    def conversions(self) -> bool:
        """Whether a cell is a conversion of one domain into another instead of the flip of an attribute."""
        return bool(self.record.columns) and self.record.columns != self.record.attributes

    @property
    def noun(self) -> str:
        """What a column is."""
        return "conversion" if self.conversions else "attribute"

    def spoken(self, column: str) -> str:
        """A column as a reader says it: ``Gray Hair`` for ``Gray_Hair``, ``cat → dog`` for ``cat2dog``."""
        source = self.source_domain(column)
        return f"{source} → {column[len(source) + 1 :]}" if source else column.replace("_", " ")

    def source_domain(self, column: str) -> str:
        """The domain that a conversion starts from; empty where the columns are attributes."""
        for source in self.record.attributes if self.conversions else ():
            if column.startswith(f"{source}2") and column[len(source) + 1 :] in self.record.attributes:
                return source
        return ""

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
        if attribute is not None and attribute not in self.columns:
            kind = "a conversion" if self.conversions else "an attribute"
            raise UserError(f"{path} belongs to {kind} '{attribute}' that run.json does not list; delete it.")
