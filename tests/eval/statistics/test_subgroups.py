"""Measures by groups of sources, against means worked out source by source."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_outcomes import made_up

from bridgebench.eval.statistics.intervals import mean, share
from bridgebench.eval.statistics.subgroups import subgroups

COLUMNS = ("Young", "Bangs", "Male")


def test_each_source_counts_once_in_its_own_group() -> None:
    """Two cells of 30 sources, in the second some edits without a value."""
    random = np.random.default_rng(0)
    skin = random.integers(0, 3, 30).astype(np.uint8)
    labels = random.integers(0, 2, (30, 3)).astype(np.uint8)
    first, second = random.random((2, 30)).astype(np.float32)
    second[::4] = np.nan
    plain = replace(made_up(30, 3), source_labels=labels, groups={"skin": skin})
    found = subgroups([replace(plain, values={"identity": each}) for each in (first, second)], COLUMNS, "identity")
    assert [(each.sort, each.name) for each in found] == [
        *(("sex", name) for name in ("women", "men")),
        *(("age", name) for name in ("older", "young")),
        *(("skin", name) for name in ("light skin", "medium skin", "dark skin")),
    ]
    averages = np.nanmean([first.astype(float), second.astype(float)], axis=0)
    groups = [
        *(labels[:, 2] == k for k in (0, 1)),
        *(labels[:, 0] == k for k in (0, 1)),
        *(skin == k for k in (0, 1, 2)),
    ]
    for each, rows in zip(found, groups, strict=True):
        assert (each.n, each.value) == (rows.sum(), pytest.approx(averages[rows].mean()))
        assert (each.low, each.high) == pytest.approx(mean(averages[rows]))


def test_shares_have_the_interval_of_shares_and_empty_groups_none() -> None:
    labels = np.zeros((20, 1), np.uint8)
    hits = (np.arange(20) % 4 > 0).astype(np.float32)
    cell = replace(made_up(20, 1), source_labels=labels, values={"accuracy_second": hits}, groups={})
    women, men = subgroups([cell], ["Male"], shares=True)
    assert (women.value, women.n, (women.low, women.high)) == (0.75, 20, share(hits))
    assert (men.value, men.low, men.n) == (None, None, 0)
    assert subgroups([cell], ["Bangs"], shares=True) == subgroups([cell], ["Male"], "identity") == []
