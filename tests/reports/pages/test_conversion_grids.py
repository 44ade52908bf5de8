"""The pages of a run of domains: Table 3, and grids of sources by references."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_domains import CONVERSIONS, SIDE, write_domain_run
from fake_run import write_cell, write_json
from pages import Page
from PIL import Image

from bridgebench.methods.core.errors import UserError
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import build


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_domain_run(tmp_path_factory.mktemp("domains"))


@pytest.fixture(scope="module")
def folder(run: Path) -> Path:
    return build(run).parent


def page_of(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_table_3_has_both_modes_and_the_papers_stands_beside_it(folder: Path) -> None:
    figures = [figure for figure in page_of(folder / "index.html").figures if "Table 3" in figure.text]
    ours, theirs = figures
    assert "FD (attribute features)" in ours.text and "published" in theirs.classes
    heads = [cell.split("↕")[0].strip() for cell in ours.rows[0]]
    assert heads[1:7] == [name.replace("2", " → ") for name in CONVERSIONS] and heads[7].startswith("Mean")
    names = [row[0].strip() for row in ours.rows[1:]]
    assert (names[0], names[3]) == ("Edits by label", "Edits by reference")
    assert {*names[1:3]} == {*names[4:6]} == {"BridgeGAN", "StarGAN v2"}  # each by the second judge
    assert names[-3:] == ["Real against real", "Floor", "Null edit"]
    assert [row[0].strip() for row in theirs.rows[1:]] == [
        *("Edits by label", "StarGAN v2", "BridgeGAN"),
        *("Edits by reference", "StarGAN v2", "BridgeGAN"),
    ]
    assert [cell.strip() for cell in theirs.rows[2][1:7]] == ["15.89", "14.17", "43.33", "43.21", "34.45", "35.38"]


def test_what_conversions_lack_has_no_column(folder: Path) -> None:
    page = page_of(folder / "index.html")
    assert not [figure for figure in page.figures if "Table 1" in figure.text or "Table 2" in figure.text]
    assert not [row for figure in page.figures for row in figure.rows[:1] if any("Leakage" in cell for cell in row)]


def test_every_conversion_has_a_page_with_the_stored_grids(run: Path, folder: Path) -> None:
    assert {path.stem for path in (folder / "conversions").glob("*.html")} == set(CONVERSIONS)
    page = page_of(folder / "conversions" / "cat2dog.html")
    boards = [a["src"] or "" for tag, a in page.elements if tag == "img" and "a column a source" in (a["alt"] or "")]
    assert len(boards) == 2 * 3  # two methods and the true edits, in both modes
    shown = [Image.open(folder / "conversions" / src).convert("RGB").tobytes() for src in boards]
    stored = [
        run / "grids" / name / mode / "cat2dog.png"
        for mode in ("label", "reference")
        for name in ("bridgegan", "starganv2", "truth")
    ]
    assert shown == [Image.open(path).convert("RGB").tobytes() for path in stored]
    references = next(a["src"] or "" for tag, a in page.elements if tag == "img" and a["alt"] == "references")
    upright = Image.open(folder / "conversions" / references).convert("RGB")
    strip = Image.open(run / "grids" / "reference" / "dog.png").convert("RGB")
    third = (0, 2 * SIDE, SIDE, 3 * SIDE), (2 * SIDE, 0, 3 * SIDE, SIDE)
    assert upright.crop(third[0]).tobytes() == strip.crop(third[1]).tobytes()


def test_names_of_conversions_are_checked(tmp_path: Path) -> None:
    run = write_domain_run(tmp_path / "run")
    write_cell(run, "bridgegan", "label", "cat2fox", {})
    with pytest.raises(UserError, match=r"a conversion 'cat2fox' that run\.json does not list"):
        build(run)


def test_a_2_in_the_name_of_an_attribute_makes_no_conversion(tmp_path: Path) -> None:
    run = write_domain_run(tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["attributes"] = [*CONVERSIONS]
    write_json(run / "run.json", record)
    found = Run(run)
    assert not found.space.exclusive and found.spoken("cat2dog") == "cat2dog"
