"""The kernel distance against clean-fid's and against a brute-force jackknife."""

import cleanfid.fid
import numpy as np
import pytest

from bridgebench.eval.distances import kernel
from bridgebench.eval.distances.kernel import KernelReal, kernel_distance


def features(seed: int, n: int, d: int = 12, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


@pytest.mark.parametrize("n", [10, 150])
def test_equals_clean_fid_with_all_images_in_one_subset(n):
    a, b = features(1, n), features(2, n, shift=0.2)
    expected = cleanfid.fid.kernel_distance(a, b, num_subsets=1, max_subset_size=n)
    assert kernel_distance(a, b)[0] == pytest.approx(expected, rel=1e-9)


def test_equals_clean_fids_mean_over_many_subsets_where_sizes_differ():
    a, b = features(1, 60, shift=0.3), features(2, 200)
    np.random.seed(0)
    subsets = [cleanfid.fid.kernel_distance(a, b, num_subsets=20) for _ in range(20)]
    spread = np.std(subsets) / np.sqrt(20)
    assert abs(kernel_distance(a, b)[0] - np.mean(subsets)) < 4 * spread


def test_standard_error_is_the_jackknifes():
    a, b = features(3, 9), features(4, 7, shift=0.5)

    def variance(estimates: list[float]) -> float:
        n = len(estimates)
        return (n - 1) / n * np.square(np.array(estimates) - np.mean(estimates)).sum()

    left_a = [kernel_distance(np.delete(a, i, axis=0), b)[0] for i in range(len(a))]
    left_b = [kernel_distance(a, np.delete(b, i, axis=0))[0] for i in range(len(b))]
    assert kernel_distance(a, b)[1] == pytest.approx(np.sqrt(variance(left_a) + variance(left_b)), rel=1e-9)


def test_standard_error_is_the_spread_over_samples():
    """Where the two sides differ, the estimate is near normal and its error is what repeated samples scatter by."""
    found = np.array([kernel_distance(features(10 + i, 80, 4, 0.4), features(1000 + i, 120, 4)) for i in range(150)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.2)


def grouped(random: np.random.Generator, sources: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Edits (outputs * sources, 3) that differ little from others of their source, and whose they are."""
    centres = random.normal(size=(sources, 3))
    edits = np.concatenate([centres + 0.1 * random.normal(size=centres.shape) for _ in range(outputs)])
    return edits, np.tile(np.arange(sources), outputs)


def test_edits_of_one_source_do_not_bias_the_distance():
    """All of one distribution, whose distance is 0."""
    random = np.random.default_rng(0)
    held = [(*grouped(random, 15, 6), random.normal(size=(40, 3))) for _ in range(200)]
    values = [KernelReal(real).distance(edits, sources)[0] for edits, sources, real in held]
    blind = [KernelReal(real).distance(edits)[0] for edits, _, real in held]
    error = np.std(values) / np.sqrt(200)
    assert abs(np.mean(values)) < 3 * error
    assert np.mean(blind) > 10 * error


def test_edits_of_one_source_do_not_lessen_the_error():
    """Where the two sides differ: what repeated draws scatter by."""
    random = np.random.default_rng(0)
    found, blind = [], []
    for _ in range(200):
        edits, sources = grouped(random, 30, 6)
        real = KernelReal(random.normal(size=(80, 3)) + 1)
        found.append(real.distance(edits, sources))
        blind.append(real.distance(edits))
    spread = np.std([value for value, _ in found])
    assert np.mean([error for _, error in found]) == pytest.approx(spread, rel=0.2)
    assert np.mean([error for _, error in blind]) < 0.8 * spread


def test_the_error_by_sources_is_the_jackknifes():
    edits, sources = grouped(np.random.default_rng(1), 6, 3)
    real = KernelReal(features(4, 30, 3))
    kept = [real.distance(edits[sources != i], sources[sources != i])[0] for i in range(6)]
    alone = [KernelReal(np.delete(features(4, 30, 3), i, axis=0)).distance(edits, sources)[0] for i in range(30)]
    variance = sum((len(some) - 1) * np.var(some) for some in (kept, alone))
    assert real.distance(edits, sources)[1] == pytest.approx(np.sqrt(variance), rel=1e-9)
    with pytest.raises(ValueError, match="edits of at least 3 sources"):
        real.distance(edits, sources % 2)


def test_unbiased_for_one_distribution():
    values = [kernel_distance(features(2 * i, 20, 5), features(2 * i + 1, 30, 5))[0] for i in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    assert min(values) < 0


def test_a_large_side_is_drawn_by_the_seed(monkeypatch):
    monkeypatch.setattr(kernel, "LARGEST_SIDE", 50)
    a, b = features(5, 40), features(6, 500, shift=0.5)
    assert kernel_distance(a, b, seed=1) == kernel_distance(a, b, seed=1) == KernelReal(b, seed=1).distance(a)
    assert kernel_distance(a, b, seed=1) != kernel_distance(a, b, seed=2)


@pytest.mark.parametrize("bad", [np.ones((2, 12)), np.full((5, 12), np.inf), np.ones((5, 11))])
def test_degenerate_input_is_refused(bad):
    with pytest.raises(ValueError, match=r"at least 3|finite|dimension"):
        kernel_distance(bad, features(7, 20))
