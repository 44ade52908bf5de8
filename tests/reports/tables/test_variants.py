"""Seeds and ablations on the first page: means, deviations and differences, worked out from made-up cells."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import mean, stdev

import pytest
from fake_outcomes import write_outcomes
from fake_run import EVIL, write_cell, write_json, write_run

from bridgebench.eval.records.measured import Measured
from bridgebench.eval.records.record import MODES
from bridgebench.eval.statistics.paired import Difference
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.reports.pages.front import headline
from bridgebench.reports.read.comparisons import Compared
from bridgebench.reports.read.results import Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import build, render
from bridgebench.reports.tables.variants import ablations_of, difference, seeds_of, variants_section
from bridgebench.reports.words.story import story, variant_words

SHARES = {"bridgegan": 0.8, "bridgegan-seed1": 0.7, "bridgegan-seed2": 0.75, "bridgegan-twin": 0.1, "bare": 0.5}
VARIANTS = {
    "bridgegan-seed1": {"seed": 1},
    "bridgegan-seed2": {"seed": 2},
    "bridgegan-twin": {"seed": 2},  # a training that is there already says nothing of a spread
    "bare": {"seed": 0, "changes": {"keeping": False, "edits": EVIL}, "modes": ["label"], "title": f"without {EVIL}"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with variants whose accuracy is the same for every attribute."""
    folder = write_run(tmp_path_factory.mktemp("variants"), pictures=False)
    record = json.loads((folder / "run.json").read_text())
    plain = record["methods"]["bridgegan"]
    for name, changes in VARIANTS.items():
        record["methods"][name] = {**plain, "title": name, "variant_of": "bridgegan", "changes": {}, **changes}
    write_json(folder / "run.json", record)
    for name, share in SHARES.items():
        for mode in VARIANTS.get(name, {}).get("modes", ["label", "reference"]):
            for k, attribute in enumerate(CELEBA14):
                value = share + (k - 6.5) / 100  # their mean is the share
                accuracy = {"value": value, "low": value - 0.03, "high": value + 0.03, "n": 500}
                distance = {"value": 10 * share, "n": 500, "n_real": 500}
                shown = {"accuracy": accuracy, "accuracy_second": accuracy, "fd_target": distance}
                write_cell(folder, name, mode, attribute, shown)
    return write_outcomes(folder)


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return Run(folder)


def test_which_trainings_belong_together(run: Run) -> None:
    assert seeds_of(run, "label") == {"bridgegan": ["bridgegan", "bridgegan-seed1", "bridgegan-seed2"]}
    assert ablations_of(run, "label") == {"bridgegan": ["bare"]}
    assert ablations_of(run, "reference") == {}


def test_the_spread_is_mean_and_deviation_over_seeds(run: Run) -> None:
    section = variants_section(run)
    assert section is not None
    tables = {table.key: table for table in section.tables}
    assert list(tables) == ["seeds-label", "seeds-reference", "ablations-label"]
    table = tables["seeds-label"]
    (row,) = table.groups[0].rows
    assert row.title == "BridgeGAN, 3 seeds"
    heads = [head.title for head in table.heads]
    place = heads.index("Accuracy")
    average, deviation = row.cells[place : place + 2]
    assert heads[place + 1] == "SD"
    shares = [80, 70, 75]
    assert average.numbers["value"] == pytest.approx(mean(shares))
    assert deviation.numbers["value"] == pytest.approx(stdev(shares))
    assert (average.text, deviation.text) == ("75.0", "5.0")
    assert average.hint == "of 80.0, 70.0, 75.0"
    place = heads.index("FD (attribute features), target")
    assert row.cells[place + 1].numbers["value"] == pytest.approx(0.5)


def test_an_ablation_is_held_against_the_full_method(run: Run) -> None:
    section = variants_section(run)
    assert section is not None
    (table,) = [table for table in section.tables if table.key == "ablations-label"]
    full, bare = table.groups[0].rows
    place = [head.title for head in table.heads].index("Accuracy")
    assert (full.title, bare.title) == ("BridgeGAN, all of it", f"without {EVIL}")
    assert (full.cells[place].text, full.cells[place + 1].text) == ("80.0", "")
    assert bare.about == f"edits = {EVIL}, keeping = false"
    cell = bare.cells[place + 1]
    assert cell.numbers["value"] == pytest.approx(-30)
    assert -36 < cell.numbers["low"] < -30 < cell.numbers["high"] < -24
    luck = table.groups[1].rows  # what another seed does stands beside it
    assert [(row.title, row.cells[place + 1].numbers["value"]) for row in luck] == [
        ("bridgegan-seed1", pytest.approx(-10)),
        ("bridgegan-seed2", pytest.approx(-5)),
    ]
    assert cell.text == "\N{MINUS SIGN}30.0" and re.fullmatch(
        "\N{MINUS SIGN}3\\d.\\d to \N{MINUS SIGN}2\\d.\\d", cell.small
    )


def test_differences_with_and_without_tests() -> None:
    one, two = Measured(value=0.5, n=9), Measured(value=0.7, n=9)
    test = Compared(Difference(0.2, 0.1, 0.3, 0.01, 9))
    found = difference(one, two, test)
    assert (found.value, found.low, found.high, found.n) == (pytest.approx(0.2), 0.1, 0.3, 9)
    assert difference(one, two, None).low is None
    assert difference(Measured(reason="gone"), two, None).reason == "gone"


def test_it_is_told_what_is_more_than_luck(folder: Path, run: Run) -> None:
    label, reference = variant_words([Results(run, run.record.protocol_hash, mode) for mode in MODES])
    seeds = (
        "3 trainings of BridgeGAN that differ in their seed alone have accuracies by the second judge of 70.0 to 80.0 %"
    )
    assert (
        label == f"Edits by label: {seeds}; of the ablations (1 measured), clearly outside are without {EVIL} (50.0 %)."
    )
    assert reference == f"Edits by reference: {seeds}."
    told = story(run)
    assert told is not None and {label, reference} <= {*told.shows}
    for attribute in CELEBA14:
        accuracy = {"value": 0.69, "low": 0.66, "high": 0.72, "n": 500}
        write_cell(folder, "bare", "label", attribute, {"accuracy_second": accuracy})
    again = variant_words([Results(Run(folder), run.record.protocol_hash, "label")])
    assert again == [
        f"Edits by label: {seeds}; no ablation (1 measured) lies clearly outside, so none has shown an effect."
    ]


def test_the_page_shows_them_and_escapes_what_a_profile_names(folder: Path, tmp_path: Path) -> None:
    page = build(folder, tmp_path).read_text()
    assert '<section id="variants">' in page
    assert 'href="#variants"' in page
    assert EVIL not in page
    assert (tmp_path / "tables" / "ablations-label.csv").is_file()
    assert headline(Run(folder))["methods"].endswith(" in seven trainings")


def test_a_run_without_variants_has_no_such_section(tmp_path: Path) -> None:
    run = Run(write_run(tmp_path, pictures=False))
    assert variants_section(run) is None
    assert b'id="variants"' not in render(run)["index.html"]
