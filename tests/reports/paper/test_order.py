"""The paper's order beside ours: ranks, pairs and Kendall's tau, worked out by hand and held against SciPy."""

from __future__ import annotations

import json
import random
from itertools import combinations
from pathlib import Path

import pytest
from fake_domains import CONVERSIONS, write_domain_run
from fake_outcomes import write_outcomes
from fake_run import EVIL, write_cell, write_json, write_run
from fake_systems import systems_run
from scipy.stats import kendalltau

from bridgebench.eval.measures.accuracy import ACCURACY
from bridgebench.eval.measures.fd import FD_PAPER
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.statistics.paired import Difference
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.reports.paper.order import Order, orders
from bridgebench.reports.paper.order_section import order_section, slope_chart
from bridgebench.reports.paper.published import printed
from bridgebench.reports.read.comparisons import Compared, Comparisons
from bridgebench.reports.read.ranks import Pairs, agreement, beats, by_numbers, ranks
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import DASH
from bridgebench.reports.words.story import story


def by_hand(*real: str) -> Comparisons:
    """All pairs of a to d, the first letter being 0.1 better; those of `real` are real differences."""
    pairs = {
        (one, other): Compared(Difference(0.1, 0.0, 0.2, 0.01 if one + other in real else 0.5, 400))
        for one, other in combinations("abcd", 2)
    }
    return Comparisons(pairs)


def numbers(*values: float) -> list[Measured]:
    return [Measured(value=value) for value in values]


def test_who_beats_whom() -> None:
    better = beats(ACCURACY, ["a", "b", "c"], numbers(0.9, 0.8, 0.7), by_hand("ab"))
    assert [better(0, 1), better(1, 0), better(0, 2), better(2, 2)] == [1, -1, 0, 0]
    plain = beats(FD_PAPER, ["a", "b", "c"], [*numbers(3.0, 9.0), Measured(reason="none")])
    assert [plain(0, 1), plain(1, 0), plain(0, 2), plain(0, 0)] == [1, -1, 0, 0]  # lower is better, no test


def test_pairs_and_tau_of_four_systems_by_hand() -> None:
    # The paper: a > b > c > d. Ours: b 0.9, a 0.8, c and d tied around 0.5.
    # Of ab, ac, ad, bc, bd, cd: ab is opposite, cd tied, four alike; tau = (4 - 1) / 6.
    # Named a to d in our order.
    better = beats(ACCURACY, ["b", "a", "d", "c"], numbers(0.8, 0.9, 0.5, 0.51), by_hand("ab", "ac", "ad", "bc", "bd"))
    found = agreement(4, by_numbers(ACCURACY, [80.0, 70.0, 60.0, 50.0]), better)
    assert found == Pairs(alike=4, opposite=1, tied=1)
    assert found.tau == pytest.approx(0.5)
    assert ranks(4, better) == [(2, 2), (1, 1), (3, 4), (3, 4)]
    # A tie is no equality: a and c both tie with b, not with each other.
    assert ranks(3, beats(ACCURACY, ["a", "b", "c"], numbers(0.7, 0.6, 0.5), by_hand("ac"))) == [(1, 2), (1, 3), (2, 3)]


def test_tau_without_ties_is_scipys() -> None:
    rng = random.Random(3)
    for _ in range(20):
        paper, ours = ([rng.random() for _ in range(6)] for _ in range(2))
        names = [*"abcdef"]
        found = agreement(6, by_numbers(ACCURACY, paper), beats(ACCURACY, names, numbers(*ours)))
        assert found.tau == pytest.approx(kendalltau(paper, ours).statistic)
        lower = agreement(6, by_numbers(FD_PAPER, paper), beats(FD_PAPER, names, numbers(*ours)))
        assert lower.tau == pytest.approx(found.tau)  # the direction is that of both


def by_key(found: list[Order]) -> dict[tuple[str | None, str], Order]:
    return {(order.mode, order.card.key): order for order in found}


def test_an_order_needs_three_systems_of_the_paper(tmp_path: Path) -> None:
    assert orders(Run(write_run(tmp_path / "two", pictures=False))) == []
    found = by_key(orders(Run(systems_run(tmp_path / "three", {"stargan": 0.8, "stgan": 0.7, "smit": 0.3}))))
    assert {key[1] for key in found} == {"accuracy", "accuracy_second", "fd_paper", "fd_target"}
    assert len(found["label", "accuracy"].systems) == 4  # and BridgeGAN, which that run has anyway


def test_the_papers_order_of_accuracy_beside_one_made_by_hand(tmp_path: Path) -> None:
    # The paper's means by label: BridgeGAN 86.9, STGAN 80.7, StarGAN 69.6, SMIT 27.4.
    run = systems_run(tmp_path / "run", {"bridgegan": 0.9, "stgan": 0.6, "stargan": 0.7, "smit": 0.2})
    found = by_key(orders(Run(run)))["label", "accuracy"]
    assert [system.method for system in found.systems] == ["bridgegan", "stgan", "stargan", "smit"]
    assert [system.ranks for system in found.systems] == [
        ((1, 1), (1, 1)),
        ((2, 2), (3, 3)),
        ((3, 3), (2, 2)),
        ((4, 4), (4, 4)),
    ]
    assert found.systems[0].paper == pytest.approx(1216.6 / 14) and found.columns == 14
    assert found.pairs == Pairs(5, 1, 0) and found.pairs.tau == pytest.approx(4 / 6) and found.orders == 24
    table = printed("table1_accuracy_celeba")
    alike = sum(
        (table[one, "label"][attribute] > table[two, "label"][attribute]) == (value[one] > value[two])
        for value in [{"bridgegan": 0.9, "stgan": 0.6, "stargan": 0.7, "smit": 0.2}]
        for attribute in CELEBA14
        for one, two in [
            *(("bridgegan", "stgan"), ("bridgegan", "stargan"), ("bridgegan", "smit")),
            *(("stgan", "stargan"), ("stgan", "smit"), ("stargan", "smit")),
        ]
    )
    assert (found.by_column.alike, found.by_column.total) == (alike, 84)
    assert found.controls == {"Attack": 4}  # 99.5 % by the judge that it attacks
    assert found.cheats == {"Attack": ["label"]}
    distance = by_key(orders(Run(run)))["label", "fd_paper"]
    assert list(distance.cheats) == ["Identity", "Attack"]  # who change least, at 10 and more


def test_means_are_over_the_columns_that_all_have(tmp_path: Path) -> None:
    run = systems_run(tmp_path / "run", {"bridgegan": 0.9, "stgan": 0.6, "stargan": 0.7})
    write_cell(run, "stgan", "label", "Young", {})
    found = by_key(orders(Run(run)))["label", "accuracy"]
    assert found.columns == 13
    assert next(one.paper for one in found.systems if one.method == "bridgegan") == pytest.approx((1216.6 - 86.9) / 13)


def test_conversions_rank_the_rows_of_both_modes(tmp_path: Path) -> None:
    (found,) = orders(Run(write_domain_run(tmp_path / "run")))
    assert found.mode is None and found.columns == 6 and found.pairs.total == 6
    # Table 3's means: BridgeGAN 25.87 by label and 26.68 by reference, StarGAN v2 31.07 and 33.32.
    assert [system.title for system in found.systems] == [
        *("BridgeGAN, by label", "BridgeGAN, by reference"),
        *("StarGAN v2, by label", "StarGAN v2, by reference"),
    ]
    assert [system.ranks[0] for system in found.systems] == [(1, 1), (2, 2), (3, 3), (4, 4)]


FOUR = {"bridgegan": 0.9, "stgan": 0.6, "stargan": 0.7, "smit": 0.2}


def test_the_section_says_in_words_and_tables_what_was_counted(tmp_path: Path) -> None:
    section = order_section(Run(systems_run(tmp_path / "run", FOUR)))
    assert section is not None and list(section.charts) == ["Edits by label"] and len(section.folded) == 1
    assert section.text[0].startswith(
        "By label, the paper's order of four systems holds for 5 of 6 pairs in accuracy (1 opposite; τ = 0.67), "
    )
    assert section.text[1].startswith(
        "No measure has the whole of the paper's order. Few systems have few orders (four"
    )
    assert "Identity by label in distance by the paper's protocol" in section.text[2]
    (table,) = section.tables
    row = table.groups[0].rows[0]
    assert [cell.text for cell in row.cells[:5]] == ["4", "5", "1", "0", "0.67"] and row.cells[-1].text == "yes"
    assert table.notes[0] == "Attack comes before all 4 systems."
    ranks_ = section.folded[0]
    assert [head.title for head in ranks_.heads][:3] == ["The paper's accuracy", "Accuracy", "Accuracy, second judge"]
    assert [row.cells[1].text for row in ranks_.groups[0].rows] == ["1", "3", "2", "4"]
    assert order_section(Run(write_run(tmp_path / "two", pictures=False))) is None


def test_a_slope_leads_from_the_papers_rank_to_ours_and_ties_are_joined(tmp_path: Path) -> None:
    run = Run(write_outcomes(systems_run(tmp_path / "run", FOUR | {"stgan": 0.7})))  # ties with StarGAN
    chart = slope_chart(by_key(orders(run))["label", "accuracy"])
    assert [one.left for one in chart.slopes] == ["BridgeGAN 1", "STGAN 2", "StarGAN 3", "SMIT 4"]
    assert {one.right for one in chart.slopes} == {"1 BridgeGAN", f"2{DASH}3 STGAN", f"2{DASH}3 StarGAN", "4 SMIT"}
    assert not any(one.moved for one in chart.slopes) and len(chart.ties) == 1
    assert chart.slopes[0].y == (34.0, 34.0) and chart.slopes[3].y == (112.0, 112.0)  # a step of 26 each
    other = Run(systems_run(tmp_path / "other", FOUR))
    assert [one.moved for one in slope_chart(by_key(orders(other))["label", "accuracy"]).slopes] == [
        *(False, True, True, False)
    ]


def test_the_story_tells_what_the_records_say(tmp_path: Path) -> None:
    run = systems_run(tmp_path / "run", FOUR)
    record = json.loads((run / "run.json").read_text())
    for number, name in enumerate(FOUR, 1):
        card = {"images_seen": 1000 * number, "training_minutes": 10.0 * number, "processes": 1 + (number == 4)}
        record["methods"][name] = record["methods"]["stargan"] | {
            "title": record["methods"][name]["title"],
            "weights": {"file": "x", "sha256": "ab" * 32, "card": card},
            "parameters": number * 1_000_000,
        }
    record["methods"][EVIL]["weights"] = None
    write_json(run / "run.json", record)
    untested = story(Run(run))
    assert untested is not None
    assert "Edits by label: BridgeGAN is first by the second judge, 90.0 % (distance to" in untested.shows[0]
    assert "real" not in "".join(untested.shows) and "are not tested" in untested.lacks[0]
    found = story(Run(write_outcomes(run)))
    assert found is not None
    shows, lacks = "\n".join(found.shows), "\n".join(found.lacks)
    assert "Its lead over every other method is real (the nearest is StarGAN, by 20.0 points, " in shows
    assert "Edits by label: the difference of two methods is real for 9 of 10 pairs in accuracy by the second" in shows
    assert "the paper's order of four systems holds for 5 of 6 pairs in accuracy" in shows
    assert "gets 99.5 %, and 8.0 % by the judge that no method saw" in shows
    assert "keep them apart" in lacks and "other images (faces, not CelebA)" in lacks
    assert "networks of 1.0 to 4.0 million parameters, trained on 1,000 to 4,000 images each. " in lacks
    assert "The compute was not equal: 10 to 80 minutes of one process" in lacks
    assert "8.0 times as long for the longest as for the shortest" in lacks
    assert "± " in lacks and "few systems have few orders (four have 24)" in lacks


def test_the_story_names_a_system_ahead_of_the_true_edits(tmp_path: Path) -> None:
    run = systems_run(tmp_path / "run", FOUR)
    ahead = "read that measure beside the others"
    before = story(Run(run))
    assert before is not None and not [one for one in before.shows if ahead in one]
    for attribute in CELEBA14:
        perfect = {"value": 1.0, "low": 1.0, "high": 1.0, "n": 400}
        write_cell(run, "stargan", "label", attribute, {"accuracy_second": perfect, "accuracy": perfect})
    after = story(Run(run))
    assert after is not None
    assert f"A system is ahead of the true edits in accuracy by the second judge by label: {ahead}." in after.shows


def test_a_control_of_one_mode_leads_in_that_mode_alone(tmp_path: Path) -> None:
    run = write_domain_run(tmp_path / "run")
    for conversion in CONVERSIONS:
        write_cell(run, "identity", "reference", conversion, {"fd_target": {"value": 0.1, "n": 500, "n_real": 200}})
    (found,) = orders(Run(run))
    assert found.cheats == {"Identity": ["reference"]}
    told = story(Run(run))
    assert told is not None
    assert any("Identity by reference in distance to the target's images" in one for one in told.shows)


def test_the_story_speaks_only_of_what_cards_say(tmp_path: Path) -> None:
    run = systems_run(tmp_path / "run", FOUR)
    record = json.loads((run / "run.json").read_text())
    cards = [{"images_seen": 1000, "training_minutes": 10.0}, {"origin": "an official checkpoint"}]
    for name, card in zip(("stgan", "smit"), cards, strict=True):
        record["methods"][name]["weights"] = {"file": "x", "sha256": "ab" * 32, "card": card}
    record["data"] |= {"name": "celeba", "image_size": 128}
    record["protocol"] |= {"data": {"preparation": {"crop": "178x178"}}, "outputs": 10}
    write_json(run / "run.json", record)
    told = story(Run(run))
    assert told is not None
    lacks = "\n".join(told.lacks)
    weighed = sum(method["kind"] == "method" and method["weights"] is not None for method in record["methods"].values())
    assert f"trained on as many images each (1,000) (1 of {weighed}: the others' cards do not say)" in lacks
    assert "the paper's numbers of Table 2: other features" in lacks  # of Table 1 nothing keeps them apart
    assert "with 10 edits each of 400 to 500 sources a cell" in lacks
