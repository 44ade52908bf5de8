"""The readers of edits made elsewhere: of a folder of `bridgebench tasks export`, by `tasks check` and `score`."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from sample_pictures import pngs
from target import Target
from zoo_runs import write_photos, write_profile

from bridgebench.eval.records.record import to_json
from bridgebench.eval.records.seal import SEAL, file_hash, sealed
from bridgebench.eval.records.tasks import TaskFolder
from bridgebench.harness.benchmark import score
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.elsewhere import HandedInEditor
from bridgebench.harness.benchmark.export import export_tasks
from bridgebench.harness.benchmark.handed_in import check_folder_of_tasks, edits_in
from bridgebench.harness.benchmark.plan import Participant, all_cells
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench

_SIDE = 32


def task_targets(folder: Path) -> list[Target]:
    """The readers; `folder` is for the folder of tasks, its photos and its judges."""
    tasks, bench = _folder_of_tasks(folder)
    record, lines = tasks.record_file.read_bytes(), tasks.lines_file.read_bytes()
    unsealed = {key: value for key, value in json.loads(record).items() if key != SEAL}
    image = _first_image(tasks)
    edits = (*sorted(set(pngs((_SIDE, _SIDE))), key=len), *pngs()[:1])
    return [
        Target("tasks.json", _reader(tasks, bench, tasks.record_file), (record, to_json(unsealed)), ".json", 4),
        Target("tasks.jsonl", _reader(tasks, bench, tasks.lines_file), (lines,), ".jsonl", 4),
        Target("edits made elsewhere", _reader(tasks, bench, _first_edit(tasks)), edits, ".png", 4),
        Target("images of tasks", _reader(tasks, bench, image), (image.read_bytes(),), ".png", 2),
    ]


def _folder_of_tasks(folder: Path) -> tuple[TaskFolder, Workbench]:
    """A folder of tasks with an edit for each, and what measures them."""
    for name in ("photos", "judges"):
        (folder / name).mkdir(parents=True)
    profile, photos = write_profile(folder / "judges"), write_photos(folder / "photos")
    export_tasks(profile, folder / "tasks", kinds=("flip", "added"), data_root=photos)
    tasks = TaskFolder(folder / "tasks")
    for line in tasks.lines_file.read_text().splitlines():
        (tasks.root / json.loads(line)["edit"]).write_bytes(pngs((_SIDE, _SIDE))[0])
    return tasks, workbench(Setup(profile, photos.resolve(), None, folder.resolve() / "scored", "cpu"))


def _first_edit(tasks: TaskFolder) -> Path:
    return next(iter(sorted(tasks.edits.rglob("*.png"))))


def _first_image(tasks: TaskFolder) -> Path:
    return next(iter(sorted(tasks.root.glob("images/*.png"))))


def _reader(tasks: TaskFolder, bench: Workbench, path: Path) -> Callable[[Path], Any]:
    """Checks and scores a folder in which one file is damaged; of all that is measured, the edits alone are read."""

    def read(damaged: Path) -> None:
        data = damaged.read_bytes()
        with _replaced(path, data), _replaced(tasks.record_file, _telling_of(tasks, path, data)):
            record = check_folder_of_tasks(tasks)
            found = edits_in(tasks, tasks.edits, record)
            json.dumps([found.lines(), found.plain()], allow_nan=False)
            way = zlib.crc32(data) % 2
            replaced = {"workbench": lambda setup: bench, "run_benchmark": _read_edits, "_log": mock.Mock()}
            with mock.patch.multiple(score, **replaced):
                out = None if way else tasks.root.with_name("scored")
                score.score(tasks.root, "elsewhere", out, skip_incomplete=bool(way), data_root=bench.setup.data_root,
                            say=lambda line: None)  # fmt: skip

    def _read_edits(profile: object, out: Path, *, elsewhere: Participant, **rest: object) -> list[str]:
        if not out.resolve().is_relative_to(Path("runs").resolve()) and out != tasks.root.with_name("scored"):
            raise AssertionError(f"it would write into {out}")
        assert elsewhere.elsewhere is not None
        editor = HandedInEditor(bench, elsewhere.card, elsewhere.elsewhere)
        for cell in all_cells([elsewhere], bench.columns, bench.protocol.hash, bench.others):
            case = case_of(bench, cell.mode, cell.attribute)
            if case.reason is None and editor.cannot(case) is None:
                editor.edits_of(case)
        return []

    return read


def _telling_of(tasks: TaskFolder, path: Path, data: bytes) -> bytes:
    """tasks.json with the hash of a damaged list of tasks: who writes the one writes the other."""
    if path == tasks.record_file:
        return data
    if path != tasks.lines_file:
        return tasks.record_file.read_bytes()
    record = json.loads(tasks.record_file.read_text())
    record.pop(SEAL)
    record["files"][path.name] = file_hash(path)
    return to_json(sealed(record))


@contextmanager
def _replaced(path: Path, data: bytes) -> Iterator[None]:
    good = path.read_bytes()
    try:
        path.write_bytes(data)
        yield
    finally:
        path.write_bytes(good)
