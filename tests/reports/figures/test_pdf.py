"""Figures as files: PDFs keep every pixel, and every letter of a label as text in a font that lies in the file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from fake_domains import write_domain_run
from fake_run import write_run
from PIL import Image
from pypdf import PageObject, PdfReader

from bridgebench.methods.core.errors import UserError
from bridgebench.reports.figures.files import write_figures
from bridgebench.templates.grids import grid_pdf


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8))


def read(pdf: bytes) -> PageObject:
    """The only page of a PDF, by a reader that is not the writer."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    assert len(pages) == 1
    return pages[0]


def test_every_pixel_is_kept() -> None:
    flat = Image.new("RGB", (8, 8), (1, 2, 3))  # few colours: a palette
    images = [noise(0), noise(1), flat]
    page = read(grid_pdf([("one", [images[0], None]), ("two", [images[1], images[2]])], ["a", "b"]))
    found = [one.image.convert("RGB") for one in page.images if one.image is not None]
    assert [(image.size, image.tobytes()) for image in found] == [(image.size, image.tobytes()) for image in images]


def test_it_is_the_same_every_time() -> None:
    rows = [("label", [noise(0)])]
    pdf = grid_pdf(rows, ["head"])
    assert pdf == grid_pdf(rows, ["head"]) and pdf.startswith(b"%PDF-1.4\n") and pdf.rstrip().endswith(b"%%EOF")
    assert "/CreationDate" not in (PdfReader(io.BytesIO(pdf)).metadata or {})


def test_labels_stay_text_letter_by_letter() -> None:
    page = read(grid_pdf([("żółć", [noise(0)]), ("evil) Tj ET \\ $x_1$", [noise(1)])], ["cat → dog ☃"]))
    words = " ".join(page.extract_text().split())
    assert "żółć" in words and "evil) Tj ET \\ $x 1$" in words and "cat → dog ☃" in words


def test_its_fonts_lie_in_it() -> None:
    fonts = read(grid_pdf([("żółć", [noise(0)])], ["head"]))["/Resources"]["/Font"].values()
    assert fonts
    for font in fonts:
        descendant = font.get_object()["/DescendantFonts"][0].get_object()
        assert descendant["/Subtype"] == "/CIDFontType2" and "/FontFile2" in descendant["/FontDescriptor"]


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
    drawn = len(read((animals / "cat2dog-reference-bridgegan.pdf").read_bytes()).images)
    assert drawn == 6 + 6 * 7 and board.width > 7 * 64  # six sources, six rows of a reference and six edits


def test_a_run_without_pictures_has_no_figures(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", pictures=False)
    with pytest.raises(UserError, match="holds no pictures"):
        write_figures(run)
    assert not (run / "figures").exists()
