"""`bridgebench tasks export`: writes the edits that a benchmark asks for as files, for whoever makes them elsewhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.records.marks import check_folder, mark
from bridgebench.eval.records.record import CellKind, Mode
from bridgebench.eval.records.run import FeatureSpace
from bridgebench.eval.records.tasks import TaskFolder, TasksRecord, pixels_hash
from bridgebench.harness.benchmark.finished import usual_folder
from bridgebench.harness.benchmark.provenance import weights_record
from bridgebench.harness.benchmark.tasks import TaskKey, TaskList, image_name, task_list
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.processes.devices import check_device
from bridgebench.harness.processes.lock import locked
from bridgebench.harness.processes.progress import meter
from bridgebench.harness.profiles.profile import DRAWN_HERE, Profile
from bridgebench.harness.weights.find import JUDGES, judge_weights
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import check_links, quote, read_bytes, real_path, remove_temporaries, write_bytes
from bridgebench.methods.core.png import png_bytes
from bridgebench.methods.core.tasks import EditTask, line_of

_COLUMNS = ("task", "mode", "source", "reference", "turn_on", "turn_off", "strength", "mix", "seed", "edit")


@dataclass(frozen=True)
class Exported:
    """What an export has written: the number of tasks and of images, and the hash of the protocol."""

    tasks: int
    images: int
    protocol_hash: str


def export_tasks(
    profile: Profile,
    out: Path,
    *,
    modes: Sequence[Mode] | None = None,
    kinds: Sequence[CellKind] | None = None,
    limit: int | None = None,
    data_root: Path | None = None,
    device: str = "cpu",
) -> Exported:
    """Writes a folder of tasks. A call that was stopped is finished by the same call; edits in it are never touched.

    Args:
        profile: whose edits are asked for.
        out: the folder.
        modes, kinds: of the cells whose edits are asked for; None: all.
        limit: use only this many test images, the first ones.
        data_root: folder of the data set.
        device: where the judges of the protocol compute; it is a part of the protocol.

    Raises:
        UserError: data or weights are missing, there is nothing to ask for, or `out` is another folder or has tasks of
            another protocol.
        CannotWrite: a file cannot be written.
    """
    check_device(device)
    check_folder(out, "tasks")
    check_links(out)
    bench = workbench(Setup(profile, data_root and real_path(data_root), limit, real_path(out), device))
    tasks, folder = task_list(bench, modes, kinds), TaskFolder(out)
    if not tasks.cells:
        raise UserError(f"The profile '{profile.name}' has no edits of these modes and kinds: name others.")
    files = {
        folder.lines_file: lines_of(tasks),
        folder.table_file: _table(tasks),
        folder.labels_file: _labels(tasks),
    }
    record = _record(bench, tasks, {path.name: content for path, content in files.items()})
    _check_same(folder, record)
    with locked(out):
        mark(out, "tasks")
        _remove_half_written(folder)
        _write_images(folder, bench, tasks)
        for place in sorted({Path(task.edit).parent for task in tasks.tasks.values()}):
            (out / place).mkdir(parents=True, exist_ok=True)
        for path, content in {**files, folder.readme_file: _readme(bench, tasks).encode()}.items():
            write_bytes(path, content)
        record.write(folder.record_file)  # last: with it the folder is whole
    return Exported(len(tasks.cells), len(record.images), bench.protocol.hash)


def lines_of(tasks: TaskList) -> bytes:
    """The content of tasks.jsonl."""
    return b"".join(line_of(_facts(tasks, key, task)) for key, task in tasks.tasks.items())


def _facts(tasks: TaskList, key: TaskKey, task: EditTask) -> dict[str, Any]:
    """A task as a program receives it, and what it is of."""
    cells = tasks.cells[key]
    return {
        **task.plain(),
        "source_id": tasks.id_of(key.source),
        "reference_id": None if key.reference < 0 else tasks.id_of(key.reference),
        "cells": [f"{mode}/{name}" for mode, name, _ in cells],
        "kinds": list(dict.fromkeys(kind for _, _, kind in cells)),
        "protocol": tasks.bench.protocol.hash,
    }


def _table(tasks: TaskList) -> bytes:
    """The content of tasks.csv: no field has a comma, a quote or a space, so that a shell can read it line by line."""
    rows = [",".join(_COLUMNS)]
    for task in tasks.tasks.values():
        facts = task.plain()
        for labels in ("turn_on", "turn_off"):
            facts[labels] = ";".join(map(quote, facts[labels]))
        rows.append(",".join("" if facts[name] is None else str(facts[name]) for name in _COLUMNS))
    return "".join(f"{row}\n" for row in rows).encode()


def _labels(tasks: TaskList) -> bytes:
    """The content of labels.csv: a row an image."""
    bench, text = tasks.bench, io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "id", *bench.attributes])
    for index in tasks.images:
        writer.writerow([image_name(index), tasks.id_of(index), *bench.labels[index].tolist()])
    return text.getvalue().encode()


def _record(bench: Workbench, tasks: TaskList, files: dict[str, bytes]) -> TasksRecord:
    protocol, profile = bench.protocol, bench.setup.profile
    return TasksRecord(
        schema=1,
        profile_name=profile.name,
        profile=profile.model_dump(mode="json"),
        protocol=protocol.record(),
        protocol_hash=protocol.hash,
        limit=bench.setup.limit,
        features=FeatureSpace(**protocol.features.model_dump()),
        judges={role: weights_record(judge_weights(role, profile)) for role in JUDGES},
        image_size=bench.test.image_size,
        attributes=bench.attributes,
        modes=tasks.modes,
        kinds=tasks.kinds,
        tasks=len(tasks.cells),
        files={name: sha256(content).hexdigest() for name, content in files.items()},
        images={image_name(index): pixels_hash(_image(bench, index)) for index in tasks.images},
    )


def _image(bench: Workbench, index: int) -> NDArray[np.uint8]:
    return bench.images(np.array([index], np.int64))[0]


def _check_same(folder: TaskFolder, record: TasksRecord) -> None:
    """Refuses a folder that asks for other edits: some of those may have been made already."""
    if not folder.record_file.exists():
        return
    old = folder.read()
    if (old.protocol_hash, old.files) != (record.protocol_hash, record.files):
        raise UserError(
            f"{folder.root} has other tasks (protocol {old.protocol_hash[:12]}, {old.tasks:,} edits of "
            f"'{old.profile_name}'); give another --out: nothing in it was touched."
        )


def _remove_half_written(folder: TaskFolder) -> None:
    """Removes what a killed call left half written."""
    for path in (folder.record_file, folder.lines_file, folder.table_file, folder.labels_file, folder.readme_file):
        remove_temporaries(folder.root, path.name)
    remove_temporaries(folder.root, "images/*")


def _write_images(folder: TaskFolder, bench: Workbench, tasks: TaskList) -> None:
    with meter("images", len(tasks.images)) as shown:
        for number, index in enumerate(tasks.images, 1):
            path, content = folder.root / image_name(index), png_bytes(_image(bench, index))
            if not _holds(path, content):
                write_bytes(path, content, durable=False)
            shown.show(number, images=number)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return read_bytes(path, follow=False) == content
    except (OSError, ValueError):
        return False


def _readme(bench: Workbench, tasks: TaskList) -> str:
    profile, size = bench.setup.profile, bench.test.image_size
    run = usual_folder(profile, bench.setup.limit)
    if profile.data.name in DRAWN_HERE:
        rights = "The images are drawings of bridgebench, under its licence: you may pass this folder on."
    elif not profile.data.photos_stay:
        rights = f"The profile says that the images of '{bench.test.name}' may be passed on, and so this folder may be."
    else:
        rights = (
            f"**For home use.** The images of the data set '{bench.test.name}' are not to be passed\n"
            "on. Do not publish this folder or the edits, and send it to nobody who has not got the data set from its\n"
            "owners. An editor behind a web API sends photos to its provider: ask whether the terms of the data set\n"
            "allow it."
        )
    return f"""# Edits to be made

These are the {len(tasks.cells):,} edits that the profile `{profile.name}` of bridgebench asks for, by the protocol
`{bench.protocol.hash}`.
Make them by whatever you like, and put each as a PNG of {size} x {size} pixels at the path that its task names.

{rights}

| file | what it has |
| --- | --- |
| `tasks.jsonl` | a task a line, as JSON; make them in this order, because some edit the edit of an earlier task |
| `tasks.csv` | the same for shells and spreadsheets; no field has a comma or a space |
| `labels.csv` | the labels of the images |
| `images/` | the images to edit, and the references; do not change them |
| `edits/` | where your edits go |
| `tasks.json` | what `bridgebench score` checks; do not change it |

A task says: edit `source` so that the labels in `turn_on` are there, those in `turn_off` are gone, and all else stays.
With a `reference`, take these labels' look from that image. `strength` (if it is given) is the share of the way from no
edit (0) to your default (1). `mix` (if it is given) weighs the label (1) against the reference (0). `seed` is for
methods that draw random numbers. Names in `tasks.csv` are separated by semicolons.

You need not make all of them: leave out whole folders of `edits/` that your method cannot make (those of `strength`
and `way`, for example). The page then has a dash there.

```
bridgebench tasks check .                  # what is there, missing, or wrong
bridgebench score . --name my-method       # measures it, beside the others of {run}
```
"""
