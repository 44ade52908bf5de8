"""Jobs: a worker makes the missing cells of one mode and attribute (or conversion). A failed cell stops no other cell.

The methods of a job share the same test images, references, true edits and real images. Edits are measured batch by
batch and then dropped, so that memory does not grow with the number of edits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.cell import CellMeasures, Tally, Task
from bridgebench.eval.distances.reals import MatchedReals
from bridgebench.eval.judges.reading import BATCH, Reading
from bridgebench.eval.measures.accuracy import accuracy
from bridgebench.eval.measures.diversity import DIVERSITY
from bridgebench.eval.records.details import Kind, Readings, Scores, keep
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import CellRecord, SharedPictures
from bridgebench.eval.records.outcomes import MOST_FEATURES, Outcomes
from bridgebench.eval.records.pictures import STRIP, grid_png, strip_png
from bridgebench.eval.records.seal import file_hashes
from bridgebench.harness.benchmark.alone import alone
from bridgebench.harness.benchmark.case import Case
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.edits import KeptEdits, TrueEdits, case_edits
from bridgebench.harness.benchmark.elsewhere import NO_DRAWS, HandedInEditor, editor_of
from bridgebench.harness.benchmark.failures import report
from bridgebench.harness.benchmark.flips import redrawn
from bridgebench.harness.benchmark.matching import has_matched, matched_in_networks, matched_reals
from bridgebench.harness.benchmark.page_pictures import (
    write_grid,
    write_grid_images,
    write_mixes,
    write_pairs,
    write_true_pairs,
)
from bridgebench.harness.benchmark.plan import Cell, is_done
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.processes.memory import give_back
from bridgebench.harness.processes.stopping import Stopped
from bridgebench.methods.core.errors import CannotWrite, UserError
from bridgebench.methods.core.files import write_bytes

if TYPE_CHECKING:
    from bridgebench.methods.editor import Editor

_MANY = 4096  # from this many edits on, memory of the networks is released before distances are computed


class CellMaker:
    """Makes the cells of one mode and attribute (or conversion), and what they share.

    Attributes:
        kind: what the edits of the cells do.
        case: the edits that most methods make.
        true_edits: draws the true edits of `case`; None if the data set has none.
    """

    def __init__(self, bench: Workbench, mode: str, attribute: str) -> None:
        self.bench = bench
        self.mode = mode
        self.attribute = attribute
        self.kind = bench.others.get(attribute, "flip")
        self.case = case_of(bench, mode, attribute)

    @cached_property
    def true_edits(self) -> TrueEdits | None:
        """The object that draws and keeps the true edits; None if the data set has none."""
        if not self.bench.test.has_truth:
            return None
        return TrueEdits(self.bench, self.case)

    @cached_property
    def matched(self) -> MatchedReals | None:
        """Real images with the labels that the edits aim at; None of conversions and of cells that probe a method."""
        if not has_matched(self.bench, self.attribute):
            return None
        return matched_reals(self.bench, self.mode, self.attribute)

    @cached_property
    def matched_in(self) -> dict[str, MatchedReals]:
        """The same in the spaces of the networks that the profile names."""
        return {} if self.matched is None else matched_in_networks(self.bench, self.mode, self.attribute)

    def run(self, cell: Cell, protocol_hash: str) -> None:
        """Makes and stores one cell. Its record is written last, so a cell with a record on disk is complete."""
        bench = self.bench
        case, measures, reason = self.case, {}, self.case.reason
        if reason is None:
            editor = editor_of(bench, cell.participant)
            case = case_of(bench, self.mode, self.attribute, editor)
            reason = case.reason or self._cannot(editor, case)
            if reason is None:
                measures = self._measure(cell, case, editor, protocol_hash)
        record = CellRecord(
            schema=1,
            key=cell.key,
            protocol_hash=protocol_hash,
            method=cell.participant.name,
            mode=cell.mode,
            kind=self.kind,
            attribute=self.attribute,
            n=case.n,
            measures=measures,
            reason=reason,
            files={} if reason is not None else file_hashes(bench.run.root, bench.run.own_files(*cell.place)),
        )
        record.write(bench.run.cell_file(*cell.place))

    def _cannot(self, editor: Editor, case: Case) -> str | None:
        """Why the method cannot flip all the attributes of this cell (or reach its domains); None if it can."""
        if isinstance(editor, HandedInEditor):
            return editor.cannot(case)
        flipped = np.flatnonzero(np.any([step.flipped.any(axis=0) for step in self.case.steps], axis=0))
        if {self.bench.attributes[column] for column in flipped.tolist()} <= set(editor.editable):
            return None
        return f"{editor.card.title} with these weights edits {', '.join(editor.editable)} only"

    def _measure(self, cell: Cell, case: Case, editor: Editor, protocol_hash: str) -> dict[str, Any]:
        """Makes and measures all edits of a cell; stores the first edits as a strip and some edits as details."""
        bench = self.bench
        if self.true_edits is not None and "truth" in cell.participant.card.needs:
            editor.attach(truth=self.true_edits)
        tally, edits = Tally(bench.instruments, self.task(case)), KeptEdits()
        for rows in self._batches(case):
            part = case.take(rows)
            edited = case_edits(bench, editor, part)
            edits.add(edited)
            tally.add(bench.images(part.sources), edited, self.truth(part))
        self._write_strip(cell, case, edits)
        draws = None
        if self.kind == "flip":
            self._keep_details(cell, case, edits, tally, protocol_hash)
            if not isinstance(editor, HandedInEditor):  # these take edits of their own
                self._write_pictures(cell, case, editor)
                draws = self._draws(editor)
        if len(case.sources) >= _MANY:
            give_back()
        measures = tally.measures(draws)
        self._keep_outcomes(cell, case, tally, measures)
        if isinstance(editor, HandedInEditor) and self.kind == "flip":
            return {DIVERSITY.key: {"value": None, "reason": NO_DRAWS}} | measures.records
        return measures.records

    def _write_strip(self, cell: Cell, case: Case, edits: KeptEdits) -> None:
        """Writes the edits of the first sources: a row, or a row for each share."""
        shown = min(STRIP, case.n)
        rows = 1 if case.shares is None else case.outputs
        first = np.arange(rows)[:, None] * case.n + np.arange(shown)
        write_bytes(self.bench.run.sample_file(*cell.place), grid_png(edits.take(first.ravel()), shown))

    def _write_pictures(self, cell: Cell, case: Case, editor: Editor) -> None:
        """Writes grids of a conversion; of flips by reference the pairs, and the way from label to reference."""
        card = cell.participant.card
        if self.bench.space.exclusive:
            write_grid(self.bench, cell, editor, self.attribute)
        elif self.mode == "reference" and card.kind == "method":
            write_pairs(self.bench, self.attribute, editor, card.name)
            if "label" in card.modes:
                write_mixes(self.bench, self.attribute, editor, card.name, case)

    def _keep_outcomes(self, cell: Cell, case: Case, tally: Tally, measures: CellMeasures) -> None:
        """Stores what is kept of every single edit."""
        edits, like = tally.edits, case.references
        dimension = edits.features.shape[1]
        Outcomes(
            key=cell.key,
            source=case.sources.astype(np.int32),
            reference=np.full(len(case.sources), -1, np.int32) if like is None else like.astype(np.int32),
            draw=case.draws.astype(np.int32),
            step=np.full(len(case.sources), np.nan, np.float32)
            if case.shares is None
            else case.shares.astype(np.float32),
            flipped=edits.flipped,
            source_labels=edits.source_labels.astype(np.uint8),
            target_labels=edits.target_labels.astype(np.uint8),
            seen=edits.seen,
            seen_second=edits.seen_second,
            before=edits.before.astype(np.float16),
            after=edits.after.astype(np.float16),
            after_second=edits.after_second.astype(np.float16),
            features=edits.features[:, : dimension if dimension <= MOST_FEATURES else 0].astype(np.float16),
            values=measures.values,
            units=measures.units,
            groups={sort: numbers[case.sources] for sort, numbers in self.bench.groups.items()},
        ).write(self.bench.run.outcomes_file(*cell.place))

    def task(self, case: Case) -> Task:
        """The edits of a case as the measures know them."""
        bench, sources = self.bench, case.sources[: case.n]
        reading = bench.source_reading
        return Task(
            column=case.column,
            source_labels=bench.labels[sources],
            target_labels=case.targets[: case.n],
            source_reading=Reading(reading.logits[sources], reading.features[sources]),
            outputs=case.outputs,
            copies=case.copies,
            matched=self.matched,
            kind=case.kind,
            flipped=case.flipped[: case.n],
            steps=() if case.shares is None else tuple(case.shares[:: case.n].tolist()),
            matched_in=self.matched_in,
        )

    def _batches(self, case: Case) -> Iterator[slice]:
        """Slices of about as many edits as a judge reads at once, in whole batches of the editor."""
        batch = self.bench.settings.batch
        step = batch * -(-BATCH // batch)
        for start in range(0, len(case.sources), step):
            yield slice(start, min(start + step, len(case.sources)))

    def truth(self, case: Case) -> NDArray[np.uint8] | None:
        """The true edits; None where there are none: on the way from label to reference only the ends have one."""
        return None if self.true_edits is None or self.kind == "way" else self.true_edits.of(case)

    def _draws(self, editor: Editor) -> NDArray[np.float32] | None:
        """Features (M, k, D) of several edits of the first images; only for a method that can give more than one."""
        bench = self.bench
        count = bench.protocol.diversity_draws
        if count is None or (self.mode == "label" and not editor.card.stochastic):
            return None
        cases = [redrawn(bench, self.mode, self.attribute, draw) for draw in range(count)]
        edits = np.stack([case_edits(bench, editor, case) for case in cases], axis=1)
        return bench.extractor(edits.reshape(-1, *edits.shape[2:])).reshape(*edits.shape[:2], -1)

    def _keep_details(self, cell: Cell, case: Case, edits: KeptEdits, tally: Tally, protocol_hash: str) -> None:
        """Stores what the cell's page shows: the judges' readings of some edits, and pictures of the telling edits."""
        bench, column, right = self.bench, case.column, accuracy(tally.edits)

        def readings(chosen: NDArray[np.int64]) -> Readings:
            before = bench.source_reading.probabilities[case.sources[chosen], column]
            after = tally.edits.after[chosen, column]
            return Readings(case.targets[chosen, column], before, after, right[chosen])

        def pictures(chosen: NDArray[np.int64]) -> dict[Kind, NDArray[np.uint8]]:
            part = case.take(chosen)
            truth = self.truth(part)
            found: dict[Kind, NDArray[np.uint8]] = {
                "source": bench.images(part.sources),
                "edit": edits.take(chosen),
            }
            if truth is not None:
                found["truth"] = truth
            if part.references is not None:
                found["reference"] = bench.images(part.references)
            return found

        error, change = tally.values("l1_true"), tally.values("l1_source")
        if error is not None:
            scores = Scores("l1_true", error, np.ones(len(error), dtype=bool))
        else:
            assert change is not None
            scores = Scores("l1_source", change, right)
        keep(
            bench.run,
            cell.place,
            cell.key,
            protocol_hash,
            bench.test.ids,
            scores,
            readings,
            pictures,
            case.sources,
            case.references,
        )

    def write_samples(self) -> None:
        """Writes the pictures that all cells share, strips of references and true edits, and then their hashes."""
        if self.case.reason is None:
            self._write_strips()
            if self.kind == "flip" and self.bench.space.exclusive:
                write_grid_images(self.bench, self.mode, self.attribute, self.true_edits)
            elif self.kind == "flip" and self.mode == "reference" and self.true_edits is not None:
                write_true_pairs(self.bench, self.attribute, self.true_edits)
        run = self.bench.run
        files = file_hashes(run.root, run.shared_files(self.mode, self.attribute))
        shared = SharedPictures(schema=1, protocol_hash=self.bench.protocol.hash, files=files)
        shared.write(run.shared_file(self.mode, self.attribute))

    def _write_strips(self) -> None:
        run, part = self.bench.run, self.case.take(slice(STRIP))
        if part.references is not None:
            write_bytes(run.reference_sample(self.attribute), strip_png(self.bench.images(part.references)))
        truth = self.truth(part)
        if truth is not None:
            write_bytes(run.truth_sample(self.mode, self.attribute), strip_png(truth))


@dataclass(frozen=True)
class Job:
    """The missing cells of one (mode, attribute): the unit of work that is sent to a worker."""

    setup: Setup
    protocol_hash: str
    mode: str
    attribute: str
    cells: tuple[Cell, ...]


def run_job(job: Job) -> list[str]:
    """Edits, measures and stores the cells of a job; returns the names of failed cells.

    The error of a failed cell is recorded beside the place of its result, and the other cells go on. All cells fail if
    data or judges are missing or have changed, or if what the cells share cannot be made. Cells that a worker finished
    before it died are not made again.

    Raises:
        CannotWrite: the run directory cannot be written, so no cell could be stored.
    """
    try:
        bench = workbench(job.setup, job.protocol_hash)
        maker = CellMaker(bench, job.mode, job.attribute)
        maker.write_samples()
    except CannotWrite:
        raise
    except UserError as error:  # data and judges were there when the run was planned
        return _lose(job, f"What the run needs has changed meanwhile: {error}")
    except Exception as error:
        return _lose(job, report(error))
    failed = []
    for cell in job.cells:
        if is_done(cell, bench.run):
            continue
        error_file = bench.run.error_file(*cell.place)
        try:
            with alone(bench, cell.participant.name):
                maker.run(cell, job.protocol_hash)
        except (CannotWrite, Stopped):
            raise
        except BaseException as error:  # a method may raise anything; the other cells must still be made
            write_bytes(error_file, f"{report(error)}\n".encode())
            failed.append("/".join(cell.place))
        else:
            error_file.unlink(missing_ok=True)
    return failed


def give_up(job: Job, cause: str) -> list[str]:
    """Records as failed the cells of a job whose workers died; returns the names of the cells."""
    return _lose(job, f"WorkerDied: the worker died twice ({cause}), likely for want of memory: try --workers 1")


def _lose(job: Job, reason: str) -> list[str]:
    """Records why the remaining cells of a job could not be made; returns the names of these cells."""
    run = RunDirectory(job.setup.run)
    lost = [cell for cell in job.cells if not is_done(cell, run)]
    for cell in lost:
        write_bytes(run.error_file(*cell.place), f"{reason}\n".encode())
    return ["/".join(cell.place) for cell in lost]
