"""The cells of one (mode, attribute): all methods meet the same images, references, true edits and real statistics."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eval.accuracy import hits
from eval.cell import CellInputs, measure_cell
from eval.flips import flip
from eval.judging import read
from eval.preservation import l1
from harness.details import Readings, Scores, keep
from harness.draws import draw_references
from harness.editing import TrueEdits, edit_images
from harness.pixels import STRIP, strip_png
from harness.plan import Cell
from harness.store import to_json
from harness.workbench import Setup, Workbench, workbench
from methods.files import write_bytes

if TYPE_CHECKING:
    from methods.base import Editor


@dataclass(frozen=True)
class Job:
    """The missing cells of one (mode, attribute): the unit that is sent to a worker."""

    setup: Setup
    protocol_hash: str
    mode: str
    attribute: str
    cells: tuple[Cell, ...]


def run_job(job: Job) -> list[str]:
    """Edits, measures and stores the cells of a job; returns the names of those that failed.

    A cell that fails is recorded beside the place of its result and stops no other.
    """
    bench = workbench(job.setup, job.protocol_hash)
    group = Group(bench, job.mode, job.attribute)
    group.write_samples()
    failed = []
    for cell in job.cells:
        error_file = bench.run.error_file(*cell.place)
        try:
            group.run(cell, job.protocol_hash)
        except Exception:  # a method may raise anything; the other cells shall be done
            write_bytes(error_file, traceback.format_exc().encode())
            failed.append("/".join(cell.place))
        else:
            error_file.unlink(missing_ok=True)
    return failed


class Group:
    """Images, targets, references and true edits of one (mode, attribute)."""

    def __init__(self, bench: Workbench, mode: str, attribute: str) -> None:
        self.bench = bench
        self.mode = mode
        self.attribute = attribute
        self.column = list(bench.attributes).index(attribute)
        self.indices = np.arange(bench.n)
        self.source_labels = bench.labels[: bench.n]
        self.targets = flip(self.source_labels, attribute, bench.attributes).astype(np.uint8)
        self.references = self._draw(self.indices) if mode == "reference" else None
        self.true_edits = TrueEdits(bench, attribute) if bench.test.has_truth else None

    @property
    def reason(self) -> str | None:
        """Why there is nothing to measure, or None."""
        if self.mode == "reference" and self.references is None:
            return f"some source has no reference: all {len(self.bench.labels)} test images agree on {self.attribute}"
        return None

    @cached_property
    def truth(self) -> NDArray[np.uint8] | None:
        """The true edits of all sources, where the data set has them."""
        if self.true_edits is None:
            return None
        return self.true_edits.of(self.indices, self.targets, self.references)

    def run(self, cell: Cell, protocol_hash: str) -> None:
        """Makes one cell and stores it; its sample strip first, so that a cell on disk is whole."""
        bench = self.bench
        reason = self.reason
        measures: dict[str, Any] = {}
        if reason is None:
            editor = bench.editor(cell.entry)
            if self.attribute in editor.editable:
                measures = self._measure(cell, editor, protocol_hash)
            else:
                reason = f"{cell.entry.card.title} with these weights edits {', '.join(editor.editable)} only"
        record = {
            "schema": 1,
            "key": cell.key,
            "protocol_hash": protocol_hash,
            "method": cell.entry.name,
            "mode": self.mode,
            "attribute": self.attribute,
            "n": bench.n,
            "measures": measures,
            "reason": reason,
        }
        write_bytes(bench.run.cell_file(*cell.place), to_json(record))

    def _measure(self, cell: Cell, editor: Editor, protocol_hash: str) -> dict[str, Any]:
        """Edits all sources, keeps the first edits as a strip and some as details, and measures all."""
        bench = self.bench
        if self.true_edits is not None and "truth" in cell.entry.card.needs:
            editor.attach(truth=self.true_edits)
        edited = edit_images(bench, editor, self.indices, self.targets, self.references)
        write_bytes(bench.run.sample_file(*cell.place), strip_png(edited))
        self._keep_details(cell, edited, protocol_hash)
        inputs = CellInputs(
            bench=bench.bench,
            attribute=self.column,
            source=bench.sources,
            edited=edited,
            source_labels=self.source_labels,
            target_labels=self.targets,
            source_reading=bench.source_reading,
            truth=self.truth,
            draws=self._draws(cell),
        )
        return measure_cell(inputs)

    def _keep_details(self, cell: Cell, edited: NDArray[np.uint8], protocol_hash: str) -> None:
        """Stores what the page of the cell shows: the readings of some edits, and the pictures of the telling ones."""
        bench, column, truth = self.bench, self.column, self.truth
        targets, sources = self.targets[:, column], bench.source_reading.probabilities[:, column]

        def readings(chosen: NDArray[np.int64]) -> Readings:
            after = read(bench.primary, edited[chosen])
            right = hits(after.present, self.targets[chosen], column)
            return Readings(targets[chosen], sources[chosen], after.probabilities[:, column], right)

        def pictures(chosen: NDArray[np.int64]) -> dict[str, NDArray[np.uint8]]:
            found = {"source": bench.sources[chosen], "edit": edited[chosen]}
            if truth is not None:
                found["truth"] = truth[chosen]
            if self.references is not None:
                found["reference"] = np.asarray(bench.test.images[self.references[chosen]])
            return found

        if truth is not None:
            scores = Scores("l1_true", l1(edited, truth), np.ones(len(edited), dtype=bool))
        else:
            right = hits(read(bench.primary, edited).present, self.targets, column)
            scores = Scores("l1_source", l1(edited, bench.sources), right)
        keep(bench.run, cell, protocol_hash, bench.test.ids, scores, readings, pictures, self.references)

    def write_samples(self) -> None:
        """The strips of references and true edits that stand beside the methods' own."""
        run = self.bench.run
        if self.reason is not None:
            return
        if self.references is not None:
            first = self.references[:STRIP]
            write_bytes(run.reference_sample(self.attribute), strip_png(np.asarray(self.bench.test.images[first])))
        if self.true_edits is not None:
            first = self.indices[:STRIP]
            references = None if self.references is None else self.references[:STRIP]
            strip = strip_png(self.true_edits.of(first, self.targets[:STRIP], references))
            write_bytes(run.truth_sample(self.mode, self.attribute), strip)

    def _draws(self, cell: Cell) -> NDArray[np.uint8] | None:
        """Several edits of the first images (M, k, H, W, 3), of a method that can give more than one."""
        card = cell.entry.card
        if self.mode == "label" and not card.stochastic:
            return None
        settings = self.bench.settings
        first = self.indices[: settings.diversity_images]
        editor = self.bench.editor(cell.entry)
        edits = [
            edit_images(
                self.bench,
                editor,
                first,
                self.targets[: len(first)],
                self._draw(first, draw) if self.mode == "reference" else None,
                draw,
            )
            for draw in range(settings.diversity_draws)
        ]
        return np.stack(edits, axis=1)

    def _draw(self, sources: Sequence[int] | NDArray[np.int64], draw: int = 0) -> NDArray[np.int64] | None:
        bench = self.bench
        return draw_references(
            bench.settings.seed, bench.test.ids, bench.labels, self.column, [int(i) for i in sources], draw
        )
