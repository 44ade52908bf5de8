"""The evaluation by the present protocol beside that by the first edition's, of the same cells: CPU time and memory.

The first edition measured accuracy by both judges, distances to all real images of the target's value, leakage,
preservation, the distance to the true edit, and diversity; it kept means alone. One side of the
comparison leaves out what the second edition adds: its measures, the matched real images, the file of single edits.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import torch
from tools.page import Section
from tools.stopwatch import Stopwatch

METHODS = ("bridgegan", "stargan", "identity", "oracle")
COLUMN, COUNT, ROUNDS = "Bangs", 100, 2
WANTED = 1.3
FIRST = (  # the measures of the first edition, by key
    *("accuracy_second", "accuracy", "accuracy_added", "accuracy_removed", "fd_target", "fd_paper", "kid", "leakage"),
    *("leakage_by", "l1_source", "ssim_source", "psnr_true", "ssim_true", "l1_true", "l1_true_inside"),
    *("l1_true_outside", "diversity"),
)


def evaluate(edition: str) -> None:
    """Prints the CPU seconds of the cells of a column, with and without the drawing of images, and the peak memory."""
    from tools.benches import SmallBench

    from bridgebench.eval import cell
    from bridgebench.eval.measures import MEASURES
    from bridgebench.harness.benchmark import cells
    from bridgebench.harness.data.faces.dataset import FaceSet

    first = [replace(card, needs=("features",)) if card.key in ("fd_target", "kid") else card for card in MEASURES]
    with TemporaryDirectory() as folder, ExitStack() as stack:
        if edition == "first":
            stack.enter_context(patch.object(cell, "MEASURES", [card for card in first if card.key in FIRST]))
            stack.enter_context(patch.object(cells, "has_matched", lambda bench, name: False))
            stack.enter_context(patch.object(cells.CellMaker, "_keep_outcomes", lambda *_: None))
        small = SmallBench(Path(folder), METHODS, COUNT)
        small.open()
        small.run("label", "Smiling")  # warms up
        watch = Stopwatch()
        stack.enter_context(watch.watching("drawing", FaceSet, "true_edit"))
        stack.enter_context(watch.watching("drawing", FaceSet, "fresh"))
        started = time.process_time()
        with watch.running():
            for mode in ("label", "reference"):
                small.run(mode, COLUMN)
        spent = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": spent, "rest": spent - watch.seconds["drawing"], "peak": peak}))


def in_own_process(edition: str) -> dict[str, float]:
    """What `evaluate` prints."""
    command = [sys.executable, __file__, edition]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main() -> None:
    """The two editions in turn, some rounds; the least of each counts."""
    section = Section("protocols")
    editions = ("first", "second")
    rounds = [{edition: in_own_process(edition) for edition in editions} for _ in range(ROUNDS)]
    rows: list[list[object]] = []
    for key, what in (("seconds", "CPU s"), ("rest", "CPU s without drawing"), ("peak", "peak of the process, MiB")):
        old, new = (min(one[edition][key] for one in rounds) for edition in editions)
        rows.append([what, old, new, new / old])
    section.table(["", "first edition", "second edition", "ratio"], rows)
    section.say(
        f"{COUNT} images of faces64, attribute {COLUMN} by label and by reference, methods {', '.join(METHODS)}; the "
        f"least of {ROUNDS} rounds in which the two take turns, each in a process of its own. Wanted: ≤ {WANTED}. "
        "Drawing is that of true edits, and in the second edition of the matched real people too. Photos need none."
    )
    section.finish()


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] in (["first"], ["second"]):
        evaluate(sys.argv[1])
    else:
        main()
