"""The leaderboard: who is first, by whom it was measured, and what hostile records can do to the page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_outcomes import write_outcomes
from fake_parts import at, change, part, write_whole
from fake_run import EVIL
from pages import Page

from bridgebench.eval.records.archive import zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.run import RunRecord
from bridgebench.harness.commands.main import main
from bridgebench.reports.leaderboard import build_leaderboard


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whole(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def shown(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder of runs and archives, and what the command says of its leaderboard."""
    folder = tmp_path_factory.mktemp("folder")
    ours = part(whole, folder / "ours", "bridgegan", "stargan", "identity", "oracle", how=at("2026-01-01T00:00:00"))
    write_outcomes(ours)
    theirs = part(whole, folder / "theirs", EVIL, "identity", how=at("2026-02-02T00:00:00"))
    write_outcomes(theirs)
    (folder / "theirs-records.zip").write_bytes(zipped(RunDirectory(theirs), by=f"Lab {EVIL}"))
    shutil.rmtree(theirs)
    elsewhere = part(whole, folder / "elsewhere", "copy", how=lambda record: record["protocol"].update(seed=1))
    assert elsewhere.is_dir()
    (folder / "broken.zip").write_bytes(b"PK")
    liar = part(whole, folder / "liar", "copy", how=lambda record: record["protocol"].update(seed=2))
    record = json.loads((liar / "run.json").read_text())
    record.pop("sha256")
    hashed = RunRecord.read(ours / "run.json").protocol_hash
    (liar / "run.json").write_text(json.dumps(record | {"protocol_hash": hashed}))
    contrary = part(whole, folder / "contrary", "copy")
    change(contrary, lambda record: record["protocol"].update(attributes=["Something"]))
    (folder / "notes.txt").write_text("no run")
    (folder / "link").symlink_to(ours)
    code = main(["report", str(folder), "--leaderboard", "--json"])
    assert code == 1  # some are not shown
    return folder, json.loads((folder / "leaderboard/leaderboard.json").read_text())


def pages(folder: Path) -> list[tuple[Path, Page]]:
    return [(path, Page(path.read_text())) for path in sorted((folder / "leaderboard").rglob("*.html"))]


def test_rows_are_ordered_by_the_second_judge_and_name_their_makers(shown: tuple[Path, dict[str, Any]]) -> None:
    folder, found = shown
    group = next(each for each in found["groups"] if len(each["tables"][0]["rows"]) > 2)
    rows = group["tables"][0]["rows"]
    methods = [row for row in rows if not row["control"]]
    expected = {}
    for name, title in (("bridgegan", "BridgeGAN"), ("stargan", "StarGAN")):
        cells = (folder / "ours/cells" / name / "label").glob("*.json")
        values = [json.loads(path.read_text())["measures"]["accuracy_second"]["value"] for path in cells]
        expected[title] = 100 * sum(values) / len(values)
    for row in methods:
        if row["method"] in expected:
            assert row["numbers"][0]["value"] == pytest.approx(expected[row["method"]])
    values = [row["numbers"][0]["value"] for row in methods]
    assert len(values) == 3 and values == sorted(values, reverse=True)
    makers = {row["method"]: [made["by"] for made in row["made"]] for row in rows}
    assert makers["BridgeGAN"] == ["not named (ours)"] and makers[EVIL] == [f"Lab {EVIL}"]
    assert makers["Identity"] == ["not named (ours)", f"Lab {EVIL}"]  # both have measured it, alike
    assert next(row["method"] for row in rows if row["control"]) == "Oracle"
    assert {made["on"] for row in rows for made in row["made"]} == {"2026-01-01", "2026-02-02"}


def test_protocols_are_never_in_one_table_and_what_cannot_be_read_is_named(shown: tuple[Path, dict[str, Any]]) -> None:
    folder, found = shown
    hashes = [group["protocol"] for group in found["groups"]]
    assert sorted(hashes) == sorted(
        RunRecord.read(folder / name / "run.json").protocol_hash for name in ("ours", "elsewhere")
    )
    page = Page((folder / "leaderboard/index.html").read_text())
    words = " ".join(page.words)
    assert "Not shown" in words
    for name, why in (
        ("broken.zip", "not an archive"),
        ("liar", "its protocol is not"),
        ("contrary", "says otherwise"),
    ):
        assert f"{name} " in words and why in words
    assert not list((folder / "leaderboard").glob("runs/l*"))


def test_it_is_offline_and_nothing_of_a_stranger_is_markup(shown: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = shown
    root = folder / "leaderboard"
    index = Page((root / "index.html").read_text())
    assert EVIL in (root / "leaderboard.json").read_text()
    for path, page in pages(folder):
        for tag, attributes in page.elements:
            assert not [name for name in attributes if name.startswith("on")], path
            for name in ("src", "href"):
                link = attributes.get(name) or ""
                assert not link.startswith(("http", "//", "javascript")), (tag, link)
    links = [a["href"] or "" for tag, a in index.elements if tag == "a"]
    for link in links:
        assert link.startswith("#") or (root / link).resolve().is_relative_to(root.resolve()), link
        assert link.startswith("#") or (root / link).is_file(), link
    assert {"runs/ours/index.html", "runs/theirs-records-zip/index.html"} <= {*links}
    assert any(link.startswith("runs/ours/methods/") for link in links)


def test_the_best_is_marked_by_paired_tests_over_all_runs(shown: tuple[Path, dict[str, Any]]) -> None:
    text = (shown[0] / "leaderboard/index.html").read_text()
    assert text.count("Both are by paired tests") == 1  # of the other group there are no outcomes
    assert "<b>" in text or "<u>" in text


def test_of_images_that_must_not_be_passed_on_only_edits_are_shown(whole: Path, tmp_path: Path) -> None:
    run = part(whole, tmp_path / "photos", "bridgegan", "identity")
    change(run, lambda record: record["data"].update(photos_stay=True))
    found = build_leaderboard(tmp_path, tmp_path / "out")
    assert [one.name for one in found.runs] == ["photos"] and found.refused == {}
    text = (tmp_path / "out/runs/photos/index.html").read_text()
    assert "only what networks made of them is shown" in " ".join(text.split())


def test_runs_that_disagree_are_both_shown(whole: Path, tmp_path: Path) -> None:
    part(whole, tmp_path / "a", "stargan", how=at("2026-01-01T00:00:00"))
    other = part(whole, tmp_path / "b", "stargan", how=at("2026-02-02T00:00:00"))
    path = RunDirectory(other).cell_file("stargan", "label", "Male")
    cell = json.loads(path.read_text())
    cell["measures"]["accuracy_second"]["value"] = 0.001
    path.write_text(json.dumps(cell))
    build_leaderboard(tmp_path, tmp_path / "out")
    found = json.loads((tmp_path / "out/leaderboard.json").read_text())["groups"]
    rows = found[0]["tables"][0]["rows"]
    renamed = f"StarGAN ({RunRecord.read(other / 'run.json').id[:8]})"
    assert [row["method"] for row in rows] == ["StarGAN", renamed]
    assert [row["made"][0]["by"] for row in rows] == ["not named (a)", "not named (b)"]


def test_mistakes_are_told(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path), "--leaderboard"]) == 2
    assert "has no run directory and no archive" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "nowhere"), "--leaderboard"]) == 2
    assert main(["report", str(tmp_path), str(tmp_path), "--leaderboard"]) == 2
    assert main(["report", str(tmp_path), "--leaderboard", "--diff"]) == 2
    part(whole, tmp_path / "run", "copy")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    capsys.readouterr()
    assert main(["report", str(tmp_path), "--leaderboard", "--out", str(tmp_path / "out")]) == 2
    assert "nothing in it was touched" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
