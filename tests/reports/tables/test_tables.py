"""What is bold, tied, lowest or a dash, worked out by hand."""

from __future__ import annotations

import pytest

from bridgebench.eval.measures import fd, kid
from bridgebench.eval.measures.accuracy import ACCURACY
from bridgebench.eval.measures.counterfactual import PSNR_TRUE
from bridgebench.eval.measures.leakage import LEAKAGE
from bridgebench.eval.measures.preservation import L1_SOURCE
from bridgebench.eval.records.measured import Measured
from bridgebench.eval.statistics.paired import Difference
from bridgebench.reports.read.comparisons import Compared, Comparisons
from bridgebench.reports.tables.tables import (
    DASH,
    SHADES,
    Notes,
    count_text,
    fitting,
    marks,
    mean,
    missing,
    print_cell,
    shade,
    span_of,
)

TARGET, PAPER, KID = (card.in_space("FD (attribute features)", False) for card in (fd.FD_TARGET, fd.FD_PAPER, kid.KID))


def measure(value: float, half: float, n: int = 100) -> Measured:
    return Measured(value=value, low=value - half, high=value + half, n=n)


def by_hand(**ps: float) -> Comparisons:
    """The first letter of a name is better than the second by 0.1; or less, where lower is better."""
    pairs = {(name[0], name[1]): Compared(Difference(0.1, 0.0, 0.2, p, 100)) for name, p in ps.items()}
    return Comparisons(pairs)


def test_bold_only_where_the_tests_say_so() -> None:
    two = {"a": measure(0.9, 0.06), "b": measure(0.8, 0.06)}
    assert marks(ACCURACY, two, by_hand(ab=0.04)) == {"a": "best"}  # though their intervals overlap
    assert marks(ACCURACY, two, by_hand(ab=0.06)) == {"a": "tie", "b": "tie"}
    three = two | {"c": measure(0.5, 0.01)}
    assert marks(ACCURACY, three, by_hand(ab=0.3, ac=0.001, bc=0.001)) == {"a": "tie", "b": "tie"}
    assert marks(ACCURACY, three, by_hand(ab=0.3)) == {
        "a": "tie",
        "b": "tie",
        "c": "tie",
    }  # not compared: not told apart
    assert marks(LEAKAGE, two, by_hand(ab=0.01)) == {"b": "best"}


def test_a_difference_has_two_directions() -> None:
    found = by_hand(ab=0.01)
    assert [found.better(ACCURACY, *pair) for pair in ("ab", "ba")] == [1, -1]
    assert [found.better(LEAKAGE, *pair) for pair in ("ab", "ba")] == [-1, 1]
    turned = found.between("b", "a")
    assert turned is not None
    assert (turned.difference.value, turned.difference.low, turned.difference.high) == (-0.1, -0.2, -0.0)


def test_nothing_is_marked_without_a_rival_a_test_or_a_direction() -> None:
    two = {"a": measure(0.9, 0.01), "b": measure(0.2, 0.01)}
    assert marks(ACCURACY, two, None) == {}
    assert marks(ACCURACY, {"a": measure(0.9, 0.01)}, by_hand()) == {}
    assert marks(ACCURACY, {"a": measure(0.9, 0.01), "b": missing("why")}, by_hand()) == {}
    assert marks(L1_SOURCE, two, by_hand(ab=0.01)) == {}


def test_a_frechet_distance_is_lowest_never_best_and_only_at_equal_n() -> None:
    low, high = Measured(value=3.0, n=500, n_real=500), Measured(value=9.0, n=500, n_real=500)
    assert marks(TARGET, {"a": low, "b": high}) == {"a": "lowest"}
    assert marks(PAPER, {"a": low, "b": Measured(value=3.001, n=500, n_real=500)}) == {"a": "lowest", "b": "lowest"}
    assert marks(TARGET, {"a": low, "b": Measured(value=9.0, n=400, n_real=500)}) == {}


def test_the_mean_leaves_out_columns_that_nobody_has_but_hides_no_gap() -> None:
    row = [measure(0.2, 0.1), measure(0.4, 0.2), missing("too few")]
    whole = mean(row, [True, True, False])
    assert (whole.value, whole.low, whole.high) == pytest.approx((0.3, 0.15, 0.45))
    assert whole.n == 100
    gap = mean(row, [True, True, True])
    assert gap.value is None and gap.reason == "no mean, 1 of 3 attributes without a value: too few"
    assert mean([missing("x")], [False]).value is None
    assert mean([measure(0.2, 0.1, 5), measure(0.4, 0.1, 700)], [True, True]).n is None


def test_a_cell_says_value_interval_and_n_and_a_dash_says_why() -> None:
    notes = Notes()
    cell = print_cell(ACCURACY, measure(0.842, 0.031, 1500), notes, (0.0, 1.0), "best")
    assert (cell.text, cell.small) == ("84.2", f"81.1{DASH}87.3")
    assert cell.hint == "84.2 %, 95 % interval 81.1 to 87.3, N = 1,500, best"
    assert print_cell(KID, Measured(value=0.01, se=0.002, n=50), notes).small == "± 2.00"
    dash, again = (print_cell(TARGET, missing("too few"), notes) for _ in range(2))
    assert (dash.text, dash.note, again.note, notes.texts) == (DASH, 1, 1, ["too few"])


def test_stronger_shading_is_better_and_in_proportion() -> None:
    assert [shade(ACCURACY, value, (0.0, 1.0)) for value in (0.0, 0.5, 1.0)] == [0, SHADES // 2, SHADES]
    span = span_of(TARGET, [Measured(value=10.0), Measured(value=40.0), missing("x")])
    assert span == (0.0, 40.0)
    assert [shade(TARGET, value, span) for value in (40.0, 20.0, 0.0)] == [0, SHADES // 2, SHADES]
    assert shade(PSNR_TRUE, 30.0, (0.0, 30.0)) == SHADES
    assert shade(L1_SOURCE, 0.1, (0.0, 1.0)) is None


def test_the_count_of_a_table_shows_its_range() -> None:
    assert count_text([measure(1, 0, 500), measure(1, 0, 500), missing("x")]) == "N = 500"
    assert count_text([measure(1, 0, 3), measure(1, 0, 1497)]) == "N = 3 to 1,497"


def test_distances_are_named_after_their_features() -> None:
    assert KID.title == "KID (attribute features)"
    assert kid.KID.in_space("FID", False).title == "KID"
    assert fd.FD_TARGET.in_space("FID", False).title == "FID, target"


def test_small_distances_get_digits_enough() -> None:
    assert fitting(TARGET, [Measured(value=1.23)]).digits == 2
    assert fitting(TARGET, [Measured(value=0.0123), Measured(value=0.001)]).text(0.0123) == "0.0123"
    assert fitting(TARGET, [missing("x"), Measured(value=0.0)]).digits == 2
    assert fitting(KID, [Measured(value=0.0005)]).text(0.0005) == "0.500"
