"""Seals: what was changed after it was written is found when it is read, and only regular files are opened."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridgebench.eval.records.measured import Baselines, CellRecord
from bridgebench.eval.records.record import to_json
from bridgebench.eval.records.seal import check_seal, file_hash, file_hashes, sealed
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import read_bytes

CELL: dict[str, Any] = {"schema": 1, "key": "k", "protocol_hash": "p", "method": "m", "mode": "label", "n": 7}
CELL |= {"attribute": "Male", "measures": {"accuracy": {"value": 0.25, "low": 0.0, "high": 1.0}}}


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    path = tmp_path / "cell.json"
    CellRecord.model_validate(CELL).write(path)
    return path


def test_a_record_carries_the_hash_of_its_other_fields(cell: Path) -> None:
    """Computed here by a reader who has the file and a JSON library alone."""
    found = json.loads(cell.read_bytes())
    seal = found.pop("sha256")
    text = json.dumps(found, sort_keys=True, separators=(",", ":"))
    assert seal == hashlib.sha256(text.encode()).hexdigest()


def test_every_changed_byte_of_a_record_is_found(cell: Path) -> None:
    good, whole = cell.read_bytes(), CellRecord.read(cell)
    for place in range(len(good)):
        cell.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        found = CellRecord.find(cell)
        assert found is None or found == whole  # white space may change: it says nothing
    for end in range(len(good) - 1):
        cell.write_bytes(good[:end])
        assert CellRecord.find(cell) is None


def test_a_changed_number_is_told(cell: Path) -> None:
    cell.write_bytes(cell.read_bytes().replace(b"0.25", b"0.95"))
    with pytest.raises(UserError, match=r"cell\.json is damaged \(its content is not what its sha256 was made of\)"):
        CellRecord.read(cell)


def test_a_record_of_before_there_were_seals_is_read_and_said_to_carry_none(tmp_path: Path, cell: Path) -> None:
    assert CellRecord.read_with_seal(cell)[1] is True
    (tmp_path / "old.json").write_bytes(to_json(CELL))
    record, has_seal = CellRecord.read_with_seal(tmp_path / "old.json")
    assert record == CellRecord.read(cell) and not has_seal
    for other in ([], "text", 1, None):
        assert check_seal(other) is False
    for wrong in (None, 1, [], "", "0" * 64):
        with pytest.raises(ValueError, match="not what"):
            check_seal(sealed(CELL) | {"sha256": wrong})


def _listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


ODD: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a socket": _listen,
    "a link to nothing": lambda path: path.symlink_to(path.parent / "nowhere"),
    "a link to a file": lambda path: path.symlink_to(path.with_name("cell.json")),
    "a link to itself": lambda path: path.symlink_to(path),
    "a huge file": _huge,
}


@pytest.mark.parametrize("make", ODD.values(), ids=[*ODD])
def test_what_is_no_regular_file_is_not_opened(cell: Path, tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "odd.json"
    make(path)
    for reader in (CellRecord, Baselines):
        assert reader.find(path) is None
        with pytest.raises(UserError, match=r"odd\.json is damaged"):
            reader.read(path)
    with pytest.raises((ValueError, OSError)):
        file_hash(path)


def test_a_file_that_a_user_names_may_be_a_link(cell: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(cell)
    assert read_bytes(tmp_path / "link") == cell.read_bytes()
    with pytest.raises(ValueError, match="a symbolic link"):
        read_bytes(tmp_path / "link", follow=False)


def test_hashes_of_files_are_those_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.png").write_bytes(b"abc")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of FIPS 180-2
    assert file_hashes(tmp_path, [tmp_path / "a" / "b.png", tmp_path / "none.png"]) == {"a/b.png": abc}
