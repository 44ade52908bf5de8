"""The pages of cells, difference maps and boards: the very pixels that the run holds, and nothing that it does not."""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from fake_run import EVIL, SIDE, write_json, write_run
from pages import Page
from PIL import Image

from bridgebench.methods.core.errors import UserError
from bridgebench.reports.figures import heat
from bridgebench.reports.pages.cells import copies
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import render


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def files(run: Path) -> dict[str, bytes]:
    return render(Run(run))


def pixels(data: bytes, mode: str = "RGB") -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode))


def stored(run: Path, mode: str) -> tuple[dict, np.ndarray]:
    """The record and the squares (edits, kinds, H, W, 3) of bridgegan's smiles."""
    path = run / "details" / "bridgegan" / mode / "Smiling.json"
    record = json.loads(path.read_text())
    column = pixels(path.with_suffix(".png").read_bytes())
    return record, column.reshape(-1, len(record["kinds"]), SIDE, SIDE, 3)


def test_every_number_of_the_tables_with_details_leads_to_its_cell(files: dict[str, bytes]) -> None:
    links = {a["href"] for tag, a in Page(files["index.html"].decode()).elements if tag == "a" and a.get("href")}
    cells = {path for path in files if path.startswith("cells/") and path.endswith(".html")}
    assert len(cells) == 2 * 2 * 2 and cells <= links


def test_a_cell_shows_the_stored_pixels(run: Path, files: dict[str, bytes]) -> None:
    record, squares = stored(run, "label")
    edits = pixels(files["cells/bridgegan/label/smiling-edit.png"]).reshape(-1, SIDE, SIDE, 3)
    assert np.array_equal(edits, squares[:, record["kinds"].index("edit")])


def test_source_and_patch_together_are_the_true_edit(run: Path, files: dict[str, bytes]) -> None:
    record, squares = stored(run, "label")
    source, truth = (squares[:, record["kinds"].index(kind)] for kind in ("source", "truth"))
    patch = pixels(files["cells/bridgegan/label/smiling-truth.png"], "RGBA").reshape(-1, SIDE, SIDE, 4)
    opaque = patch[..., 3:] == 255
    assert 0 < opaque.mean() < 0.5 and set(np.unique(patch[..., 3])) == {0, 255}
    assert np.array_equal(np.where(opaque, patch[..., :3], source), truth)


def test_every_source_is_kept_once(run: Path, files: dict[str, bytes]) -> None:
    sheets = [path for path in files if path.startswith("cells/faces-")]
    ids = set()
    for path in (run / "details").rglob("*.json"):
        ranked = [one for one in json.loads(path.read_text())["shown"] if one["place"] != "fixed"]
        ids |= {one[kind] for one in ranked for kind in ("id", "reference") if one[kind] is not None}
    assert sum(pixels(files[sheet]).shape[0] for sheet in sheets) == len(ids) * SIDE
    _, squares = stored(run, "label")
    faces = np.concatenate([pixels(files[sheet]) for sheet in sheets]).reshape(-1, SIDE, SIDE, 3)
    assert any(np.array_equal(face, squares[0, 0]) for face in faces)


def test_an_edit_that_copies_is_not_kept_again() -> None:
    source, truth = np.zeros((3, 2, 2, 3), np.uint8), np.ones((3, 2, 2, 3), np.uint8)
    edit = np.stack([source[0], truth[1], truth[2] + 1])
    assert copies({"source": source, "truth": truth, "edit": edit}) == ["source", "truth", None]


def test_a_cell_says_what_the_judge_read(run: Path, files: dict[str, bytes]) -> None:
    record, _ = stored(run, "reference")
    html = files["cells/bridgegan/reference/smiling.html"].decode()
    for reading in record["shown"][:6]:
        said = f"{100 * reading['before']:.0f} → {100 * reading['after']:.0f}&nbsp;%"
        assert said in html and f"{100 * reading['score']:.2f}" in html
    assert "asked to add it" in html or "asked to remove it" in html


def test_a_difference_map_has_the_colour_of_its_percentage() -> None:
    one = np.zeros((2, 3, 3), np.uint8)
    two = one.copy()
    two[0, 0] = 255  # 100 %: the last colour
    two[0, 1] = (0, 0, 96)  # a third of 37.6 %: 12.5 %, the middle
    two[0, 2] = 1  # 0.4 %: nothing yet
    steps = heat.levels(one, two)
    assert steps.tolist() == [[heat.STEPS, heat.STEPS // 2, 0], [0, 0, 0]]
    shown = pixels(heat.png(steps))
    assert shown[0, 0].tolist() == heat.palette()[-1].tolist() and shown[1, 1].tolist() == heat.palette()[0].tolist()
    steps[1, 1] = heat.MISSING
    assert pixels(heat.png(steps), "RGBA")[1, 1, 3] == 0 and pixels(heat.png(steps), "RGBA")[0, 0, 3] == 255


def test_the_colours_grow_lighter_step_by_step() -> None:
    light = heat.palette() @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light) > 0).all()


def test_a_grid_has_difference_maps_under_it(run: Path, files: dict[str, bytes]) -> None:
    row = pixels(files["grids/label-1-1-difference.png"])
    edit, truth = (
        pixels((run / "samples" / name / "label" / "Smiling.png").read_bytes())[:, :SIDE]
        for name in ("bridgegan", "truth")
    )
    assert np.array_equal(row[:, 2 * SIDE : 3 * SIDE], pixels(heat.png(heat.levels(edit, truth))))
    assert "grids/label-1-1-difference.png" in files["index.html"].decode()


def test_boards_stand_on_a_page_of_their_own(run: Path, files: dict[str, bytes]) -> None:
    page = Page(files["figures.html"].decode())
    ids = [a["id"] for tag, a in page.elements if tag == "section"]
    assert ids == ["figure-11", "figure-12", "figure-13", "way-1"]
    whole = pixels((run / "samples" / quote(EVIL, safe="") / "pairs" / "Bangs.png").read_bytes())
    assert np.array_equal(pixels(files["figures/13-3-2.png"]), whole[SIDE : 2 * SIDE])
    assert EVIL not in files["figures.html"].decode()


def test_a_run_without_details_or_boards_has_no_such_pages(tmp_path: Path) -> None:
    files = render(Run(write_run(tmp_path / "run", pictures=False)))
    assert not [path for path in files if path.startswith(("cells/", "figures"))]
    assert "figures.html" not in files["index.html"].decode()


@pytest.fixture
def detailed(tmp_path: Path) -> Path:
    """A run of which one cell has details; the path of their record."""
    from fake_run import write_details

    run = write_run(tmp_path / "run", pictures=False)
    write_details(run, "bridgegan", "label", "Smiling", __import__("random").Random(0))
    return run / "details" / "bridgegan" / "label" / "Smiling.json"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            lambda path: write_json(path, json.loads(path.read_text()) | {"kinds": ["edit"]}),
            "not a column of 6 squares",
        ),
        (lambda path: path.with_suffix(".png").write_bytes(b"no picture"), "is damaged"),
    ],
)
def test_details_that_do_not_fit_are_told_in_one_sentence(detailed: Path, damage, says: str) -> None:
    damage(detailed)
    with pytest.raises(UserError, match=r"^[^\n]+$") as caught:
        render(Run(detailed.parents[3]))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("{"),
        lambda path: write_json(path, json.loads(path.read_text()) | {"schema": 7}),
    ],
)
def test_damaged_details_are_named_and_left_out(detailed: Path, damage) -> None:
    damage(detailed)
    run = Run(detailed.parents[3])
    assert {path.stem for path in run.damaged} == {"Smiling"}
    assert "cells/bridgegan/label/smiling.html" not in render(run)


def test_details_without_their_picture_are_left_out(detailed: Path) -> None:
    detailed.with_suffix(".png").unlink()
    assert "cells/bridgegan/label/smiling.html" not in render(Run(detailed.parents[3]))
