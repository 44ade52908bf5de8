"""Measures the cost of each method on this machine: once, alone, after the cells; costs are stored apart from cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from bridgebench.eval.cost import measure_cost
from bridgebench.eval.judges.classifier import to_float
from bridgebench.eval.records.measured import CostRecord
from bridgebench.eval.records.record import Mode
from bridgebench.harness.benchmark.alone import alone
from bridgebench.harness.benchmark.case import Case
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.edits import TrueEdits
from bridgebench.harness.benchmark.failures import report
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.benchmark.remote import RemoteEditor
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.processes.environment import hardware

_BATCH = 16


@dataclass(frozen=True)
class CostJob:
    """A method in a mode, and the key under which its cost is valid."""

    setup: Setup
    participant: Participant
    mode: Mode
    key: str


def run_cost(job: CostJob) -> str:
    """Times edits of the first test images and stores the result; says why if a method fails, else nothing."""
    bench = workbench(job.setup)
    case = case_of(bench, job.mode, bench.columns[0])
    if case.reason is not None:
        return ""
    try:
        with alone(bench, job.participant.name):
            found = _measure(bench, job, case.take(slice(_BATCH)))
    except BaseException as error:  # a method may raise anything; the costs of the others are still measured
        reason = report(error).splitlines()[-1]
        return f"The cost of an edit of {job.participant.name} could not be measured: {reason}"
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
    return ""


def _measure(bench: Workbench, job: CostJob, case: Case) -> dict[str, Any]:
    editor = bench.editor(job.participant)
    if "truth" in job.participant.card.needs:
        editor.attach(truth=TrueEdits(bench, case, keep=False))
    measure = editor.measure_cost if isinstance(editor, RemoteEditor) else partial(measure_cost, editor)
    return measure(
        to_float(bench.images(case.sources), bench.device),
        torch.from_numpy(case.targets.astype(np.float32)),
        None if case.references is None else to_float(bench.images(case.references), bench.device),
        torch.from_numpy(bench.labels[case.sources].astype(np.float32)),
    )
