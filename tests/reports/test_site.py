"""The page of a run: whole, safe, honest about protocols, and made without torch."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from fake_run import EVIL, HASH, RARE, write_cell, write_json, write_run
from pages import Page
from PIL import Image

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import build


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def index(run: Path) -> Path:
    return build(run)


@pytest.fixture(scope="module")
def page(index: Path) -> Page:
    return Page(index.read_text(encoding="utf-8"))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A run of its own to damage, without pictures."""
    return write_run(tmp_path / "run", pictures=False)


def test_the_page_lies_in_the_run_directory_or_where_it_was_asked_for(run: Path, index: Path, tmp_path: Path) -> None:
    assert index == run / "report" / "index.html"
    elsewhere = build(run, tmp_path / "page")
    assert elsewhere == tmp_path / "page" / "index.html"
    first = {path.relative_to(index.parent): path.read_bytes() for path in index.parent.rglob("*") if path.is_file()}
    second = {path.relative_to(elsewhere.parent): path.read_bytes() for path in elsewhere.parent.rglob("*.*")}
    assert first == second  # the same records give the same bytes


def test_the_table_of_all_cells_is_made_of_the_cells_and_not_copied(small: Path) -> None:
    (small / "summary.csv").write_text("method,mode,attribute,kind,n,accuracy\nstargan,label,Male,method,400,0.999\n")
    with (build(small).parent / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    cells = RunDirectory(small).cells()
    expected = {(cell.method, cell.mode, cell.attribute): cell.measures["accuracy"].value for cell in cells}
    assert {(row["method"], row["mode"], row["attribute"]): float(row["accuracy"]) for row in rows} == expected


def test_a_file_of_somebody_else_is_not_replaced_by_a_page(small: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.html").write_text("<title>Notes</title>")
    with pytest.raises(UserError, match=r"notes\.html exists already"):
        build(small, tmp_path / "notes.html", single=True)
    page = build(small, tmp_path / "page.html", single=True)
    before = page.read_bytes()
    assert build(small, page, single=True).read_bytes() == before


def test_building_imports_no_torch(small: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bridgebench.reports.site import build;"
        "import bridgebench.reports.read.compare, bridgebench.templates.grids;"
        f"build(Path({str(small)!r})); print([name for name in sys.modules if name.split('.')[0] == 'torch'])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def pages(index: Path) -> dict[Path, Page]:
    """Every page of the run."""
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(index.parent.rglob("*.html"))}


def test_every_method_and_attribute_has_a_page(index: Path, pages: dict[Path, Page]) -> None:
    names = {path.relative_to(index.parent).as_posix() for path in pages}
    assert {"index.html", "provenance.html", "methods/bridgegan.html", "attributes/mouth_slightly_open.html"} <= names
    assert "methods/img-src-x-onerror-alert-1.html" in names
    assert len([name for name in names if name.startswith("methods/")]) == 7
    assert len([name for name in names if name.startswith("attributes/")]) == 14


def test_what_others_named_does_no_harm(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert EVIL not in path.read_text(encoding="utf-8")
        tags = {tag for tag, _ in page.elements}
        assert not tags & {"iframe", "object", "embed", "form", "base"}
        assert [attributes for tag, attributes in page.elements if tag == "script"] == [{}]
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
        policies = [a["content"] or "" for tag, a in page.elements if tag == "meta" and "http-equiv" in a]
        assert len(policies) == 1 and "default-src 'none'" in policies[0]
        text = path.read_text(encoding="utf-8").partition("<script>")[2].partition("</script>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}';" in policies[0]  # this script and no other


def test_they_need_no_network_and_every_link_leads_somewhere(index: Path, pages: dict[Path, Page]) -> None:
    ids = {path: [a["id"] for _, a in page.elements if "id" in a] for path, page in pages.items()}
    folder = index.parent.resolve()
    for path, page in pages.items():
        assert len(ids[path]) == len(set(ids[path])), path
        for link in [a[name] or "" for _, a in page.elements for name in ("src", "href") if name in a]:
            if link == "data:,":
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path.resolve()
            assert target.is_relative_to(folder) and target.is_file(), link
            assert not anchor or anchor in ids[folder / target.relative_to(folder)], link
        labels = {a["for"] for tag, a in page.elements if tag == "label" and "for" in a}
        assert labels <= set(ids[path])
        assert all("alt" in attributes for tag, attributes in page.elements if tag == "img")
    assert "http" not in (index.parent / "style.css").read_text()


def test_one_gets_from_every_page_to_every_other(index: Path, pages: dict[Path, Page]) -> None:
    every = {path.resolve() for path in pages if "cells" not in path.parts}
    for path, page in pages.items():
        links = [(a["href"] or "").partition("#")[0] for tag, a in page.elements if tag == "a"]
        assert every <= {(path.parent / link).resolve() for link in links if link} | {path.resolve()}


def test_a_method_page_has_its_facts_rows_and_edits(index: Path) -> None:
    html = (index.parent / "methods" / "bridgegan.html").read_text(encoding="utf-8")
    assert "2,345,678" in html and "ab" * 32 in html and "A made-up paper, 2020" in html
    assert "20,000" in html  # iterations, of the weights' card
    page = Page(html)
    assert [len(figure.rows) for figure in page.figures] == [1 + 14 + 2] * 4  # head, attributes, mean and its heading
    assert {row[0].strip() for row in page.figures[0].rows[1:15]} == {name.replace("_", " ") for name in CELEBA14}
    strips = [a["src"] or "" for tag, a in page.elements if tag == "img" and "strip" in (a.get("class") or "")]
    assert len(strips) == 6 * (2 + 3)  # six faces: by label edit and truth; by reference the reference too


def test_an_attribute_page_has_the_methods_side_by_side(index: Path) -> None:
    page = Page((index.parent / "attributes" / "bangs.html").read_text(encoding="utf-8"))
    by_label = [row[0].strip() for row in page.figures[0].rows]
    assert by_label[:1] + sorted(by_label[1:4]) == ["Method", EVIL, "BridgeGAN", "StarGAN"]  # by the second judge
    assert by_label[4:] == ["Controls", "Identity", "Attack", "Oracle"]
    paper = next(figure for figure in page.figures if "published" in figure.classes)
    assert [row[0].strip() for row in paper.rows[1:]] == ["StarGAN", "STGAN", "SMIT", "BridgeGAN"]
    assert [cell.strip() for cell in paper.rows[4][1:]] == ["94.0", "10.99"]
    tiles = [a for tag, a in page.elements if tag == "img" and a.get("class") == "tile"]
    assert tiles and all((a["style"] or "").startswith("--place: 8; --of: 13") for a in tiles)  # the 9th of 14


def test_every_table_of_ours_says_n_and_protocol_and_the_papers_says_otherwise(page: Page) -> None:
    ours = [figure for figure in page.figures if "published" not in figure.classes]
    theirs = [figure for figure in page.figures if "published" in figure.classes]
    assert all(f"protocol {HASH[:12]}" in figure.text for figure in ours)
    assert all("N = " in figure.text for figure in ours if "table" in figure.classes and "Cost" not in figure.text)
    assert len(theirs) == 4  # accuracy and distance, by label and by reference
    for figure in theirs:
        assert "as published" in figure.text and "not comparable" in figure.text
        assert HASH[:12] not in figure.text and EVIL not in figure.text
    label = theirs[0].rows
    assert [row[0].strip() for row in label[1:]] == ["StarGAN", "STGAN", "SMIT", "BridgeGAN"]
    assert label[1][1].strip() == "85.1" and label[4][14].strip() == "89.3"
    assert label[4][15].strip() == "86.9"  # the mean of the row, worked out by hand: 1216.6 / 14


def test_controls_and_baselines_stand_apart(run: Path, page: Page) -> None:
    target = next(figure for figure in page.figures if "Table 2, measured here" in figure.text)
    names = [row[0].strip() for row in target.rows]
    assert names.index("Controls") > names.index(EVIL) > names.index("BridgeGAN")
    assert names.index("Real against real") > names.index("Oracle") > names.index("Controls")
    assert names[-2:] == ["Floor", "Null edit"] and "N = 250" in target.rows[-2][1]
    baselines = json.loads((run / "baselines.json").read_text())["null"]
    shown = [name for name in CELEBA14 if name not in RARE]
    assert target.rows[-1][-1].strip().startswith(f"{sum(baselines[name]['value'] for name in shown) / len(shown):.2f}")
    whole = [figure for figure in page.figures if "Table 2, measured here" in figure.text][1]
    assert whole.rows[-1][0].strip() == "Floor"  # against all images a null edit pays what Identity does
    assert "fewer than 50 real images with the attribute" in target.text  # why there is a dash
    assert "nothing is bold" in target.text


def test_rows_of_another_protocol_get_tables_of_their_own(small: Path) -> None:
    other = "beef" * 16
    path = write_cell(small, "stargan", "label", "Young", {"accuracy": {"value": 0.4321, "n": 7}}, other)
    html = build(small).read_text(encoding="utf-8")
    with_value = [figure for figure in Page(html).figures if "43.2" in figure.text]
    assert path.is_file() and with_value
    for figure in with_value:
        assert f"protocol {other[:12]}" in figure.text and HASH[:12] not in figure.text
        assert not [row for row in figure.rows if row[0].strip() == "BridgeGAN"]


def test_an_unfinished_run_has_a_page_that_says_so(small: Path) -> None:
    (small / "cells" / "stargan" / "label" / "Young.json").unlink()
    failed = small / "cells" / "stargan" / "label" / "Bangs.json"
    failed.rename(failed.with_suffix(".error.txt"))
    html = build(small).read_text(encoding="utf-8")
    assert "This run is not finished: 152 of 154 cells are there." in html
    assert "goes on where it stopped" in html and "the method raised an error" in html


def test_the_grid_shows_the_stored_pixels(run: Path, index: Path) -> None:
    row = Image.open(index.parent / "grids" / "label-1-1.png").convert("RGB")
    assert row.size == (14 * 64, 64)
    strip = Image.open(run / "samples" / "bridgegan" / "label" / "Smiling.png")
    column = CELEBA14.index("Smiling")
    assert row.crop((column * 64, 0, column * 64 + 64, 64)).tobytes() == strip.crop((0, 0, 64, 64)).tobytes()
    evil = Image.open(index.parent / "grids" / "label-1-3.png")
    assert evil.mode == "RGBA" and evil.getpixel((CELEBA14.index("Male") * 64 + 9, 9))[3] == 0  # no strip: a hole


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "deep" / "run", pictures=False)
    record = json.loads((folder / "run.json").read_text())
    record["methods"]["../../../escaped"] = record["methods"]["stargan"]
    record["profile_name"] = "x; rm -rf $HOME"
    write_json(folder / "run.json", record)
    source = folder / "samples" / "source.png"
    source.parent.mkdir()
    Image.new("RGB", (64, 64)).save(source)
    strip = folder / "samples" / quote("../../../escaped", safe="") / "label" / "Young.png"
    strip.parent.mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(strip)
    record["limit"], record["protocol"]["device"] = 700, "cuda"
    record["protocol"]["data"] = {"preparation": {"crop": "178x178"}}
    write_json(folder / "run.json", record)
    before = {path for path in tmp_path.rglob("*") if "run" not in path.relative_to(tmp_path).parts}
    html = (build(folder).parent / "provenance.html").read_text(encoding="utf-8")
    assert before == {path for path in tmp_path.rglob("*") if "run" not in path.relative_to(tmp_path).parts}
    assert {path.parent.name for path in (folder / "report").rglob("*.png")} == {"grids"}
    assert "--profile &#39;x; rm -rf $HOME&#39;" in html  # pasted, it is one word to the shell
    assert " --limit 700 --data-root DIR --device cuda --out" in html


_CELL = "cells/stargan/label/Young.json"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda run: (run / "run.json").unlink(), "has no run.json"),
        (lambda run: (run / "run.json").write_text("{"), "run.json is damaged"),
        (lambda run: write_json(run / "run.json", {"schema": 2}), "run.json is damaged (schema"),
        (lambda run: write_cell(run, "nobody", "label", "Young", {}), "a method 'nobody' that run.json"),
        (lambda run: write_cell(run, "stargan", "label", "Beauty", {}), "an attribute 'Beauty' that run.json"),
        (lambda run: __import__("shutil").rmtree(run / "cells"), "has no finished cell yet"),
        (lambda run: (run / "report").write_text("a file in the way"), "exists and is not a folder of our pages"),
    ],
)
def test_a_damaged_run_is_told_in_one_sentence(small: Path, damage, says: str) -> None:
    damage(small)
    with pytest.raises(UserError, match=r"^[^\n]+$") as caught:
        build(small)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "name", "why"),
    [
        (lambda run: (run / "cells/stargan/label/Young.json").write_text("[]"), _CELL, "the whole file"),
        (lambda run: (run / "cells/stargan/label/Young.json").write_bytes(b"\xff\xfe"), _CELL, "Expecting value"),
        (lambda run: write_cell(run, "stargan", "label", "Young", {"accuracy": {"value": float("nan")}}), _CELL, "NaN"),
        (lambda run: write_json(run / "baselines.json", {"floor": 3}), "baselines.json", "floor"),
    ],
)
def test_a_damaged_record_is_left_out(small: Path, damage, name: str, why: str) -> None:
    damage(small)
    run = Run(small)
    assert [*run.damaged] == [small / name] and why in run.damaged[small / name]
    page = build(small).read_text()
    assert ("its record is damaged" in page) == (name == _CELL)


def test_a_damaged_picture_is_told_in_one_sentence(small: Path) -> None:
    source = small / "samples" / "source.png"
    source.parent.mkdir()
    source.write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"source\.png is damaged"):
        build(small)
    Image.new("RGB", (100, 64)).save(source)
    with pytest.raises(UserError, match="not a strip of 64 pixel squares"):
        build(small)
