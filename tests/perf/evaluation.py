"""Evaluation from edits to records: how much of it is the network passes that it cannot avoid, and the naive way.

The share is taken within one run: every call of an editor and of a judge is timed where it happens, and so is the
drawing of true edits, which only embedded data has. Everything else is ours: pixels, SSIM, distances, intervals, PNG
strips, records.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from baselines import naive_evaluation as naive
from tools.benches import SmallBench
from tools.clock import seconds_of
from tools.page import Section
from tools.stopwatch import Stopwatch
from torch import Tensor

from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.harness.benchmark.case import Case
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.plan import Cell
from bridgebench.harness.benchmark.workbench import Workbench
from bridgebench.harness.data.faces.dataset import FaceSet
from bridgebench.methods.editor import Editor

METHODS = ("bridgegan", "stargan", "identity", "copy", "attack", "oracle")
COLUMN, COUNT = "Smiling", 200
WANTED = 0.85


def shares(section: Section) -> None:
    """Where the time of a column goes, by label and by reference."""
    rows: list[list[object]] = []
    for mode in ("label", "reference"):
        with TemporaryDirectory() as folder, ExitStack() as stack:
            small = SmallBench(Path(folder), METHODS, COUNT)
            small.open()
            watch = Stopwatch()
            stack.enter_context(watch.watching("networks", Editor, "edit"))
            stack.enter_context(watch.watching("networks", AttributeClassifier, "read"))
            stack.enter_context(watch.watching("true edits", FaceSet, "true_edit"))
            with watch.running():
                small.run(mode, COLUMN)
            spent, total = watch.seconds, sum(watch.seconds.values())
            without = spent["networks"] / (total - spent["true edits"])
            rows.append(
                [
                    mode,
                    len(small.cells(mode, COLUMN)),
                    total,
                    spent["networks"],
                    spent["true edits"],
                    spent["rest"],
                    without,
                ]
            )
    head = ["mode", "cells", "CPU s", "networks, s", "true edits, s", "rest, s", "networks / (total - true edits)"]
    section.table(head, rows)
    section.say(
        f"{COUNT} images of faces64, attribute {COLUMN}, methods {', '.join(METHODS)}. Wanted: ≥ {WANTED}. The drawing "
        "of true edits is a part of the embedded data as the drawing of the images is, and falls away on photos; it is "
        "drawn once for all methods of a column."
    )


def against_naive(section: Section) -> None:
    """One cell, ours with all measures, against PNGs, two accuracy loops and one clean-fid call."""
    rows: list[list[object]] = []
    for name in ("bridgegan", "stargan"):
        with TemporaryDirectory() as folder:
            small = SmallBench(Path(folder) / "run", [name], COUNT)
            small.open()
            values = small.bench.labels[:, list(small.bench.columns).index(COLUMN)]
            naive.save(small.bench.images(np.arange(len(values))), Path(folder) / "reals", values)
            small.run("label", "Young")  # warms up
            watch, case = Stopwatch(), case_of(small.bench, "label", COLUMN)
            with watch.watching("true edits", FaceSet, "true_edit"), watch.running():
                small.run("label", COLUMN)
            ours = watch.seconds["rest"]
            theirs = seconds_of(partial(naive_cell, small.bench, small.cells("label", COLUMN)[0], case, Path(folder)))[
                1
            ]
            rows.append([name, theirs, ours, theirs / ours])
    section.table(["cell by label", "naive, CPU s", "ours, CPU s", "ratio"], rows)
    section.say(
        f"Naive: the {COUNT} edits saved as PNG, read again by each of two accuracy loops and by five calls of "
        "clean-fid (all images; the two values of the attribute, Fréchet and kernel), which read the PNGs of the real "
        "images for every cell as well. Ours, without the drawing of true edits: these numbers with their intervals, "
        "leakage, preservation, counterfactual, diversity from ten more edits of eight images, details and pictures of "
        "the cell."
    )


def naive_cell(bench: Workbench, cell: Cell, case: Case, folder: Path) -> None:
    """The naive way of a cell by label."""
    editor, sources = bench.editor(cell.participant), bench.images(case.sources)
    targets = torch.from_numpy(case.targets.astype(np.float32))
    labels = torch.from_numpy(bench.labels[case.sources].astype(np.float32))

    def edit(images: Tensor, rows: slice) -> Tensor:
        return editor.edit(images, targets[rows], source_labels=labels[rows])

    reals, edits = folder / "reals", folder / "edits"
    naive.edit_into(edits, sources, case.targets[:, case.column], edit)
    for judge in (bench.primary, bench.second):
        naive.accuracy(edits, judge, case.column)
    naive.distance(reals, edits, bench.primary)
    for value in ("0", "1"):
        naive.distance(reals / value, edits / value, bench.primary)
        naive.distance(reals / value, edits / value, bench.primary, kernel=True)


def main() -> None:
    """Both comparisons."""
    torch.set_num_threads(1)
    section = Section("evaluation")
    shares(section)
    against_naive(section)
    section.finish()


if __name__ == "__main__":
    main()
