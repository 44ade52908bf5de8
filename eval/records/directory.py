"""A run directory: the only state of a benchmark, and how its files are written.

Every file is written under a temporary name in its own folder, fsynced and renamed: a reader, or a run that is killed,
sees the whole file or none. A cell that is on disk with the right key is done; nothing else is remembered anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import TEMPORARY, parse_json, quote, read_bytes


def to_json(record: Any) -> bytes:
    """The one way in which records are written: sorted keys, indented by 1, a newline at the end, no NaN."""
    return (json.dumps(record, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> dict[str, Any] | None:
    """The record in a file, or None if there is no file or it is no JSON object (then it is made again)."""
    try:
        record = parse_json(read_bytes(path))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


class RunDirectory:
    """The paths of a run directory, and reading and writing what lies there.

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

    def cell_file(self, method: str, mode: str, attribute: str) -> Path:
        """One finished cell."""
        return self.root / "cells" / quote(method) / mode / f"{quote(attribute)}.json"

    def error_file(self, method: str, mode: str, attribute: str) -> Path:
        """What went wrong in a cell that failed; it lies beside the place of the cell."""
        return self.cell_file(method, mode, attribute).with_suffix(".error.txt")

    def cost_file(self, method: str, mode: str) -> Path:
        """Time, parameters and memory of a method in a mode."""
        return self.root / "cost" / quote(method) / f"{mode}.json"

    def source_sample(self, domain: str | None = None) -> Path:
        """The strip of the first test images, or of the first of a domain."""
        samples = self.root / "samples"
        return samples / "source.png" if domain is None else samples / "source" / f"{quote(domain)}.png"

    def reference_sample(self, attribute: str, method: str | None = None) -> Path:
        """The strip of their references: those of most methods, or those that one method has for itself."""
        folder = self.root / "samples" / "reference"
        return (folder if method is None else folder / quote(method)) / f"{quote(attribute)}.png"

    def truth_sample(self, mode: str, attribute: str, method: str | None = None) -> Path:
        """The strip of their true edits, by these references."""
        folder = self.root / "samples" / "truth" / mode
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

    def figure_file(self, method: str, figure: str, name: str) -> Path:
        """A board of edits for a figure of the pages: ``pairs`` or ``interpolation``. `method` may be ``truth``."""
        return self.root / "samples" / quote(method) / figure / f"{quote(name)}.png"

    def details_file(self, method: str, mode: str, attribute: str) -> Path:
        """What the judge says of a cell's first, best, median and worst edits."""
        return self.root / "details" / quote(method) / mode / f"{quote(attribute)}.json"

    def details_picture(self, method: str, mode: str, attribute: str) -> Path:
        """The pictures of its best, median and worst edits."""
        return self.details_file(method, mode, attribute).with_suffix(".png")

    def read_run(self) -> dict[str, Any]:
        """run.json.

        Raises:
            UserError: the folder is no run directory.
        """
        record = read_json(self.run_file)
        if record is None:
            raise UserError(f"{self.root} is not a run directory: it has no readable run.json.")
        return record

    def cells(self) -> Iterator[dict[str, Any]]:
        """All readable cells, sorted by their paths."""
        for path in sorted(self.root.glob("cells/*/*/*.json")):
            record = read_json(path)
            if record is not None:
                yield record

    def clean(self) -> None:
        """Removes what a killed run left half written."""
        for path in self.root.rglob(f".*{TEMPORARY}"):
            path.unlink(missing_ok=True)
