"""Plans: which weights a method gets, who is left out and why, and what a cell's key depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from made_up_outcomes import made_up

from bridgebench import methods
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.record import to_json
from bridgebench.eval.records.seal import file_hashes
from bridgebench.harness.benchmark.plan import (
    Participant,
    all_cells,
    groups,
    is_done,
    key_of,
    select,
)
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.harness.weights.find import find_weights, judge_weights
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.methods.core.weights import save_tensors

Write = Callable[..., Path]


def entry(name: str = "identity", sha256: str | None = None) -> Participant:
    return Participant(methods.card(name), None, sha256, None, "bridgebench 1")


def weights_file(path: Path, method: str, image_size: int = 32, attributes: tuple[str, ...] = ("Young",)) -> None:
    import torch

    config = {"image_size": image_size, "attributes": list(attributes)}
    save_tensors(path, {"a": torch.zeros(2, 3)}, method, config, {})


def test_controls_run_without_weights_and_methods_without_weights_are_left_out(tiny_profile: Write) -> None:
    profile = load_profile(tiny_profile(('["identity", "oracle"]', '["identity", "stargan"]')))
    entries, left_out = select(profile, None, has_truth=True)
    assert [found.name for found in entries] == ["identity"]
    assert "no weights of 'stargan' for the profile 'tiny'" in left_out["stargan"]


def test_a_plug_in_that_cannot_be_imported_is_left_out_unless_it_was_asked_for(
    tiny_profile: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = load_profile(tiny_profile(('["identity", "oracle"]', '["theirs", "identity"]')))
    theirs = EntryPoint("theirs", "no_such_package:CARD", methods.GROUP)
    everybody = {**methods._entries(), "theirs": theirs}
    monkeypatch.setattr(methods, "_entries", lambda: everybody)
    entries, left_out = select(profile, None, has_truth=True)
    assert [found.name for found in entries] == ["identity"]
    assert "'theirs' cannot be imported from no_such_package:CARD: No module named" in left_out["theirs"]
    with pytest.raises(UserError, match="'theirs' cannot be imported"):
        select(profile, ["theirs", "identity"], has_truth=True)


def test_a_method_asked_for_by_name_must_be_able_to_run(tiny_profile: Write) -> None:
    profile = load_profile(tiny_profile())
    with pytest.raises(UserError, match="no weights of 'stargan'"):
        select(profile, ["identity", "stargan"], has_truth=True)
    with pytest.raises(UserError, match="Did you mean 'stargan'"):
        select(profile, ["stragan"], has_truth=True)
    with pytest.raises(UserError, match="no true edits"):
        select(profile, ["oracle"], has_truth=False)


@pytest.mark.parametrize(
    ("method", "image_size", "reason"),
    [("stargan", 64, "images of 64 px"), ("stargan", 32, "other attributes"), ("bridgegan", 32, "'bridgegan', not of")],
)
def test_weights_that_do_not_fit_are_told(tiny_profile: Write, method: str, image_size: int, reason: str) -> None:
    path = tiny_profile(("[weights]", '[weights]\nstargan = "stargan.safetensors"'))
    weights_file(path.parent / "stargan.safetensors", method, image_size)
    with pytest.raises(UserError, match=reason):
        select(load_profile(path), ["stargan"], has_truth=True)


def test_the_profiles_own_weights_come_first_then_trained_ones(
    tiny_profile: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    profile = load_profile(tiny_profile())
    assert find_weights("stargan", profile) is None
    trained = Path("runs/train/stargan-tiny/weights.safetensors")
    weights_file(trained, "stargan")
    assert find_weights("stargan", profile) == trained
    named = load_profile(tiny_profile(("[weights]", '[weights]\nstargan = "mine.safetensors"')))
    with pytest.raises(UserError, match=r"mine\.safetensors"):
        find_weights("stargan", named)


def test_missing_judges_say_how_to_get_them(tiny_profile: Write) -> None:
    profile = load_profile(tiny_profile()).model_copy(update={"weights": {}})
    with pytest.raises(UserError, match="bridgebench train judge --profile tiny"):
        judge_weights("second", profile)


def test_cells_are_the_modes_that_a_method_has_and_groups_join_methods() -> None:
    cells = all_cells([entry("identity"), entry("copy"), entry("attack")], ["Young", "Bangs"], "hash")
    assert len(cells) == len({cell.key for cell in cells}) == 2 * (2 + 1 + 1)
    found = groups(cells)
    assert list(found) == [("label", "Young"), ("label", "Bangs"), ("reference", "Young"), ("reference", "Bangs")]
    assert [cell.participant.name for cell in found["reference", "Young"]] == ["identity", "copy"]


def test_a_key_depends_on_everything_that_decides_a_cell() -> None:
    base = entry()
    keys = {
        key_of(base, "label", "Young", "hash"),
        key_of(base, "reference", "Young", "hash"),
        key_of(base, "label", "Bangs", "hash"),
        key_of(base, "label", "Young", "other"),
        key_of(entry("copy"), "label", "Young", "hash"),
        key_of(replace(base, sha256="w"), "label", "Young", "hash"),
        key_of(replace(base, config={"width": 8}), "label", "Young", "hash"),
        key_of(replace(base, distribution="plug-in 2"), "label", "Young", "hash"),
    }
    assert len(keys) == 8


def test_a_cell_is_done_if_its_key_fits_and_its_outcomes_strip_and_details_are_there(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    cell = all_cells([entry()], ["Young"], "hash")[0]
    assert not is_done(cell, run)
    record = {"schema": 1, "protocol_hash": "p", "method": cell.participant.name, "mode": cell.mode, "reason": None}
    record |= {"attribute": cell.attribute, "n": 4, "measures": {}}
    details = {"schema": 1, "key": cell.key, "measure": "l1_true", "kinds": [], "shown": []}
    write_bytes(run.cell_file(*cell.place), to_json(record | {"key": cell.key}))
    assert not is_done(cell, run)
    write_bytes(run.sample_file(*cell.place), b"png")
    assert not is_done(cell, run)
    write_bytes(run.details_file(*cell.place), to_json(details))
    write_bytes(run.details_picture(*cell.place), b"png")
    assert not is_done(cell, run)
    made_up(4, key="of other weights").write(run.outcomes_file(*cell.place))
    assert not is_done(cell, run)
    made_up(4, key=cell.key).write(run.outcomes_file(*cell.place))
    assert not is_done(cell, run)  # the record lists no file
    files = {"files": file_hashes(run.root, run.own_files(*cell.place))}
    write_bytes(run.cell_file(*cell.place), to_json(record | {"key": cell.key} | files))
    assert is_done(cell, run)
    write_bytes(run.sample_file(*cell.place), b"another png")
    assert not is_done(cell, run)
    write_bytes(run.sample_file(*cell.place), b"png")
    write_bytes(run.cell_file(*cell.place), to_json(record | {"key": "of other weights"} | files))
    assert not is_done(cell, run)
    run.sample_file(*cell.place).unlink()
    write_bytes(run.cell_file(*cell.place), to_json(record | {"key": cell.key, "reason": "no reference"}))
    assert is_done(cell, run)
