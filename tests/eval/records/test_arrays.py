"""Files of arrays from strangers: what numpy itself would stumble over is told as damage."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bridgebench.eval.records.arrays import DAMAGED, pack, unpack
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.reals import RealsRecord
from bridgebench.methods.core.errors import UserError


def file_of(name: str, array: np.ndarray, body: bytes | None = None) -> bytes:
    """A file of one array, with other bytes in it than its own if they are given."""
    content = io.BytesIO()
    np.save(content, array)
    data = content.getvalue()
    data = data if body is None else data[: len(data) - array.nbytes] + body
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


@pytest.mark.parametrize("sign", [0x110000, 0xFFFFFFFF, 0xD800, 0xDFFF])
@pytest.mark.parametrize("order", "<>")
def test_a_text_of_no_characters_is_damage(sign: int, order: str, tmp_path: Path) -> None:
    data = file_of("key", np.array("k").astype(f"{order}U1"), struct.pack(f"{order}I", sign))
    with pytest.raises(DAMAGED, match="holds what is no character"):
        unpack(data)
    (tmp_path / "a.npz").write_bytes(data)
    assert RealsRecord.find(tmp_path / "a.npz", "k") is None
    with pytest.raises(UserError, match="holds what is no character"):
        Outcomes.read(tmp_path / "a.npz")


@pytest.mark.parametrize("array", [np.zeros(2, "M8[s]"), np.zeros(2, complex), np.zeros(2, "V4"), np.zeros(2, "S3")])
def test_arrays_of_neither_numbers_nor_texts_are_damage(array: np.ndarray) -> None:
    with pytest.raises(DAMAGED):
        unpack(file_of("x", array))


@pytest.mark.parametrize("shape", ["(True,)", "(2.0,)", "(-1,)", "(-1, -2)"])
def test_a_shape_of_no_sizes_is_damage(shape: str) -> None:
    data = file_of("x", np.zeros(2, np.uint8)).replace(b"(2,), }" + b" " * (len(shape) - 4), f"{shape}, }}".encode())
    with pytest.raises(DAMAGED):
        unpack(data)


def test_real_images_of_other_types_and_shapes_are_damage(tmp_path: Path) -> None:
    good = RealsRecord(
        "k", np.zeros((3, 2), np.float16), np.zeros((3, 2), np.uint8), np.zeros(3, np.int32), np.zeros(3, np.uint8)
    )
    good.write(tmp_path / "reals.npz")
    assert RealsRecord.find(tmp_path / "reals.npz", "k") is not None
    arrays = unpack((tmp_path / "reals.npz").read_bytes())
    for name, wrong in [("edits", np.int32(3)), ("labels", np.zeros((3, 2))), ("features", np.zeros((3, 2), "U2"))]:
        (tmp_path / "reals.npz").write_bytes(pack({**arrays, name: np.asarray(wrong)}))
        assert RealsRecord.find(tmp_path / "reals.npz", "k") is None
