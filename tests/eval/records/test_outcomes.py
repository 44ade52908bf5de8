"""The file of a cell's single edits: the same bytes, small, and refused if it is damaged or another's."""

from __future__ import annotations

import io
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from made_up_outcomes import made_up

from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.methods.core.errors import UserError


def test_it_comes_back_as_it_was_in_the_same_bytes(tmp_path: Path) -> None:
    outcomes, path = made_up(20), tmp_path / "a.npz"
    outcomes.write(path)
    found = Outcomes.read(path)
    for field in fields(outcomes):
        assert str(getattr(found, field.name)) == str(getattr(outcomes, field.name))
    found.write(tmp_path / "b.npz")
    assert path.read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert Outcomes.find(path, outcomes.key) is not None
    assert Outcomes.find(path, "another") is None and Outcomes.find(tmp_path / "c.npz", outcomes.key) is None


def test_arrays_in_columns_are_written_in_rows(tmp_path: Path) -> None:
    outcomes = made_up(20)
    turned = Outcomes(**{**vars(outcomes), "seen": np.asfortranarray(outcomes.seen)})
    turned.write(tmp_path / "a.npz")
    assert (Outcomes.read(tmp_path / "a.npz").seen == outcomes.seen).all()


def test_numpy_alone_reads_it(tmp_path: Path) -> None:
    made_up(20).write(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert arrays["value/measure3"].shape == (20,) and arrays["features"].dtype == np.float16


def test_four_hundred_edits_take_less_than_100_kb(tmp_path: Path) -> None:
    """Even of random numbers, which no compression makes smaller; real readings are mostly near 0 and 1."""
    path = tmp_path / "a.npz"
    made_up().write(path)
    assert path.stat().st_size < 130_000
    certain = made_up()
    tiny = (certain.before > 0.5).astype(np.float16) * np.float16(0.999)
    Outcomes(**{**vars(certain), "before": tiny, "after": tiny, "after_second": tiny}).write(path)
    assert path.stat().st_size < 100_000


def test_what_is_damaged_or_of_another_shape_is_refused(tmp_path: Path) -> None:
    path, good = tmp_path / "a.npz", made_up(20)
    good.write(path)
    data = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    def refused(content: bytes) -> None:
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"a\.npz is damaged"):
            Outcomes.read(path)

    def packed(changes: dict[str, bytes | None]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in {**members, **changes}.items():
                if content is not None:
                    archive.writestr(name, content)
        return buffer.getvalue()

    def array(values: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, values, allow_pickle=True)
        return buffer.getvalue()

    refused(b"")
    refused(data[: len(data) // 2])
    refused(packed({"seen.npy": None}))
    refused(packed({"seen.npy": array(good.seen[:19])}))
    refused(packed({"after.npy": array(good.after.astype(np.float64))}))
    refused(packed({"value/measure0.npy": array(good.values["measure0"][:3])}))
    refused(packed({"source.npy": array(np.array([{}], dtype=object))}))
    refused(packed({"key.npy": array(np.arange(3))}))
    refused(packed({"source.npy": members["source.npy"].replace(b"(20,)", b"(99,)")}))
    refused(packed({"source.npy": members["source.npy"].replace(b"(20,)", b"(20,,")}))
