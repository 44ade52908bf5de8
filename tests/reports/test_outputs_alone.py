"""Pages for others of images that may not be passed on: what networks made of them, and nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from fake_run import METHODS, SIDE, write_json, write_run
from PIL import Image

from bridgebench.reports.figures import heat
from bridgebench.reports.pages.front import progress
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import build, site_of

CONTROLS = [name for name, (_, kind, *_) in METHODS.items() if kind == "control"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of photos: without true edits, as the data set 'folder' whose profile does not say that it may travel."""
    found = write_run(tmp_path_factory.mktemp("run"))
    record = json.loads((found / "run.json").read_text())
    record["data"] |= {"name": "folder", "photos_stay": True}
    write_json(found / "run.json", record)
    return found


def squares(files: Iterable[bytes]) -> set[bytes]:
    """Every square of 64 pixels of pictures that are made of such squares."""
    found = set()
    for data in files:
        with Image.open(io.BytesIO(data)) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        if pixels.shape[0] % SIDE == 0 and pixels.shape[1] % SIDE == 0:
            for y in range(0, pixels.shape[0], SIDE):
                found |= {pixels[y : y + SIDE, x : x + SIDE].tobytes() for x in range(0, pixels.shape[1], SIDE)}
    return found


def pngs(files: Mapping[str, bytes]) -> list[bytes]:
    return [data for path, data in files.items() if path.endswith(".png")]


def secret(folder: Path) -> set[bytes]:
    """The squares of all pictures of a run that are no edits of a network."""
    samples = folder / "samples"
    paths = [samples / "source.png", *samples.glob("reference/*.png"), *samples.glob("truth/**/*.png")]
    paths += [path for name in CONTROLS for path in samples.glob(f"{name}/**/*.png")]
    found = squares(path.read_bytes() for path in paths)
    for path in folder.glob("details/*/*/*.png"):
        kinds = json.loads(path.with_suffix(".json").read_text())["kinds"]
        with Image.open(path) as column:
            for place in range(column.height // SIDE):
                if kinds[place % len(kinds)] != "edit":
                    square = column.crop((0, place * SIDE, SIDE, (place + 1) * SIDE))
                    found.add(np.asarray(square.convert("RGB")).tobytes())
    return found


def test_no_image_of_the_data_set_is_shown_to_others(folder: Path) -> None:
    hidden = secret(folder)
    assert hidden & squares(pngs(site_of(Run(folder)).files))  # one's own pages show them
    site = site_of(Run(folder, for_others=True))
    shown = squares(pngs(site.files))
    assert not hidden & shown
    edits = squares(path.read_bytes() for path in folder.glob("samples/bridgegan/label/*.png"))
    assert len(edits & shown) > len(METHODS)
    maps = [path for path in site.files if "difference" in path or "heat" in path or "faces-" in path]
    assert {*maps} <= {heat.SCALE}  # the scale of colours alone


def test_the_pages_say_so(folder: Path, tmp_path: Path) -> None:
    assert "keep them to yourself" in progress(Run(folder))
    assert "only what networks made" in progress(Run(folder, for_others=True))
    page = build(folder, tmp_path / "page.html", single=True).read_text()
    assert "only what networks made" in page and "keep them to yourself" not in page


def test_pages_of_drawn_images_are_the_same_for_everybody(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    own, others = (site_of(Run(folder, for_others=for_others)) for for_others in (False, True))
    assert own.files == others.files and progress(Run(folder)) == ""


@pytest.mark.parametrize(("name", "keeps"), [("celeba", True), ("afhq", True), ("faces", False), ("animals", False)])
def test_older_records_are_known_by_the_name_of_their_data(tmp_path: Path, name: str, keeps: bool) -> None:
    folder = write_run(tmp_path / "run", pictures=False)
    record = json.loads((folder / "run.json").read_text())
    write_json(folder / "run.json", record | {"data": record["data"] | {"name": name}})
    assert Run(folder, for_others=True).outputs_alone is keeps
    assert Run(folder).outputs_alone is False
