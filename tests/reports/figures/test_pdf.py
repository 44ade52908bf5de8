"""Figures as files: PDFs keep every pixel, are well formed, and let no label out of its string."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from bridgebench.methods.core.errors import UserError
from bridgebench.reports.figures.files import write_figures
from bridgebench.reports.figures.pdf import grid_pdf
from fake_domains import write_domain_run
from fake_run import write_run
from PIL import Image


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8))


def streams(pdf: bytes) -> list[bytes]:
    found = re.findall(rb"/Length (\d+) >>\nstream\n", pdf)
    starts = [match.end() for match in re.finditer(rb">>\nstream\n", pdf)]
    return [zlib.decompress(pdf[start : start + int(length)]) for start, length in zip(starts, found, strict=True)]


def test_every_pixel_is_kept() -> None:
    images = [noise(i) for i in range(3)]
    pdf = grid_pdf([("one", [images[0], None]), ("two", [images[1], images[2]])], ["a", "b"])
    _, *packed = streams(pdf)
    assert len(packed) == 3
    for image, data in zip(images, packed, strict=True):
        rows = np.frombuffer(data, np.uint8).reshape(8, 1 + 24)
        assert (rows[:, 0] == 1).all()  # each pixel as the difference to the one before
        pixels = np.cumsum(rows[:, 1:].reshape(8, 8, 3), axis=1, dtype=np.uint8)
        assert pixels.tobytes() == image.tobytes()


def test_it_is_well_formed_and_the_same_every_time() -> None:
    rows = [("label", [noise(0)])]
    pdf = grid_pdf(rows, ["head"])
    assert pdf == grid_pdf(rows, ["head"]) and pdf.startswith(b"%PDF-1.4\n") and pdf.endswith(b"%%EOF\n")
    start = int(re.search(rb"startxref\n(\d+)\n", pdf).group(1))  # type: ignore[union-attr]
    assert pdf[start:].startswith(b"xref\n0 7\n")
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", pdf[start:]), 1):
        assert pdf[int(place) :].startswith(f"{number} 0 obj".encode())


def test_labels_stay_strings() -> None:
    content = streams(grid_pdf([("evil) Tj ET \\", [noise(0)])], ["cat → dog ☃"]))[0]
    assert rb"(evil\)) Tj" in content or rb"evil\) Tj ET \\" in content
    assert b"cat to" in content and b"?" in content


def test_every_figure_of_a_run_is_written_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridgebench.reports.figures.comparison.FACES", 2)
    faces = write_figures(write_run(tmp_path / "faces"))
    assert faces == tmp_path / "faces" / "figures"
    names = {
        f"{mode}-{face}.{ending}" for mode in ("label", "reference") for face in (1, 2) for ending in ("png", "pdf")
    }
    assert {path.name for path in faces.iterdir()} >= names
    animals = write_figures(write_domain_run(tmp_path / "animals"), tmp_path / "out")
    board = Image.open(animals / "cat2dog-reference-bridgegan.png")
    drawn = len(streams((animals / "cat2dog-reference-bridgegan.pdf").read_bytes())) - 1
    assert drawn == 6 + 6 * 7 and board.width > 7 * 64  # six sources, six rows of a reference and six edits


def test_a_run_without_pictures_has_no_figures(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", pictures=False)
    with pytest.raises(UserError, match="holds no pictures"):
        write_figures(run)
    assert not (run / "figures").exists()
