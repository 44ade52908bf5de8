"""A run directory of two attributes and two methods: small, but its records have all that records may have."""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np

from bridgebench.eval.records.archive import unzipped
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.pictures import strip_png
from bridgebench.eval.records.record import MODES, to_json
from bridgebench.eval.records.seal import SEAL
from bridgebench.methods.core.files import write_bytes

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
from fake_run import FACES, face, write_board, write_details
from made_up_outcomes import made_up

COLUMNS = ("Smiling", "Bangs")
PUBLISHED = Path(__file__).parents[2] / "reports" / "published" / "faces64-records.zip"
METHODS = ("bridgegan", "identity")
NAMES = {
    "run.json": "run.json",
    "baselines": "baselines.json",
    "cell": "cells/bridgegan/label/Smiling.json",
    "cost": "cost/bridgegan/label.json",
    "outcomes": "outcomes/bridgegan/label/Smiling.npz",
    "details": "details/bridgegan/label/Smiling.json",
    "pictures of details": "details/bridgegan/label/Smiling.png",
    "strip": "samples/bridgegan/label/Smiling.png",
    "pairs": "samples/bridgegan/pairs/Bangs.png",
}


def write_little_run(run: Path) -> Path:
    """Writes the run: its run.json and cells are those of a published run, its pictures are made up; returns it."""
    with unzipped(PUBLISHED) as published:
        _shorten(published)
        for name in ("cells", "cost"):
            shutil.copytree(published / name, run / name)
        for name in ("run.json", "baselines.json"):
            shutil.copy(published / name, run / name)
    draw = random.Random(0)
    strip = strip_png(np.stack([np.asarray(face(draw)) for _ in range(FACES)]))
    shared = [f"truth/{mode}/{column}" for mode in MODES for column in COLUMNS]
    for name in ("source", *shared, *(f"reference/{column}" for column in COLUMNS), "bridgegan/label/Smiling"):
        write_bytes(run / "samples" / f"{name}.png", strip)
    write_details(run, "bridgegan", "label", "Smiling", draw)
    write_board(run / "samples" / "bridgegan" / "pairs" / "Bangs.png", 3, 4, draw)
    key = CellRecord.read(run / "cells" / "bridgegan" / "label" / "Smiling.json").key
    outcomes = run / "outcomes" / "bridgegan" / "label" / "Smiling.npz"
    made_up(40, len(COLUMNS), key=key).without_readings().write(outcomes)
    return run


def _shorten(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    record.pop(SEAL)
    record |= {"attributes": [*COLUMNS], "columns": [], "kinds": {}, "correlations": [[1, 0.1], [0.1, 1]]}
    record["methods"] = {name: record["methods"][name] for name in METHODS}
    (run / "run.json").write_bytes(to_json(record))
    for path in [*run.glob("cells/*/*/*"), *run.glob("cost/*/*")]:
        method = path.relative_to(run).parts[1]
        if method not in METHODS or (path.stem not in COLUMNS and path.parts[-4] == "cells"):
            path.unlink()
        elif path.parts[-4] == "cells":
            cell = json.loads(path.read_text())
            cell.pop(SEAL)
            path.write_bytes(to_json(cell | {"files": {}}))
