"""Our values beside the paper's: differences and verdicts worked out by hand, and no verdict where nothing compares."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from fake_domains import write_domain_run
from fake_run import HASH, write_cell, write_json, write_run
from pages import Page
from test_exports import SCHEMA, check

from bridgebench.eval.measures import fd
from bridgebench.eval.measures.accuracy import ACCURACY
from bridgebench.reports.paper.added import task_of
from bridgebench.reports.paper.published import printed
from bridgebench.reports.paper.verdicts import differences, judge, judge_error, signed, verdict_table
from bridgebench.reports.read.results import Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import render
from bridgebench.reports.tables.exports import to_csv, to_json, to_latex, to_markdown
from bridgebench.reports.tables.tables import Table

TABLE1, TABLE2, TABLE3 = "table1_accuracy_celeba", "table2_fid_celeba", "table3_fid_afhq"
FD_PAPER = fd.FD_PAPER.in_space("FID", False)
MINUS = "\N{MINUS SIGN}"


def celeba(folder: Path, shares: dict[str, float] | None) -> Path:
    """A made-up run on CelebA with Inception's features; `shares`: how the judge reads real test images."""
    run = write_run(folder, pictures=False)
    record = json.loads((run / "run.json").read_text())
    record["data"] |= {"name": "celeba", "image_size": 128, "n_test": 19_962}
    record["features"] = {"name": "inception", "title": "FID", "dimension": 2048, "digest": "cd" * 32}
    card = {"scores": {"test": {"accuracy": shares}}} if shares is not None else None
    record["judges"]["primary"] |= {"card": card}
    write_json(run / "run.json", record)
    return run


def cell(run: Path, method: str, attribute: str, **measures: Any) -> None:
    write_cell(run, method, "label", attribute, measures)


def share(value: float, low: float, high: float, n: int = 19_962) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": n}


def fid(value: float, n: int = 19_962) -> dict[str, Any]:
    return {"value": value, "n": n, "n_real": 19_962}


def table_of(run: Path, file: str, card: Any) -> Table:
    found = verdict_table([Results(Run(run), HASH, "label")], file, card, "key", "title")
    assert found is not None
    return found


def test_a_verdict_says_where_the_papers_value_lies() -> None:
    assert judge(86.0, 85.1, 84.0, 88.0) == "agrees" and judge(86.0, 84.0, 84.0, 88.0) == "agrees"
    assert judge(90.0, 85.1, 88.0, 92.0) == "higher" and judge(80.0, 85.1, 78.0, 82.0) == "lower"
    assert (signed(1.25, 1), signed(-0.44, 1), signed(-0.04, 1), signed(0.0, 2)) == (
        "+1.2",
        f"{MINUS}0.4",
        "0.0",
        "0.00",
    )


def test_accuracy_agrees_inside_the_interval_widened_by_the_judges_error(tmp_path: Path) -> None:
    run = celeba(tmp_path / "run", {"Young": 0.97, "Smiling": 0.98})
    cell(run, "stargan", "Young", accuracy=share(0.90, 0.88, 0.92))  # the paper's 85.1; 88 - 3 = 85
    cell(run, "stargan", "Smiling", accuracy=share(0.94, 0.93, 0.95))  # 90.1; 93 - 2 = 91
    cell(run, "stargan", "Bangs", accuracy=share(0.90, 0.89, 0.91))  # 94.8; no error is known: 91
    cell(run, "stargan", "Male", accuracy=share(0.5, 0.1, 0.9, n=12))
    cell(run, "stargan", "Goatee", accuracy={"value": None, "reason": "too rare"})
    table = table_of(run, TABLE1, ACCURACY)
    row = {row.title: row.cells for row in table.groups[0].rows}["StarGAN"]
    found = {head.title: one for head, one in zip(table.heads, row, strict=True)}
    assert [(found[name].text, found[name].verdict) for name in ("Young", "Smiling", "Bangs")] == [
        ("+4.9", "agrees"),
        ("+3.9", "higher"),
        (f"{MINUS}4.8", "lower"),
    ]
    assert found["Young"].numbers["paper"] == 85.1 and found["Young"].numbers["difference"] == pytest.approx(4.9)
    assert table.notes == ["not comparable: no interval, or fewer than 30 images", "too rare"]
    assert (found["Male"].note, found["Goatee"].note, found["Male"].verdict) == (1, 2, None)
    assert "2.0 % to 3.0 %" in table.about and "authors' judge is not known" in table.about
    assert [row.title for row in table.groups[0].rows] == ["BridgeGAN", "StarGAN"]  # no control, nobody else's method


def test_the_mean_is_over_what_both_have(tmp_path: Path) -> None:
    run = celeba(tmp_path / "run", None)
    for path in (run / "cells" / "stargan" / "label").glob("*.json"):
        path.unlink()
    cell(run, "stargan", "Young", accuracy=share(0.80, 0.79, 0.81))
    cell(run, "stargan", "Bangs", accuracy=share(0.901, 0.88, 0.92))
    table = table_of(run, TABLE1, ACCURACY)
    mean = table.groups[0].rows[1].cells[-1]
    assert mean.numbers["value"] == pytest.approx(85.05) and mean.numbers["paper"] == pytest.approx((85.1 + 94.8) / 2)
    assert (mean.text, mean.verdict) == (f"{MINUS}4.9", "lower")  # 83.5 to 86.5 against 89.95
    assert "states no error" in table.about


def test_a_distance_agrees_within_the_convention_and_only_at_the_papers_n(tmp_path: Path) -> None:
    run = celeba(tmp_path / "run", None)
    cell(run, "stargan", "Young", fd_paper=fid(21.4))  # 19.48 and a tenth of it: 21.428
    cell(run, "stargan", "Smiling", fd_paper=fid(19.4))  # 17.59: 19.349
    cell(run, "stargan", "Bangs", fd_paper=fid(23.0))  # 26.01: 23.409
    cell(run, "stargan", "Male", fd_paper=fid(22.76, n=2000))
    table = table_of(run, TABLE2, FD_PAPER)
    row = next(row for row in table.groups[0].rows if row.title == "StarGAN")
    found = {head.title: one for head, one in zip(table.heads, row.cells, strict=True)}
    words = {name: found[name].verdict for name in ("Young", "Smiling", "Bangs", "Male")}
    assert words == {"Young": "agrees", "Smiling": "higher", "Bangs": "lower", "Male": None}
    assert "not comparable: 2,000 edits against 19,962 real images, not 19,962 against 19,962" in table.notes
    cell(run, "bridgegan", "Mouth_Slightly_Open", fd_paper=fid(7.5))  # 6.54: within one point
    row = table_of(run, TABLE2, FD_PAPER).groups[0].rows[0]
    assert row.title == "BridgeGAN" and row.cells[1].verdict == "agrees"


def test_files_carry_the_papers_value_the_difference_and_the_verdict(tmp_path: Path) -> None:
    run = celeba(tmp_path / "run", None)
    cell(run, "stargan", "Young", accuracy=share(0.80, 0.79, 0.81))
    table = table_of(run, TABLE1, ACCURACY)
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    stargan = next(line for line in lines if line["Method"] == "StarGAN")
    names = ("Young", "Young low", "Young high", "Young paper", "Young difference", "Young verdict")
    assert [stargan[name] for name in names] == ["80", "79", "81", "85.1", "-5.1", "lower"]
    record = json.loads(to_json(table))
    check(record, SCHEMA)
    first = record["groups"][0]["rows"][1]["cells"][0]
    assert (first["paper"], first["verdict"], first["text"]) == (85.1, "lower", f"{MINUS}5.1")
    assert r"$-$5.1\,{\scriptsize lower}" in to_latex(table)
    assert f"| {MINUS}5.1 <small>lower</small> |" in to_markdown(table)


def test_what_keeps_numbers_apart_is_named(tmp_path: Path) -> None:
    drawn = Run(write_run(tmp_path / "drawn", pictures=False))
    assert differences(drawn, TABLE1) == ["other images (faces, not CelebA)", "another size (64 px, not 128)"]
    assert differences(drawn, TABLE2)[2:] == ["other features (FD (attribute features), not the FID of the paper)"]
    photos = Run(celeba(tmp_path / "photos", None))
    assert differences(photos, TABLE1) == differences(photos, TABLE2) == []
    assert len(differences(photos, TABLE3)) == 3
    assert judge_error(drawn, "Young") is None


def test_the_page_holds_verdicts_where_the_two_compare_and_says_why_elsewhere(tmp_path: Path) -> None:
    run = celeba(tmp_path / "photos", None)
    page = Page(render(Run(run))["index.html"].decode())
    cell(run, "stargan", "Bangs", accuracy=share(0.90, 0.89, 0.91), fd_paper=fid(25.5))  # the paper's 94.8 and 26.01
    files = render(Run(run))
    page = Page(files["index.html"].decode())
    beside = [figure for figure in page.figures if "ours beside the paper's" in figure.text]
    apart = [figure for figure in page.figures if "not comparable with ours" in figure.text]
    assert len(beside) == 3 and [figure.text for figure in apart if "another task (flips" not in figure.text] == []
    assert "Beside the paper&#39;s Table 1: of " in files["index.html"].decode()
    bangs = Page(files["attributes/bangs.html"].decode())
    published = next(figure for figure in bangs.figures if "published" in figure.classes)
    assert published.rows[1] == ["StarGAN ", f"94.8 ours is lower, {MINUS}4.8 ", f"26.01 ours agrees, {MINUS}0.51 "]
    files = render(Run(write_run(tmp_path / "drawn", pictures=False)))
    other = Page(files["attributes/bangs.html"].decode())
    published = next(figure for figure in other.figures if "published" in figure.classes)
    assert published.rows[1] == ["StarGAN ", "94.8 ", "26.01 "] and "not comparable with ours" in published.text
    drawn = Page(files["index.html"].decode())
    assert not [figure for figure in drawn.figures if "ours beside the paper's" in figure.text]
    why = [figure.text for figure in drawn.figures if "published" in figure.classes]
    assert all("not comparable with ours: other images (faces, not CelebA)" in text for text in why)


def test_table_3_is_held_against_conversions_of_afhq(tmp_path: Path) -> None:
    run = write_domain_run(tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["data"] |= {"name": "afhq", "image_size": 256}
    record["features"] |= {"name": "inception-imagenet", "title": "FID (torchvision)"}
    write_json(run / "run.json", record)
    right = {"value": 15.2, "n": 5000, "n_real": 5153}
    write_cell(run, "bridgegan", "label", "dog2cat", {"fd_target": right})  # the paper's 15.03
    write_cell(run, "bridgegan", "label", "wild2cat", {"fd_target": right | {"n_real": 5065}})  # AFHQ's second version
    found = Run(run)
    modes = [Results(found, HASH, mode) for mode in ("label", "reference")]
    table = verdict_table(modes, TABLE3, fd.FD_TARGET.in_space("FID", True), "key", "title")
    assert table is not None and [group.title for group in table.groups] == ["Edits by label", "Edits by reference"]
    cells = next(row.cells for row in table.groups[0].rows if row.title == "BridgeGAN")
    assert (cells[0].text, cells[0].verdict) == ("+0.17", "agrees") and cells[1].verdict is None
    assert "not comparable: 5,000 edits against 5,065 real images, not 5,000 against 5,153" in table.notes


def test_added_attributes_are_held_against_the_papers_test_by_reference(tmp_path: Path) -> None:
    run = celeba(tmp_path / "run", None)
    record = json.loads((run / "run.json").read_text())
    write_json(run / "run.json", record | {"kinds": {"Young-added": "added"}})
    paper = printed(TABLE1)["bridgegan", "reference"]["Young"]
    value = paper / 100
    write_cell(run, "bridgegan", "reference", "Young-added", {"accuracy": share(value, value - 0.01, value + 0.01)})
    flips = Results(Run(run), HASH, "reference")
    assert verdict_table([flips], TABLE1, ACCURACY, "key", "title") is None  # another task
    table = verdict_table([task_of(flips, TABLE1)], TABLE1, ACCURACY, "key", "title")
    assert table is not None
    row = next(row for row in table.groups[0].rows if row.title == "BridgeGAN")
    assert (row.cells[0].text, row.cells[0].verdict, row.cells[1].verdict) == ("0.0", "agrees", None)
