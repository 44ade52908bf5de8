"""Official checkpoints: what is read, and that nothing in a file is ever run."""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hostile_checkpoints import Evil

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.official import files as official_files
from bridgebench.methods.official import tensors as official_tensors

STATE = OrderedDict(weight=torch.arange(6.0).reshape(2, 3), count=torch.tensor(7))


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files_of_both_formats_are_read(tmp_path, zipped):
    torch.save(STATE, tmp_path / "a.ckpt", _use_new_zipfile_serialization=zipped)
    found = official_files.read_torch(tmp_path / "a.ckpt")
    assert list(found) == ["weight", "count"]
    assert torch.equal(found["weight"], STATE["weight"])


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path, kind):
    path, ran = tmp_path / "evil.ckpt", tmp_path / "ran"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Evil(ran), protocol=2))
    else:
        torch.save({"weight": Evil(ran)}, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(UserError, match=r"evil\.ckpt holds posix\.system besides tensors"):
        official_files.read_torch(path)
    assert not ran.exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 0.98])
def test_damaged_torch_files_are_named(tmp_path, share, zipped):
    path = tmp_path / "a.ckpt"
    torch.save(STATE, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UserError, match=r"a\.ckpt is damaged"):
        official_files.read_torch(path)


def test_a_zip_of_several_disks_is_damaged(tmp_path):
    path = tmp_path / "a.ckpt"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    path.write_bytes(b"a" * 100 + struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 2) + end)
    with pytest.raises(UserError, match="is damaged"):
        official_files.read_torch(path)


def test_only_state_dicts_are_taken(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / "list.ckpt")
    with pytest.raises(UserError, match="not a state dict"):
        official_files.read_torch(tmp_path / "list.ckpt")


def test_npz_is_read_without_pickles(tmp_path):
    np.savez(tmp_path / "a.npz", **{"scope/Conv/weights": np.ones((2, 2), np.float32)})
    assert official_files.read_npz(tmp_path / "a.npz")["scope/Conv/weights"].shape == (2, 2)
    np.savez(tmp_path / "evil.npz", x=np.array([Evil(tmp_path / "ran")], dtype=object))
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("not an archive")
    for name in ("evil.npz", "one.npy", "text.npz", "none.npz"):
        with pytest.raises(UserError, match=name):
            official_files.read_npz(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_tensorflow_is_an_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow", None)
    with pytest.raises(UserError, match="no checkpoint file"):
        official_files.read_tensorflow(tmp_path / "none.ckpt")
    (tmp_path / "a.ckpt.index").write_bytes(b"")
    with pytest.raises(UserError, match=r"bridgebench\[tensorflow\]"):
        official_files.read_tensorflow(tmp_path / "a.ckpt")


def test_match_keeps_the_expected_and_drops_the_optional():
    found = official_tensors.match(
        {"b": np.zeros(2), "a": np.zeros((1, 3)), "a/Adam": np.zeros(3), "step": np.zeros(())},
        {"a": (1, 3), "b": [2]},
        where="x.npz",
        optional=[r".*/Adam", "step"],
    )
    assert list(found) == ["a", "b"]


def test_match_names_what_does_not_fit():
    tensors = {"a": np.zeros((1, 3)), "extra": np.zeros(1)}
    with pytest.raises(UserError) as caught:
        official_tensors.match(tensors, {"a": (3, 1), "b": (), "c": (), "d": (), "e": ()}, where="x.npz")
    assert str(caught.value) == (
        "The tensors of x.npz are not those of this network; missing: b, c, d and 1 more; unknown: extra; "
        "of another shape: a 1x3 instead of 3x1."
    )
