"""A made-up run in which more of the paper's systems were measured, with accuracies given by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bridgebench.methods.core.labels import CELEBA14

sys.path.insert(0, str(Path(__file__).parent))
from fake_run import write_cell, write_json, write_run


def systems_run(folder: Path, accuracy: dict[str, float], half: float = 0.001) -> Path:
    """Label edits of the paper's systems with one accuracy on every attribute, and distances of 100 times its rest."""
    run = write_run(folder, pictures=False)
    record = json.loads((run / "run.json").read_text())
    for name in accuracy:
        record["methods"].setdefault(name, record["methods"]["stargan"] | {"title": name.upper()})
    write_json(run / "run.json", record)
    for name, value in accuracy.items():
        distance = {"value": 100 * (1 - value), "n": 400, "n_real": 400}
        hit = {"value": value, "low": value - half, "high": value + half, "n": 400}
        for attribute in CELEBA14:
            measures = {"accuracy": hit, "accuracy_second": hit, "fd_paper": distance, "fd_target": distance}
            write_cell(run, name, "label", attribute, measures)
    return run
