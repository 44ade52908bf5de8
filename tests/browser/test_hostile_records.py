"""Pages of records in which every text is hostile, in a real browser: no script of theirs runs, nothing leaves.

`tests/reliability/page_check.py` holds pages against what they may have; here a browser is the judge.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridgebench.eval.records.details import Details
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import Baselines, CellRecord, CostRecord
from bridgebench.eval.records.record import Record, to_json
from bridgebench.eval.records.run import RunRecord
from bridgebench.eval.records.seal import SEAL, sealed
from bridgebench.reports.leaderboard import build_leaderboard
from bridgebench.reports.read.compare import compare
from bridgebench.reports.read.run import Run
from bridgebench.reports.single import single_file
from bridgebench.reports.site import build, site_of

sys.path.insert(0, str(Path(__file__).parents[1] / "reliability"))
sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
from fake_parts import change
from little_run import write_little_run
from merge_readers import with_own_measures

if TYPE_CHECKING:
    from playwright.sync_api import Browser

OUT = "http://127.0.0.1:9/out"
# Each sets `struck` or asks for an address if it comes to life, in a text, an attribute, a script, a style or a link.
WORDS = (
    f"</script><script>window.struck=1;fetch('{OUT}')</script>",
    f"<img src='{OUT}' onerror='window.struck=1'>",
    f"\"><svg onload=\"window.struck=1\"><image href='{OUT}'/></svg>",
    f"'\" autofocus onfocus=window.struck=1 style=background:url({OUT}) x='",
    f"javascript:window.struck=1//{OUT}",
    f"</style><link rel=stylesheet href='{OUT}'><style>@import '{OUT}';",
    f"--></title></textarea><iframe srcdoc=\"<script>parent.struck=1</script>\"></iframe><base href='{OUT}/'>",
    f"<meta http-equiv=refresh content='0;url={OUT}'><form action='{OUT}'><button autofocus>",
    f"{{{{ 7*7 }}}}${{window.struck=1}}`-window.struck=1-`\\';window.struck=1//{OUT}",
    "\u202e\u2066gpj.exe\u200b\x00\x1b]0;title\x07\x9b2J\ufeff\r\n\x85\u2028",
    "../../../../etc/x", "CON", "..\\..\\nul.html", "/etc/passwd", "~root/x", ".", "%2e%2e%2f", "A" * 2000,
)  # fmt: skip
ALIEN = "document.querySelectorAll('iframe, base, form, object, embed, [onload], [onerror], [onfocus]')"
USED = """document.querySelectorAll("details").forEach(each => each.open = true);
for (const each of document.body.querySelectorAll("*"))
    for (const kind of ["mouseover", "focus", "pointerenter"]) each.dispatchEvent(new Event(kind));
document.querySelectorAll("button").forEach(each => each.click());"""
LINKS = """[...document.querySelectorAll("[href], [src]")].map(
    each => new URL(each.getAttribute("href") ?? each.getAttribute("src"), document.baseURI).href)"""
# What pages and other records are found by; `test_names` spoils these.
KEPT = ("schema", "protocol_hash", "method", "attribute", "key", SEAL)


def spoiled(kind: type[Record], path: Path, number: int) -> None:
    """Makes every text and every name in a record hostile, wherever such a record can still be read."""
    good = json.loads(path.read_text())
    good.pop(SEAL, None)

    def readable() -> bool:
        try:
            kind.model_validate(good)
        except ValueError:
            return False
        return True

    def spoil(value: Any, key: str | int, inner: Any) -> None:
        nonlocal number
        if isinstance(inner, str):
            number += 1
            word = WORDS[number % len(WORDS)]
            for new in (word, word[:199], f"{inner[:20]}{word}"[:200]):
                value[key] = new
                if readable():
                    return
            value[key] = inner
        elif isinstance(inner, dict | list):
            walk(inner)

    def walk(value: Any) -> None:
        for key, inner in [*value.items()] if isinstance(value, dict) else [*enumerate(value)]:
            if value is not good or key not in (*KEPT, "attributes", "columns", "kinds", "methods"):
                spoil(value, key, inner)
            elif key == "methods":
                for method in inner.values():
                    walk(method)

    walk(good)
    if kind is RunRecord:
        for part in ("protocol", "profile", "packages", "code", "hardware"):
            good[part] |= {word: word for word in WORDS}
    if kind is CellRecord:
        good["measures"]["edge_error"] = {"values": {word[:300]: 0.5 for word in WORDS}, "n": 4}
        good["measures"]["doubt"] = {"value": None, "reason": WORDS[number % len(WORDS)]}
    kind.model_validate(good)
    path.write_bytes(to_json(sealed(good)))


def renamed(run: Path, kind: str, old: str, new: str) -> None:
    """Gives a method or an attribute another name, in run.json and all records."""
    directory = RunDirectory(run)
    record = json.loads(directory.run_file.read_text())
    record.pop(SEAL, None)
    if kind == "method":
        record["methods"] = {new if name == old else name: found for name, found in record["methods"].items()}
    else:
        record["attributes"] = [new if name == old else name for name in record["attributes"]]
    renamed_record = RunRecord.model_validate(record)
    for path in [*run.glob("cells/*/*/*.json"), *run.glob("details/*/*/*.json"), *run.glob("cost/*/*.json")]:
        found = json.loads(path.read_text())
        found.pop(SEAL, None)
        if found.get(kind) != old:
            continue
        found[kind] = new
        path.unlink()
        folder = path.relative_to(run).parts[0]
        place = found["method"], found["mode"], found.get("attribute", "")
        where = {"cells": directory.cell_file, "details": directory.details_file}.get(folder)
        target = directory.cost_file(*place[:2]) if where is None else where(*place)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(to_json(sealed(found)))
        if folder == "details" and path.with_suffix(".png").is_file():
            shutil.move(path.with_suffix(".png"), directory.details_picture(*place))
    directory.run_file.write_bytes(to_json(sealed(renamed_record.plain())))


def hostile_run(folder: Path, number: int) -> Path:
    """A run whose records say nothing but harm; `number` says which text gets which word."""
    run = with_own_measures(write_little_run(folder / "good"), folder / f"run{number}<img src=x onerror=struck=1>")
    shutil.rmtree(folder / "good")
    directory = RunDirectory(run)
    spoiled(RunRecord, directory.run_file, number)
    spoiled(Baselines, directory.baselines_file, number)
    for kind, paths in (
        (CellRecord, directory.cell_files()),
        (CostRecord, directory.cost_files()),
        (Details, sorted(run.glob("details/*/*/*.json"))),
    ):
        for place, path in enumerate(paths):
            spoiled(kind, path, number + place)
    change(run, true_to_itself)
    return run


def true_to_itself(record: dict[str, Any]) -> None:
    """Brings a protocol in line with what run.json says elsewhere: a leaderboard refuses what contradicts itself."""
    data, protocol = record["data"], record["protocol"]
    protocol["attributes"] = record["attributes"]
    protocol["features"], protocol["others"] = record["features"], None
    protocol["data"] = {**data, "n": data["n_test"]}


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[Path], int]]:
    """Opens pages of every kind in a folder, uses them a little, and counts them. Nothing may come to life."""
    context = browser.new_context()
    wrong: list[str] = []
    page = context.new_page()
    page.set_default_timeout(300_000)
    here = ("file:///", "data:", "blob:")
    page.on("request", lambda found: None if found.url.startswith(here) else wrong.append(f"asked for {found.url}"))
    page.on("dialog", lambda dialog: (wrong.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
    page.on("popup", lambda found: wrong.append(f"a window: {found.url}"))
    page.on("download", lambda found: wrong.append(f"a download: {found.url}"))
    page.on("pageerror", lambda error: wrong.append(f"an error: {error}"))
    page.on("console", lambda found: wrong.append(found.text) if found.type in ("error", "warning") else None)
    page.add_init_script("addEventListener('securitypolicyviolation', e => window.barred = e.blockedURI || 'inline')")

    def visit_site(site: Path) -> int:
        folders = [sorted(each.rglob("*.html")) for each in site.iterdir() if each.is_dir() and each.name != "runs"]
        pages = {*site.glob("*.html"), *(each for found in folders for each in (*found[:1], *found[-1:]))}
        for path in sorted(pages):
            page.goto(path.as_uri())
            page.keyboard.press("Tab")
            page.evaluate(USED)
            assert page.evaluate(f"[window.struck, window.barred, {ALIEN}.length, location.href]") == [
                None, None, 0, path.as_uri()
            ], path  # fmt: skip
            within = (site.as_uri(), "data:")
            assert [each for each in page.evaluate(LINKS) if not each.startswith(within)] == [], path
            assert wrong == [], path
        return len(pages)

    yield visit_site
    context.close()


@pytest.mark.parametrize("number", [0, 5])
def test_pages_of_hostile_texts(number: int, tmp_path: Path, visit: Callable[[Path], int]) -> None:
    run = hostile_run(tmp_path / "runs", number)
    build(run, tmp_path / "pages")
    (tmp_path / "pages" / "single.html").write_bytes(single_file(site_of(Run(run))))
    (tmp_path / "pages" / "compared.html").write_bytes(compare(run, run).page())
    shutil.copytree(run, tmp_path / "runs" / "'\"><svg onload=struck=1>")
    (tmp_path / "runs" / "'\"><svg onload=struck=1>" / "baselines.json").write_text("<script>struck=1</script>")
    assert len(build_leaderboard(tmp_path / "runs", tmp_path / "board").runs) > 0
    runs = [*(tmp_path / "board" / "runs").iterdir()]
    assert visit(tmp_path / "pages") > 8 and visit(tmp_path / "board") == 1 and visit(runs[0]) > 6


@pytest.mark.parametrize("kind", ["method", "attribute"])
def test_pages_of_hostile_names(kind: str, tmp_path: Path, visit: Callable[[Path], int]) -> None:
    for number, word in enumerate((WORDS[0], WORDS[2], WORDS[9][:80], *WORDS[10:12])):
        run = with_own_measures(write_little_run(tmp_path / "good"), tmp_path / "run")
        renamed(run, kind, "identity" if kind == "method" else "Bangs", word)
        build(run, tmp_path / "pages" / str(number))
        assert visit(tmp_path / "pages" / str(number)) > 6
        for folder in ("good", "run"):
            shutil.rmtree(tmp_path / folder)
    assert {path.name for path in tmp_path.iterdir()} == {"pages"}
    assert len([*(tmp_path / "pages").iterdir()]) == 5
