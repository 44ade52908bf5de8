"""A changed protocol deletes nothing: records are put aside, taken up again, and a call that was killed is finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridgebench.eval.records import aside
from bridgebench.eval.records.aside import change_protocol
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.site import build

OLD, NEW, THIRD = "a" * 64, "b" * 64, "c" * 64
FOREIGN = (
    "notes.txt",
    "cells/notes.txt",
    "cells/identity/label/mine.json",
    "samples/holiday/2024/beach.png",
    "x/y.json",
)
State = dict[str, bytes]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def fill(root: Path, protocol_hash: str, *, conversions: bool = False, thin: int = 1) -> RunDirectory:
    """A run directory with every kind of file that a benchmark writes (`thin`: one in so many); each holds its path."""
    run = RunDirectory(root)
    columns = ["cat2dog", "dog2cat"] if conversions else ["Male", "Bangs"]
    attributes = ["cat", "dog"] if conversions else columns
    record = {key: {} for key in ("profile", "protocol", "code", "packages", "hardware")}
    record |= {"schema": 1, "created": "today", "profile_name": "tiny", "protocol_hash": protocol_hash}
    record |= {"attributes": attributes, "columns": columns, "newer": "a field of a newer version"}
    record |= {"data": {"name": "faces", "digest": "", "n_test": 4, "image_size": 32}}
    record |= {"features": {"name": "attributes", "title": "FD", "dimension": 2, "digest": ""}}
    methods = ("identity", "my method/ä")
    record |= {"methods": {name: {"title": name, "kind": "method", "modes": ["label"]} for name in methods}}
    write_bytes(run.run_file, json.dumps(record).encode())
    files = [run.baselines_file, run.summary_file]
    files += [run.source_sample(domain) for domain in attributes] if conversions else [run.source_sample()]
    for method in methods:
        files += [run.cost_file(method, "label"), run.pairs_file(method, attributes)]
        for column in columns:
            place = (method, "reference", column)
            files += [run.cell_file(*place), run.sample_file(*place), run.details_file(*place)]
            files += [run.details_picture(*place), run.reference_sample(column, method)]
            files += [run.truth_sample("label", column, method), run.interpolation_file(method, column)]
            files += [run.grid_file(*place)] if conversions else []
        files += [run.error_file(method, "label", columns[0])]
    files += [
        run.reference_sample(columns[0]),
        run.truth_sample("label", columns[0]),
        run.pairs_file("truth", attributes),
    ]
    files += [run.grid_images("source", "cat"), run.grid_file("truth", "label", columns[0])] if conversions else []
    for path in files[::thin]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{protocol_hash}: {path.relative_to(root)}".encode())
    return run


def state(root: Path) -> State:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def begin(run: RunDirectory, protocol_hash: str) -> None:
    """What a benchmark writes first after the change."""
    record = json.loads(run.run_file.read_bytes())
    write_bytes(run.run_file, json.dumps(record | {"protocol_hash": protocol_hash}).encode())


@pytest.mark.parametrize("conversions", [False, True])
def test_records_are_put_aside_and_taken_up_again_to_the_same_bytes(tmp_path: Path, conversions: bool) -> None:
    run, column = fill(tmp_path, OLD, conversions=conversions), "cat2dog" if conversions else "Male"
    before = state(tmp_path)
    put, taken = change_protocol(run, NEW)
    assert put is not None and taken is None
    assert put.parent == tmp_path / "aside" and put.name.endswith("-aaaaaaaa") and put.name[10] == "T"
    assert state(put) == before
    assert set(state(tmp_path)) == {"run.json", *(f"aside/{put.name}/{name}" for name in before)}
    begin(run, NEW)
    write_bytes(run.cell_file("identity", "label", column), b"new")
    second, taken = change_protocol(run, OLD)
    assert taken == put and second is not None and second.name.endswith("-bbbbbbbb")
    after = state(tmp_path)
    assert {name: data for name, data in after.items() if not name.startswith("aside/")} == before
    assert after[f"aside/{second.name}/cells/identity/label/{column}.json"] == b"new"


def test_files_of_others_are_not_touched(tmp_path: Path) -> None:
    run = fill(tmp_path, OLD)
    for name in FOREIGN:
        write_bytes(tmp_path / name, name.encode())
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in FOREIGN}
    for wanted in (NEW, OLD):
        change_protocol(run, wanted)
        assert {name: (tmp_path / name).stat().st_mtime_ns for name in FOREIGN} == times
        assert all((tmp_path / name).read_bytes() == name.encode() for name in FOREIGN)


def test_the_same_protocol_moves_nothing_and_an_empty_run_leaves_no_folder(tmp_path: Path) -> None:
    run = fill(tmp_path, OLD)
    before = state(tmp_path)
    assert change_protocol(run, OLD) == (None, None)
    assert state(tmp_path) == before
    for path in [*run.measured_files(run.read_run())]:
        (tmp_path / path).unlink()
    assert change_protocol(run, NEW) == (None, None)
    assert not run.aside.exists()
    assert change_protocol(RunDirectory(tmp_path / "nothing"), NEW) == (None, None)


def test_no_folder_is_written_into_twice(tmp_path: Path) -> None:
    """Records of one protocol that come back by hand are put aside beside those that lie there, not over them."""
    run = fill(tmp_path, OLD)
    first, _ = change_protocol(run, NEW)
    kept = state(first or tmp_path)
    fill(tmp_path, OLD)
    second, _ = change_protocol(run, NEW)
    assert first != second and second is not None
    assert state(first or tmp_path) == kept == state(second)


@pytest.mark.parametrize("then", [OLD, NEW, THIRD])
@pytest.mark.parametrize("way", ["aside", "back"])
def test_a_killed_call_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, then: str
) -> None:
    """Killed before every single step, whatever protocol the next call asks for: no record is lost or mixed."""
    for step in range(200):
        root = tmp_path / str(step)
        run = fill(root, OLD, thin=6)
        before = state(root)
        wanted = NEW
        if way == "back":
            change_protocol(run, NEW)
            begin(run, NEW)
            wanted = OLD
        whole = killed_at(step, monkeypatch, lambda run=run, wanted=wanted: change_protocol(run, wanted))
        change_protocol(run, then)
        found = state(root)
        folders = {name.split("/")[1] for name in found if name.startswith("aside/")}
        if then == OLD:
            assert found == before and not folders
        else:
            (folder,) = folders
            assert state(run.aside / folder) == before
            assert {name for name in found if not name.startswith("aside/")} == {"run.json"}
        if whole:
            assert step > 5
            return
    raise AssertionError("it never came to its end")


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> bool:
    """Calls, and is killed before the given step; whether it came to its end."""
    steps = iter(range(10**6))

    def counted(act: Callable) -> Callable:
        def acting(*given: object, **named: object) -> object:
            if next(steps) == step:
                raise Killed
            return act(*given, **named)

        return acting

    with monkeypatch.context() as patch:
        for name in ("rename", "unlink", "mkdir", "rmdir"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        patch.setattr(aside, "write_bytes", counted(aside.write_bytes))
        try:
            call()
        except Killed:
            return False
    return True


def test_a_hash_that_is_a_path_leads_nowhere(tmp_path: Path) -> None:
    run = fill(tmp_path / "run", "../../..")
    put, _ = change_protocol(run, NEW)
    assert put is not None and put.parent == run.aside
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_damaged_run_json_moves_nothing(tmp_path: Path) -> None:
    run = fill(tmp_path, OLD)
    run.run_file.write_text("{}")
    before = state(tmp_path)
    with pytest.raises(UserError, match=r"run\.json is damaged"):
        change_protocol(run, NEW)
    assert state(tmp_path) == before


def test_a_folder_that_was_put_aside_is_a_run_directory_of_its_own(tmp_path: Path) -> None:
    from fake_run import HASH, write_run

    folder = write_run(tmp_path / "run", pictures=False)
    put, _ = change_protocol(RunDirectory(folder), NEW)
    assert put is not None and HASH.startswith(put.name[-8:])
    assert build(put) == put / "report" / "index.html"
