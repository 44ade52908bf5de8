"""Parts of a made-up run: copies with some of its methods, and other records, as others would have made them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fake_run import METHODS, write_run

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.run import RunRecord
from bridgebench.eval.records.seal import hash_of
from bridgebench.methods.core.files import quote

Change = Callable[[dict[str, Any]], Any]


def write_whole(folder: Path) -> Path:
    """A made-up run whose protocol's hash is that of its protocol; returns the folder."""
    write_run(folder)
    change(folder, lambda record: None)
    return folder


def change(run: Path, how: Change) -> None:
    """Changes run.json; its protocol's hash is made anew, and the cells are of that protocol."""
    record = RunRecord.read(run / "run.json").plain()
    how(record)
    record["protocol_hash"] = hash_of(record["protocol"])
    RunRecord.model_validate(record).write(run / "run.json")
    for path in [run / "baselines.json", *run.glob("cells/*/*/*.json"), *run.glob("details/*/*/*.json")]:
        found = json.loads(path.read_text())
        found.pop("sha256", None)
        path.write_text(json.dumps(found | {"protocol_hash": record["protocol_hash"]}))


def part(whole: Path, folder: Path, *methods: str, how: Change = lambda record: None) -> Path:
    """A copy of a run with some of its methods alone."""
    shutil.copytree(whole, folder)
    for name in METHODS:
        if name not in methods:
            for kind in ("cells", "details", "outcomes", "cost", "samples"):
                shutil.rmtree(folder / kind / quote(name), ignore_errors=True)

    def fewer(record: dict[str, Any]) -> None:
        record["methods"] = {name: record["methods"][name] for name in methods}
        how(record)

    change(folder, fewer)
    assert RunDirectory(folder).read_run().methods.keys() == {*methods}
    return folder


def at(created: str, **more: Any) -> Change:
    """Another date of a run, and other fields."""
    return lambda record: record.update(created=created, **more)
