"""What each method costs on this machine: measured once, alone, after the cells; kept apart from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from eval.classifier import to_float
from eval.cost import measure_cost
from harness.editing import TrueEdits
from harness.group import Group
from harness.plan import Entry
from harness.provenance import hardware
from harness.store import to_json
from harness.workbench import Setup, workbench
from methods.files import write_bytes

_BATCH = 16


@dataclass(frozen=True)
class CostJob:
    """A method in a mode, and the key under which its cost is valid."""

    setup: Setup
    entry: Entry
    mode: str
    key: str


def run_cost(job: CostJob) -> None:
    """Times edits of the first test images and stores the result."""
    bench = workbench(job.setup)
    attribute = bench.attributes[0]
    group = Group(bench, job.mode, attribute)
    if group.reason is not None:
        return
    rows = slice(0, min(_BATCH, bench.n))
    editor = bench.editor(job.entry)
    if group.true_edits is not None and "truth" in job.entry.card.needs:
        editor.attach(truth=TrueEdits(bench, attribute, keep=False))
    references = group.references
    found = measure_cost(
        editor,
        to_float(bench.sources[rows]),
        torch.from_numpy(group.targets[rows].astype(np.float32)),
        None if references is None else to_float(np.asarray(bench.test.images[references[rows]])),
        torch.from_numpy(group.source_labels[rows].astype(np.float32)),
    )
    machine = hardware()
    record = {
        **found,
        "schema": 1,
        "key": job.key,
        "method": job.entry.name,
        "mode": job.mode,
        "hardware": f"{machine['cpu']}, 1 thread",
    }
    write_bytes(bench.run.cost_file(job.entry.name, job.mode), to_json(record))
