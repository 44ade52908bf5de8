"""Charts: marks where the values are, labels that can be read, and nothing drawn that was not measured."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from fake_run import HASH, write_json, write_run
from pages import Page
from scipy.stats import spearmanr

from bridgebench.methods.core.labels import CELEBA14
from bridgebench.reports.figures.charts import Axis, Point, curve, scatter, tradeoffs
from bridgebench.reports.read.results import Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import build
from bridgebench.reports.tables.leakage import against_correlations


def test_axes_put_values_in_their_places() -> None:
    linear, log = Axis("x", 0, 200, 50, 450), Axis("x", 0.1, 1000, 0, 400, log=True)
    assert [linear.at(value) for value in (0, 50, 200)] == [50, 150, 450]
    assert [tick.text for tick in linear.ticks()] == ["0", "50", "100", "150", "200"]
    assert log.at(10) == pytest.approx(200) and [tick.text for tick in log.ticks()] == ["0.1", "1", "10", "100", "1000"]


def test_labels_do_not_cover_one_another() -> None:
    points = [Point(f"Method {i}", 50 + i % 3, 50 + i, "method", "label") for i in range(6)]
    chart = scatter("t", "", [], ("x", 0, 100, False), ("y", 0, 100, False), points)
    boxes = []
    for placed in chart.points:
        length = 6 * len(placed.text)
        left = {"start": placed.text_x, "middle": placed.text_x - length / 2, "end": placed.text_x - length}[
            placed.anchor
        ]
        boxes.append((left, placed.text_y - 9, left + length, placed.text_y))
    for one, other in combinations(boxes, 2):
        across, up = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
        assert across <= 0 or up <= 0


def test_a_label_that_stands_there_already_is_not_repeated() -> None:
    same = [Point("Identity", 1, 1, "control", mode) for mode in ("label", "reference")]
    chart = scatter("t", "", [], ("x", 0, 2, False), ("y", 0, 2, False), same)
    assert [placed.text for placed in chart.points] == ["Identity", ""]


def test_a_curve_leaves_gaps_open_and_needs_two_points() -> None:
    drawn = curve("loss", [20, 40, 60, 80], [4.0, None, 2.0, 1.0])
    assert drawn is not None and drawn.path.count("M") == 2 and drawn.path.count("L") == 1 and drawn.last == "1"
    assert curve("loss", [20, 40], [None, 1.0]) is None
    assert curve("flat", [20, 40], [1.0, 1.0]) is not None


def test_the_charts_of_a_run_are_its_means(tmp_path: Path) -> None:
    charts = tradeoffs(Run(write_run(tmp_path / "run", pictures=False)))
    assert [chart.title for chart in charts] == ["Accuracy against preservation", "Cost against quality"]
    copied = next(placed.point for placed in charts[0].points if placed.point.label == "Copy")
    assert copied.x == pytest.approx(95.5) and copied.y == pytest.approx(0.98 - 3 * 0.24)  # as the fake run makes them


def test_the_leakage_map_and_the_curves_show_what_is_stored(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", pictures=False)
    for number, attribute in enumerate(CELEBA14):
        path = run / "cells" / "bridgegan" / "label" / f"{attribute}.json"
        cell = json.loads(path.read_text())
        values = {read: None if read == attribute else 0.01 * number for read in CELEBA14}
        cell["measures"]["leakage_by"] = {"values": values}
        write_json(path, cell)
    record = json.loads((run / "run.json").read_text())
    card = record["methods"]["bridgegan"]["weights"]["card"]
    card["curves"] = {"iterations": [20, 40], "losses": {"critic <b>": [3.0, 1.25]}}
    write_json(run / "run.json", record)
    folder = build(run).parent
    page = Page((folder / "methods" / "bridgegan.html").read_text(encoding="utf-8"))
    table = next(figure for figure in page.figures if "Leakage by attribute" in figure.text and figure.rows)
    assert [cell.strip() for cell in table.rows[14][1:]] == [*["13.0"] * 13, "\N{EN DASH}"]
    rects = [a for tag, a in page.elements if tag == "rect" and (a.get("class") or "").startswith("s")]
    assert len(rects) == 14 * 14 and rects[-2]["class"] == "s8"
    paths = [a["d"] for tag, a in page.elements if tag == "path" and a.get("class") == "line"]
    assert len(paths) == 1
    other = (folder / "methods" / "stargan.html").read_text(encoding="utf-8")
    assert "does not hold leakage by attribute" in other
    card["curves"] = {"iterations": [20], "losses": {"critic": ["x"]}}
    for name in ("stargan", "bridgegan"):
        record["methods"][name]["weights"]["card"] = card
    write_json(run / "run.json", record)
    assert "does not hold training curves" in (build(run).parent / "methods" / "stargan.html").read_text(
        encoding="utf-8"
    )


def test_leakage_is_held_against_the_correlations_of_the_labels(tmp_path: Path) -> None:
    """BridgeGAN moves Young by 20 points with Gray_Hair, which goes with it, and the reverse; all else by 1 to 2."""
    run = write_run(tmp_path / "run", pictures=False)
    count, random = len(CELEBA14), np.random.default_rng(0)
    one, other = CELEBA14.index("Young"), CELEBA14.index("Gray_Hair")
    correlations = random.uniform(-0.2, 0.2, (count, count))
    correlations[one, other] = correlations[other, one] = -0.5
    leaked = random.uniform(0.01, 0.02, (count, count))
    leaked[one, other] = leaked[other, one] = 0.2
    for place, attribute in enumerate(CELEBA14):
        path = run / "cells" / "bridgegan" / "label" / f"{attribute}.json"
        cell = json.loads(path.read_text())
        values = {read: None if read == attribute else leaked[place, i] for i, read in enumerate(CELEBA14)}
        cell["measures"]["leakage_by"] = {"values": values}
        write_json(path, cell)
    record = json.loads((run / "run.json").read_text())
    assert against_correlations(Results(Run(run), HASH, "label"), "k") is None  # the records lack the correlations
    write_json(run / "run.json", record | {"correlations": correlations.tolist()})
    table = against_correlations(Results(Run(run), HASH, "label"), "k")
    assert table is not None
    rows = {row.title: [cell.text for cell in row.cells] for group in table.groups for row in group.rows}
    apart = ~np.eye(count, dtype=bool)
    rest = apart & (np.abs(correlations) < 0.3)
    rho = spearmanr(np.abs(correlations)[apart], leaked[apart]).statistic
    assert rows["BridgeGAN"] == [
        "20.0",
        f"{100 * leaked[rest].mean():.1f}",
        f"{rho:.2f}".replace("-", "\N{MINUS SIGN}"),
    ]
    assert rows["StarGAN"] == ["\N{EN DASH}"] * 3
    assert [head.small.split(", ")[1] for head in table.heads[:2]] == ["2 pairs", "180 pairs"]
