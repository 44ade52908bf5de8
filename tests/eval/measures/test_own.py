"""Measures of plug-ins: found, checked, measured in processes of their own, recorded, shown without the plug-in.

The example package of docs/tutorials/your-measure.md is installed by pip. Beside it are measures that copy ours, which
must give the same numbers, and measures that misbehave, which must lose their own numbers alone.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from pages import Page
from typer.testing import CliRunner

from bridgebench.eval.measures import own
from bridgebench.eval.measures.card import Family, MeasureCard
from bridgebench.eval.measures.own import GROUP, own_measure, own_names
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.run import MeasureRecord
from bridgebench.eval.records.seal import hash_of
from bridgebench.harness.benchmark import plan, runner
from bridgebench.harness.benchmark.verify import verify_run
from bridgebench.harness.commands.main import app
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.errors import UserError
from bridgebench.reports.site import build

EXAMPLE = Path(__file__).parents[2] / "measure_example"
ATTRIBUTES = ["Smiling", "Bangs"]
ZOO = '''
"""Measures that copy ours, and measures that misbehave."""
import os, random, time
from pathlib import Path
import numpy as np
from bridgebench.eval.measures.card import Family, MeasureCard

def card(key, **rest):
    about = {"about": "A measure of the tests.", "title": key.capitalize(), **rest}
    return MeasureCard(key=key, family=Family(key, 1), **about)

def raises(source, edited, truth):
    raise ValueError("no such luck" + chr(27))

def dies(edits):
    os._exit(3)

def endless(edits):
    time.sleep(1000)

def spoils(source, edited, truth):
    for images in (source, edited, truth):
        images.flags.writeable = True
        images[:] = 0
    os.environ["SPOILT"] = "yes"
    return np.zeros(len(edited))

def flaky(edits):
    if not (Path(__file__).parent / "repaired").exists():
        raise RuntimeError("not yet")
    return {"value": 2.0, "n": len(edits.after)}

def draws(source, edited, truth):
    return np.array([random.random() for _ in edited])

def whole(source, edited, truth):
    edited[0] = edited[0] + 1
    os.environ["CHANGED"] = "yes"
    return edited.mean(axis=(1, 2, 3)) - edited.mean()

def gains(source, edited, truth):
    idle, error = (np.square(each.astype(float) / 255 - truth / 255).mean((1, 2, 3)) for each in (source, edited))
    return np.stack([idle - error, idle], axis=1)

L1 = card("copied_l1", title="L1 <b>& co</b>", needs=("truth",),
          of_images=lambda s, e, t: np.abs(e.astype(float) - t).mean((1, 2, 3)) / 255)
ACCURACY = card("copied_accuracy", shares=True, needs=("judge",),
                of_cell=lambda e: ((e.seen == (e.target_labels == 1)) | ~e.flipped).all(axis=1))
FD = card("copied_fd", needs=("features", "matched"), kinds=("flip",),
          of_cell=lambda e: {"value": float(np.square(e.matched.features.mean(0)).sum()), "n": len(e.matched.edits)})
COPIED_SKILL = card("copied_skill", needs=("truth",), against="doing nothing", better="higher", of_images=gains)
RAISES = card("raises", of_images=raises)
DIES = card("dies", of_cell=dies)
ENDLESS = card("endless", of_cell=endless)
INFINITE = card("infinite", of_images=lambda s, e, t: np.full(len(e), np.inf))
SHORT = card("short", of_cell=lambda e: np.zeros(3))
NOTHING = card("nothing", of_cell=lambda e: {"value": None})
NOT_FINITE = card("not_finite", of_cell=lambda e: {"value": float("nan"), "n": 1})
NUMPYS = card("numpys", of_cell=lambda e: {"value": np.float32(0.5), "n": np.int64(len(e.after))})
SPOILS = card("spoils", of_images=spoils)
FLAKY = card("flaky", of_cell=flaky)
DRAWS = card("draws", of_images=draws)
WHOLE = card("whole", of_images=whole, better="higher", needs=("truth",))
BOTH = card("both", of_images=raises, of_cell=dies)
OTHER = card("another_name", of_images=raises)
SKILL = card("skill", of_images=raises)
NUMBER = 7
'''
COPIES = ("copied_l1", "copied_accuracy", "copied_fd", "copied_skill")
REASONS = {
    "raises": "ValueError: no such luck?",
    "dies": "MeasureDied: the process of the measure ended in the middle of its work (exit code 3)",
    "endless": "TookTooLong: the measure did not measure within 10 seconds",
    "infinite": "the measure gave infinite values: a number is wanted, or NaN where an edit has none",
    "short": "the measure gave the shape (3,) for 12 edits: (12,) is wanted",
    "not_finite": "ValueError: Out of range float values are not JSON compliant",
    "nothing": "the measure gave a wrong record (a record needs a value, or None and the reason)",
}


class Ran(NamedTuple):
    """A benchmark: its folder, the cells that failed, and what it said."""

    folder: Path
    failed: list[str]
    said: list[str]

    def cell(self, attribute: str) -> dict[str, Any]:
        return json.loads(RunDirectory(self.folder).cell_file("identity", "label", attribute).read_text())["measures"]


def some_cells(*given: Any) -> list[plan.Cell]:
    """The cells of two attributes: all fourteen would take minutes."""
    return [cell for cell in plan.all_cells(*given) if cell.attribute in ATTRIBUTES]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example, installed by pip without a network, and the zoo."""
    folder = tmp_path_factory.mktemp("site")
    flags = ["--no-index", "--no-build-isolation", "--no-deps", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *flags, "--target", str(folder), str(EXAMPLE)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (folder / "zoo.py").write_text(ZOO)
    info = folder / "zoo-3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo\nVersion: 3\n")
    names = (*COPIES, *REASONS, "numpys", "spoils", "flaky", "draws", "whole", "both", "skill")
    lines = [f"{name} = zoo:{name.removeprefix('copied_').upper()}" for name in names if name != "copied_skill"]
    lines.append("copied_skill = zoo:COPIED_SKILL")
    lines += [
        "number = zoo:NUMBER",
        "other = zoo:OTHER",
        "missing = zoo:GONE",
        "Bad-Name = zoo:RAISES",
        "a_low = zoo:L1",
    ]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]))
    return folder


@pytest.fixture(scope="module")
def installed(site: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(site)
        yield


@pytest.fixture(scope="module")
def run(write_tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """Runs a small benchmark of the identity with the measures that are named."""
    folder = tmp_path_factory.mktemp("profile")

    def start(out: Path, *measures: str) -> Ran:
        more = f"batch = 5\ntime_limit = 10\nmeasures = {[*measures]}"
        path, said = write_tiny(folder, ("batch = 5", more)), list[str]()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(runner, "all_cells", some_cells)
            failed = runner.run_benchmark(load_profile(path), out, methods=["identity"], workers=1, say=said.append)
        return Ran(out, failed, said)

    return start


@pytest.fixture(scope="module")
def plain(run: Callable[..., Ran], installed: None, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run whose profile names no measure, though many are installed."""
    return run(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def full(run: Callable[..., Ran], installed: None, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run whose profile names the example, the copies and all that misbehave."""
    names = ("edge_error", "doubt", "numpys", "spoils", *COPIES, *REASONS)
    return run(tmp_path_factory.mktemp("full"), *names)


def test_what_is_installed_but_not_named_changes_nothing(plain: Ran) -> None:
    record = RunDirectory(plain.folder).read_run()
    assert {"edge_error", "doubt"} <= set(own_names())
    assert "own_measures" not in record.protocol and record.measures == {}
    assert not {"edge_error", "doubt"} & plain.cell("Bangs").keys()
    assert record.protocol_hash == hash_of(record.protocol)


def test_named_measures_are_in_the_protocol_and_the_record_of_the_run(plain: Ran, full: Ran) -> None:
    before, after = (RunDirectory(ran.folder).read_run() for ran in (plain, full))
    assert after.protocol_hash != before.protocol_hash
    assert after.protocol["own_measures"]["doubt"] == {"package": "bridgebench-edge-measures", "version": 2}
    assert {key: value for key, value in after.protocol.items() if key != "own_measures"} == before.protocol
    facts = after.measures["edge_error"]
    assert (facts.title, facts.unit, facts.better) == ("Edge error", "% of the range", "lower")
    assert (facts.package, facts.package_version) == ("bridgebench-edge-measures", "1.2.0")


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_copies_of_our_measures_give_our_numbers(full: Ran, attribute: str) -> None:
    cell, run = full.cell(attribute), RunDirectory(full.folder)
    assert cell["copied_accuracy"] == cell["accuracy"]
    assert cell["copied_l1"] == pytest.approx(cell["l1_true"], rel=1e-6)
    assert cell["copied_skill"] == pytest.approx(cell["skill"], rel=1e-5) and cell["skill"]["unit"] > 0
    assert cell["copied_fd"]["n"] == 12 and cell["copied_fd"]["value"] > 0
    outcomes = Outcomes.read(run.outcomes_file("identity", "label", attribute))
    assert cell["edge_error"]["n"] == 12 and cell["edge_error"]["value"] > 0
    assert cell["edge_error"]["value"] == pytest.approx(outcomes.values["edge_error"].mean())
    doubts = 1 - np.abs(2 * outcomes.after.astype(float) - 1)
    assert cell["doubt"] == {"value": pytest.approx(doubts.mean()), "n": 12}
    assert cell["numpys"] == {"value": 0.5, "n": 12}


def test_a_failing_measure_loses_its_own_number_and_is_told(plain: Ran, full: Ran) -> None:
    assert plain.failed == []
    assert {f"identity/label/{attribute}" for attribute in ATTRIBUTES} <= set(full.failed)
    for attribute in ATTRIBUTES:
        without, cell = plain.cell(attribute), full.cell(attribute)
        assert {key: cell[key] for key in without} == without
        for name, reason in REASONS.items():
            assert cell[name]["value"] is None and cell[name]["failed"]
            assert cell[name]["reason"].startswith(reason) and cell[name]["reason"].isprintable(), name
        assert cell["spoils"]["value"] == 0  # it has changed arrays of its own
    for name in REASONS:
        assert any(line.startswith(f"FAILED measure {name} in identity/") for line in full.said), name


def test_a_run_with_own_measures_is_verified(full: Ran) -> None:
    remade = verify_run(full.folder, cells=1, workers=1, say=lambda line: None)
    assert [cell.changes for cell in remade] == [[]]


def test_a_repaired_measure_is_tried_again(
    run: Callable[..., Ran], installed: None, site: Path, tmp_path: Path
) -> None:
    first = run(tmp_path / "run", "flaky")
    assert len(first.failed) == 4 and first.cell("Smiling")["flaky"]["value"] is None
    assert any(line.startswith("FAILED measure flaky in identity/") for line in first.said)
    (site / "repaired").touch()
    second = run(tmp_path / "run", "flaky")
    assert second.failed == [] and second.cell("Smiling")["flaky"] == {"value": 2.0, "n": 12}
    third = run(tmp_path / "run", "flaky")
    assert any("4 cells, 4 of them done before" in line for line in third.said)


def test_pages_are_made_where_the_measures_are_not_installed(full: Ran, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(own, "entry_points", lambda **_: ())
        index = build(full.folder, tmp_path / "pages")
        with pytest.raises(UserError, match="There is no measure 'doubt' of a plug-in"):
            own_measure("doubt")
    html = index.read_text(encoding="utf-8")
    assert "L1 &lt;b&gt;&amp; co&lt;/b&gt;" in html and "<b>& co" not in html
    overview = next(figure for figure in Page(html).figures if "Edge error" in figure.text)
    column = next(i for i, text in enumerate(overview.rows[0]) if text.startswith("Edge error"))
    assert "% of the range ↓" in overview.rows[0][column]
    assert any(row[0].startswith("Identity") and float(row[column].split()[0]) > 0 for row in overview.rows)
    cell = (tmp_path / "pages" / "cells" / "identity" / "label" / "smiling.html").read_text(encoding="utf-8")
    assert "ValueError: no such luck?" in cell and "Doubt" in cell


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("doubts", "There is no measure 'doubts' of a plug-in. Did you mean 'doubt'?"),
        ("accuracy", "Those of bridgebench need not be named"),
        ("skill", "has the name of one of bridgebench"),
        ("number", "must be a bridgebench.eval.measures.card.MeasureCard"),
        ("other", "has another key: give both one name"),
        ("missing", "cannot be imported from zoo:GONE: AttributeError"),
        ("both", "is not valid: give exactly one of of_images and of_cell"),
        ("Bad-Name", "needs another name: up to 40 lowercase letters"),
        ("a_low", "at the end none of _low, _high, _se"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(
    run: Callable[..., Ran], installed: None, tmp_path: Path, name: str, told: str
) -> None:
    with pytest.raises(UserError) as error:
        run(tmp_path / "run", name)
    assert told in str(error.value)
    assert not (tmp_path / "run").exists()


def test_of_two_packages_with_one_name_none_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [EntryPoint("doubt", f"{package}:DOUBT", GROUP) for package in ("ours", "theirs")]
    monkeypatch.setattr(own, "entry_points", lambda **_: both)
    with pytest.raises(UserError, match="Several packages have a measure 'doubt' \\(ours:DOUBT, theirs:DOUBT\\)"):
        own_measure("doubt")


def test_a_record_has_all_of_a_card_but_its_functions() -> None:
    facts = {field.name for field in dataclasses.fields(MeasureCard)} - {"key", "of_images", "of_cell"}
    assert facts <= MeasureRecord.model_fields.keys()
    record = MeasureRecord(
        package="p",
        package_version="1",
        family=("f", 2),
        function="of_cell",
        title="T",
        about="A.",
        span=(0, 1),
        digits=2,
    )
    card = record.card("key")
    assert (card.key, card.family, card.span, card.digits) == ("key", Family("f", 2), (0, 1), 2)


@pytest.mark.parametrize(
    "wrong", [{"title": ""}, {"title": "a\x1b[31m"}, {"factor": 0}, {"span": (1, 1)}, {"kinds": ()}]
)
def test_a_strangers_record_of_a_measure_is_checked(wrong: dict[str, Any]) -> None:
    facts = {
        "package": "p",
        "package_version": "1",
        "family": ("f", 1),
        "function": "of_cell",
        "title": "T",
        "about": "A",
    }
    MeasureRecord.model_validate(facts)
    with pytest.raises(ValueError):
        MeasureRecord.model_validate(facts | wrong)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("edge_error", set()),
        (
            "draws",
            {"same edits, same numbers", "state of the process unchanged", "a value does not depend on the batch"},
        ),
        (
            "whole",
            {
                "inputs unchanged",
                "state of the process unchanged",
                "a value does not depend on the batch",
                "the true edit is at least as good as none",
            },
        ),
        ("raises", {"is taken in a cell"}),
    ],
)
def test_the_contract_tells_what_a_measure_breaks(installed: None, name: str, broken: set[str]) -> None:
    ran = CliRunner().invoke(app, ["contract", "--measure", name, "--json"])
    found = json.loads(ran.stdout)
    assert (found["measure"], found["kept"], ran.exit_code) == (name, not broken, 1 if broken else 0)
    failed = {point["name"] for point in found["points"] if not point["passed"] and point["required"]}
    assert failed - {"the true edit is at least as good as none"} == broken - {
        "the true edit is at least as good as none"
    }


def test_the_contract_is_for_one_method_or_one_measure(installed: None) -> None:
    for arguments in ([], ["identity", "--measure", "doubt"], ["--measure", "doubt", "--weights", "x"]):
        ran = CliRunner().invoke(app, ["contract", *arguments])
        assert isinstance(ran.exception, UserError), arguments
