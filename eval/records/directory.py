"""A run directory: the only state of a benchmark, and where each of its files lies.

Every file is written under a temporary name in its own folder, fsynced and renamed: a reader, or a run that is killed,
sees the whole file or none. A cell that is on disk with the right key is done; nothing else is remembered anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.record import MODES
from bridgebench.eval.records.run import RunRecord
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import TEMPORARY, quote

TRUTH = "truth"  # stands where a method's name stands, in the paths of pictures of true edits
_ERROR = ".error.txt"
_OF_DOMAINS = ("samples/source", "grids/source", "grids/reference")  # folders of strips, one a domain
_AND = "-and-"  # between the attributes in which pairs differ
Place = tuple[str, str, str]  # method, mode, and attribute or conversion


class RunDirectory:
    """The paths of a run directory; names of methods and attributes are percent-quoted in them.

    Args:
        root: the folder; it need not exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    @property
    def run_file(self) -> Path:
        """Provenance and protocol."""
        return self.root / "run.json"

    @property
    def baselines_file(self) -> Path:
        """Distances of real images to real images."""
        return self.root / "baselines.json"

    @property
    def summary_file(self) -> Path:
        """All cells in one table."""
        return self.root / "summary.csv"

    @property
    def manifest_file(self) -> Path:
        """The hash of each file that the run left."""
        return self.root / "manifest.json"

    @property
    def aside(self) -> Path:
        """The folders of records that were measured by other protocols."""
        return self.root / "aside"

    def cell_file(self, method: str, mode: str, attribute: str) -> Path:
        """One finished cell."""
        return self.root / "cells" / quote(method) / mode / f"{quote(attribute)}.json"

    def reals_file(self, mode: str, attribute: str) -> Path:
        """The matched real images of the cells of a mode and attribute."""
        return self.root / "reals" / mode / f"{quote(attribute)}.npz"

    def error_file(self, method: str, mode: str, attribute: str) -> Path:
        """What went wrong in a cell that failed; it lies beside the place of the cell."""
        return self.cell_file(method, mode, attribute).with_suffix(_ERROR)

    def cost_file(self, method: str, mode: str) -> Path:
        """Time, parameters and memory of a method in a mode."""
        return self.root / "cost" / quote(method) / f"{mode}.json"

    def source_sample(self, domain: str | None = None) -> Path:
        """The strip of the first test images, or of the first of a domain."""
        samples = self.root / "samples"
        return samples / "source.png" if domain is None else samples / "source" / f"{quote(domain)}.png"

    def reference_sample(self, attribute: str, method: str | None = None) -> Path:
        """The strip of their references; those of a single method are in runs of older versions only."""
        folder = self.root / "samples" / "reference"
        return (folder if method is None else folder / quote(method)) / f"{quote(attribute)}.png"

    def truth_sample(self, mode: str, attribute: str, method: str | None = None) -> Path:
        """The strip of their true edits, by these references; those of a single method likewise."""
        folder = self.root / "samples" / TRUTH / mode
        return (folder if method is None else folder / quote(method)) / f"{quote(attribute)}.png"

    def grid_file(self, method: str, mode: str, conversion: str) -> Path:
        """Edits in rows, one a reference or draw, and columns, one a source. `method` may be ``truth``."""
        return self.root / "grids" / quote(method) / mode / f"{quote(conversion)}.png"

    def grid_images(self, side: Literal["source", "reference"], domain: str) -> Path:
        """The strip of a grid's sources of a domain, or of its references."""
        return self.root / "grids" / side / f"{quote(domain)}.png"

    def sample_file(self, method: str, mode: str, attribute: str) -> Path:
        """The strip of a cell's first edits."""
        return self.root / "samples" / quote(method) / mode / f"{quote(attribute)}.png"

    def pairs_file(self, method: str, attributes: Sequence[str]) -> Path:
        """Pairs of images that differ in some attributes, each edited after the other. `method` may be ``truth``."""
        return self.root / "samples" / quote(method) / "pairs" / f"{quote(_AND.join(attributes))}.png"

    def interpolation_file(self, method: str, attribute: str) -> Path:
        """The way from a method's edits by label to its edits by reference."""
        return self.root / "samples" / quote(method) / "interpolation" / f"{quote(attribute)}.png"

    def details_file(self, method: str, mode: str, attribute: str) -> Path:
        """What the judge says of a cell's first, best, median and worst edits."""
        return self.root / "details" / quote(method) / mode / f"{quote(attribute)}.json"

    def details_picture(self, method: str, mode: str, attribute: str) -> Path:
        """The pictures of its best, median and worst edits."""
        return self.details_file(method, mode, attribute).with_suffix(".png")

    def outcomes_file(self, method: str, mode: str, attribute: str) -> Path:
        """What is kept of every single edit of a cell; runs of older versions have no such file."""
        return self.root / "outcomes" / quote(method) / mode / f"{quote(attribute)}.npz"

    def shared_file(self, mode: str, attribute: str) -> Path:
        """Which pictures the cells of a mode and attribute share."""
        return self.root / "samples" / "shared" / mode / f"{quote(attribute)}.json"

    def cached_arrays(self, name: str) -> Path:
        """The hashes of arrays that lie beside it."""
        return self.root / "cache" / f"{name}.json"

    def own_files(self, method: str, mode: str, attribute: str) -> list[Path]:
        """Where all files of one cell may lie, its record and its error aside."""
        place = method, mode, attribute
        files = [self.sample_file(*place), self.details_file(*place), self.details_picture(*place)]
        files += [self.outcomes_file(*place), self.grid_file(*place), self.truth_sample(mode, attribute, method)]
        if mode == "reference":
            files += [self.reference_sample(attribute, method), self.interpolation_file(method, attribute)]
            files += self._pairs_of(method, attribute)
        return files

    def shared_files(self, mode: str, attribute: str) -> list[Path]:
        """Where the pictures and the real images' features may lie that the cells of a mode and attribute share."""
        files = [self.source_sample(), self.truth_sample(mode, attribute), self.grid_file(TRUTH, mode, attribute)]
        files += [self.reals_file(mode, attribute)]
        files += sorted(path for folder in _OF_DOMAINS for path in self.root.glob(f"{folder}/*.png"))
        if mode == "reference":
            files += [self.reference_sample(attribute), *self._pairs_of(TRUTH, attribute)]
        return files

    def _pairs_of(self, method: str, attribute: str) -> list[Path]:
        """The pairs that are made with the cells of an attribute: it is the last of those in which they differ."""
        found = sorted(self.root.glob(f"samples/{quote(method)}/pairs/*.png"))
        return [path for path in found if unquote(path.stem).split(_AND)[-1] == attribute]

    def cell_files(self) -> list[Path]:
        """The files of all finished cells, sorted."""
        return sorted(self.root.glob("cells/*/*/*.json"))

    def outcomes_files(self) -> list[Path]:
        """The files of all single edits, sorted."""
        return sorted(self.root.glob("outcomes/*/*/*.npz"))

    def reals_files(self) -> list[Path]:
        """The files of all matched real images, sorted."""
        return sorted(self.root.glob("reals/*/*.npz"))

    def cost_files(self) -> list[Path]:
        """The files of all costs, sorted."""
        return sorted(self.root.glob("cost/*/*.json"))

    def failed(self) -> set[Place]:
        """The cells that raised an error."""
        return {_place(path, _ERROR) for path in self.root.glob(f"cells/*/*/*{_ERROR}")}

    def with_details(self) -> set[Place]:
        """The cells whose single edits are kept."""
        return {_place(path, ".json") for path in self.root.glob("details/*/*/*.json")}

    def read_run(self) -> RunRecord:
        """run.json.

        Raises:
            UserError: the folder is no run directory, or its run.json is damaged.
        """
        if not self.run_file.is_file():
            raise UserError(
                f"{self.root} is not a run directory (it has no run.json); `bridgebench benchmark` makes one."
            )
        return RunRecord.read(self.run_file)

    def cells(self) -> Iterator[CellRecord]:
        """All readable cells, sorted by their paths."""
        found = (CellRecord.find(path) for path in self.cell_files())
        return (cell for cell in found if cell is not None)

    def measured_files(self, record: RunRecord) -> Iterator[Path]:
        """The files that a run wrote, relative to the directory, run.json and what is no result (cache, pages) aside.

        Each is named after a method and an attribute of run.json, so that no file of anybody else is among them.
        """
        for path in self.named_files(record):
            if path.is_file():
                yield path.relative_to(self.root)

    def named_files(self, record: RunRecord) -> list[Path]:
        """Where these files lie, whether they are there or not."""
        columns, methods = [*(record.columns or record.attributes), *record.kinds], [*record.methods]
        wanted = [self.baselines_file, self.summary_file, self.manifest_file, self.source_sample()]
        for domain in record.attributes:
            wanted += [
                self.source_sample(domain),
                *(self.grid_images(side, domain) for side in ("source", "reference")),
            ]
        wanted += [self.reference_sample(column, method) for column in columns for method in (None, *methods)]
        for mode in MODES:
            wanted += [self.cost_file(method, mode) for method in methods]
            wanted += [self.reals_file(mode, column) for column in columns]
            for column in columns:
                wanted += [self.shared_file(mode, column)]
                wanted += [self.truth_sample(mode, column, method) for method in (None, *methods)]
                wanted += [self.grid_file(TRUTH, mode, column)]
                for place in ((method, mode, column) for method in methods):
                    wanted += [self.cell_file(*place), self.error_file(*place), self.outcomes_file(*place)]
                    wanted += [self.sample_file(*place)]
                    wanted += [self.details_file(*place), self.details_picture(*place), self.grid_file(*place)]
        wanted += [self.interpolation_file(method, column) for method in methods for column in columns]
        for method in (TRUTH, *methods):
            found = self.root.glob(f"samples/{quote(method)}/pairs/*.png")
            wanted += [path for path in found if set(unquote(path.stem).split(_AND)) <= set(record.attributes)]
        return wanted

    def clean(self) -> None:
        """Removes what a killed run left half written."""
        for path in self.root.rglob(f".*{TEMPORARY}"):
            path.unlink(missing_ok=True)


def _place(path: Path, ending: str) -> Place:
    """(method, mode, column) of a file ``<method>/<mode>/<column><ending>``."""
    return unquote(path.parts[-3]), path.parts[-2], unquote(path.name.removesuffix(ending))
