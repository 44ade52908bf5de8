"""Measures the cost of each method on this machine: once, alone, after the cells; costs are stored apart from cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bridgebench.eval.cost import measure_cost
from bridgebench.eval.judges.classifier import to_float
from bridgebench.eval.records.measured import CostRecord
from bridgebench.eval.records.record import Mode
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.edits import TrueEdits
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.benchmark.workbench import Setup, workbench
from bridgebench.harness.processes.environment import hardware

_BATCH = 16


@dataclass(frozen=True)
class CostJob:
    """A method in a mode, and the key under which its cost is valid."""

    setup: Setup
    participant: Participant
    mode: Mode
    key: str


def run_cost(job: CostJob) -> None:
    """Times edits of the first test images and stores the result."""
    bench = workbench(job.setup)
    attribute = bench.columns[0]
    case = case_of(bench, job.mode, attribute)
    if case.reason is not None:
        return
    case = case.take(slice(_BATCH))
    editor = bench.editor(job.participant)
    if "truth" in job.participant.card.needs:
        editor.attach(truth=TrueEdits(bench, attribute, keep=False))
    found = measure_cost(
        editor,
        to_float(bench.images(case.sources), bench.device),
        torch.from_numpy(case.targets.astype(np.float32)),
        None if case.references is None else to_float(bench.images(case.references), bench.device),
        torch.from_numpy(bench.labels[case.sources].astype(np.float32)),
    )
    machine = hardware()
    record = CostRecord(
        **found,
        schema=1,
        key=job.key,
        method=job.participant.name,
        mode=job.mode,
        hardware=f"{machine['cpu']}, 1 thread" if bench.device == "cpu" else machine["gpu"],
    )
    record.write(bench.run.cost_file(job.participant.name, job.mode))
