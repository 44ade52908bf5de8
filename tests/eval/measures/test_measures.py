"""The list of measures: a measure of one file and one line in the list is found in everything that a run gives."""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pages import Page
from test_exports import SCHEMA, check

from bridgebench.eval.measures import MEASURES, SECTIONS, versions
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.harness.benchmark import runner
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.reports.site import build

FILE = '''
"""A measure of a stranger: the share of pixels of which an edit changes a channel."""

from bridgebench.eval.measures.card import Family, MeasureCard


def touched(source, edited, truth):
    return (source != edited).any(axis=3).mean(axis=(1, 2))


TOUCHED = MeasureCard(
    key="touched",
    family=Family("touched", 3),
    title="Pixels touched",
    about="Share of the pixels that the edit changes.",
    of_images=touched,
    unit="% of the pixels",
    better="lower",
    factor=100.0,
    shown=("rest", "overview", "terminal"),
)
'''


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[MeasureCard]:
    """The measure of FILE, in the list while the test runs."""
    path = tmp_path / "touched.py"
    path.write_text(FILE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("touched", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    MEASURES.append(module.TOUCHED)
    yield module.TOUCHED
    MEASURES.remove(module.TOUCHED)


def in_this_process(function: Callable[[Any], Any], jobs: Sequence[Any], **rest: Any) -> Iterator[Any]:
    """Stands for the pool, whose processes would not know the toy."""
    yield from map(function, jobs)


def test_a_measure_of_one_file_and_one_line_is_found_everywhere(
    toy: MeasureCard, tmp_path: Path, tiny_profile: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "run_jobs", in_this_process)
    run, said = tmp_path / "run", []
    assert runner.run_benchmark(load_profile(tiny_profile()), run, say=said.append) == []
    build(run)

    # The protocol, the cell, the summary and the terminal.
    record = json.loads((run / "run.json").read_text())
    assert record["protocol"]["measures"]["touched"] == 3
    idle, drawn = (
        json.loads((run / "cells" / name / "label" / "Smiling.json").read_text()) for name in ("identity", "oracle")
    )
    assert idle["measures"]["touched"] == {"value": 0, "low": 0, "high": 0, "n": 12}
    value = drawn["measures"]["touched"]["value"]
    assert 0 < value < 1
    lines = {(row["method"], row["mode"], row["attribute"]): row for row in _rows(run / "summary.csv")}
    assert float(lines["oracle", "label", "Smiling"]["touched"]) == value
    heads = [line.split() for line in "\n".join(said).splitlines() if line.startswith("mode")]
    assert any("touched" in words for words in heads)

    # The tables of the page: as HTML, and as files.
    page = Page((run / "report" / "index.html").read_text(encoding="utf-8"))
    overview = next(figure for figure in page.figures if "Pixels touched" in figure.text)
    column = next(i for i, text in enumerate(overview.rows[0]) if text.startswith("Pixels touched"))
    assert "% of the pixels ↓" in overview.rows[0][column]
    assert any(row[0].startswith("Identity") and row[column].startswith("0.0") for row in overview.rows)
    for name in ("methods/oracle.html", "attributes/smiling.html", "cells/oracle/label/smiling.html"):
        assert "Pixels touched" in (run / "report" / name).read_text(encoding="utf-8"), name
    tables = run / "report" / "tables"
    numbers = _rows(tables / "attribute-smiling-label-rest.csv")
    head = next(title for title in numbers[0] if title.startswith("Pixels touched"))
    assert float(next(row for row in numbers if row["Method"] == "Oracle")[head]) == pytest.approx(100 * value)
    table = json.loads((tables / "faithfulness-label-touched.json").read_text())
    check(table, SCHEMA)
    assert table["about"] == toy.about and table["title"].startswith("Pixels touched")
    assert all("Pixels touched" in (tables / f"overview-label.{form}").read_text("utf-8") for form in ("tex", "md"))


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_every_card_is_whole_and_stands_in_one_section() -> None:
    keys = [card.key for card in MEASURES]
    assert len(set(keys)) == len(keys)
    for card in MEASURES:
        assert (card.of_images is None) != (card.of_cell is None), card.key
        in_tables = "flip" in card.kinds and card.key != "leakage_by"
        assert len(set(SECTIONS) & set(card.shown)) == (1 if in_tables else 0), card.key
        assert card.about.endswith(".") and card.title


def test_a_family_has_one_version() -> None:
    """A version that goes up here says that stored cells are measured again: never without a changed definition."""
    assert versions() == {
        "accuracy": 3,
        "counterfactual": 2,
        "deep": 2,
        "diversity": 2,
        "fd": 4,
        "identity": 2,
        "kid": 5,
        "leakage": 3,
        "lpips": 1,
        "prdc": 2,
        "preservation": 2,
        "round trip": 1,
        "skill": 3,
        "way": 1,
    }
    assert all(versions()[card.family.name] == card.family.version for card in MEASURES)


def test_cards_are_read_without_torch_or_scipy() -> None:
    code = "import sys, bridgebench.eval.measures; print({'torch', 'scipy', 'PIL'} & {*sys.modules})"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_text_on_what_is_measured_names_every_measure() -> None:
    text = (Path(__file__).parents[3] / "eval" / "PROTOCOL.md").read_text(encoding="utf-8")
    assert [card.key for card in MEASURES if f"`{card.key}`" not in text] == []
