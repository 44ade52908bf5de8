"""References and latent vectors: fair, of the right value, and each independent of all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from bridgebench.harness.benchmark.draws import deal_references, draw_noise, draw_references, seed_of

ALL = np.arange(300)
IDS = [f"face-{i}" for i in range(300)]
LABELS = np.random.default_rng(3).integers(0, 2, (300, 2)).astype(np.uint8)


def flipped(column: int, sources: Sequence[int] = range(300)) -> NDArray[np.uint8]:
    labels = LABELS[list(sources)].copy()
    labels[:, column] ^= 1
    return labels


def drawn(seed: int, column: int, sources: Sequence[int] = range(300), draw: int = 0) -> NDArray[np.int64]:
    found = draw_references(seed, IDS, LABELS, ALL, column, sources, flipped(column, sources), draw)
    assert found is not None
    return found


def test_a_reference_has_the_flipped_value() -> None:
    assert (LABELS[drawn(0, 1), 1] == 1 - LABELS[:, 1]).all()


def test_a_draw_depends_on_no_other_image_nor_on_the_order() -> None:
    assert drawn(0, 0, [200, 7, 30]).tolist() == drawn(0, 0)[[200, 7, 30]].tolist()
    noise = draw_noise(0, IDS, 8, [0] * 300)
    assert torch.equal(draw_noise(0, [IDS[200], IDS[7]], 8, [0, 0]), noise[[200, 7]])


def test_draws_differ_by_seed_attribute_and_draw() -> None:
    base = drawn(0, 0)
    assert (base != drawn(1, 0)).mean() > 0.9
    assert (base != drawn(0, 0, draw=1)).mean() > 0.9
    first, other = draw_noise(0, [IDS[0], IDS[0]], 8, [0, 1])
    assert not torch.equal(first, other)


def test_references_are_drawn_evenly_and_noise_is_standard_normal() -> None:
    labels = np.array([[0]] * 5000 + [[1]] * 10, dtype=np.uint8)
    ids = [str(i) for i in range(5010)]
    found = draw_references(0, ids, labels, np.arange(5010), 0, range(5000), 1 - labels[:5000])
    counts = np.bincount(np.asarray(found) - 5000, minlength=10)
    assert counts.sum() == 5000
    assert (abs(counts - 500) < 5 * np.sqrt(500 * 0.9)).all()
    noise = draw_noise(0, ids[:2000], 16, [0] * 2000)
    assert abs(float(noise.mean())) < 0.03 and abs(float(noise.std()) - 1) < 0.03


def test_no_reference_where_all_images_agree() -> None:
    labels = np.ones((300, 1), dtype=np.uint8)
    assert draw_references(0, IDS, labels, ALL, 0, range(3), 1 - labels[:3]) is None


def test_references_come_from_the_pool_only() -> None:
    pool = np.arange(100, 200)
    found = draw_references(0, IDS, LABELS, pool, 1, range(300), flipped(1))
    assert found is not None and set(found) <= set(pool)
    assert (LABELS[found, 1] == 1 - LABELS[:, 1]).all()


def test_dealt_references_are_used_equally_often_and_never_twice_in_a_round() -> None:
    having = np.arange(100, 120)
    found = deal_references(0, "cat2dog", having, 50)
    counts = np.bincount(found - 100, minlength=20)
    assert len(found) == 50 and set(counts) == {2, 3}
    assert set(found[:20]) == set(found[20:40]) == set(having)
    assert found[:20].tolist() != found[20:40].tolist()
    assert deal_references(0, "cat2dog", having, 30).tolist() == found[:30].tolist()
    assert deal_references(1, "cat2dog", having, 50).tolist() != found.tolist()


def test_seeds_are_stable_across_processes_and_versions() -> None:
    # sha256 of '["noise", 0, "a", 1]', its first eight bytes, halved
    assert seed_of("noise", 0, "a", 1) == int("d328c416d71aea15", 16) >> 1
