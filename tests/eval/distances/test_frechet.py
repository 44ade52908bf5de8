"""The exact Fréchet distance against clean-fid's and against closed forms."""

import tracemalloc

import numpy as np
import pytest
import torch
from cleanfid.fid import fid_from_feats

from bridgebench.eval.distances.frechet import RealStatistics, frechet_distance


def features(seed: int, n: int, d: int, shift: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, d)) @ random.normal(size=(d, d)) / np.sqrt(d) + shift


@pytest.mark.parametrize(
    ("n", "m", "d"),
    [(300, 400, 40), (60, 400, 100), (400, 60, 100), (50, 70, 120), (100, 100, 100), (2, 300, 64), (101, 100, 100)],
)
def test_equals_clean_fid(n, m, d):
    a, b = features(1, n, d), features(2, m, d, shift=0.3)
    expected = fid_from_feats(a, b)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-3)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-3)


def test_gaussians_of_diagonal_covariance():
    """For commuting covariances the distance is |μ₁−μ₂|² + Σ (σ₁−σ₂)², here with exact sample moments."""
    d = 6
    signs = np.array([[1.0, -1.0] * 8] * d)
    for column in range(d):  # orthogonal columns: Walsh functions of 16 points
        signs[column] = [(-1) ** bin(i & (column + 1)).count("1") for i in range(16)]
    unit = signs.T * np.sqrt(15 / 16)  # unbiased covariance: identity
    first, second = np.arange(1.0, d + 1), np.linspace(3.0, 0.5, d)
    mean = np.full(d, 0.7)
    expected = d * 0.7**2 + np.square(first - second).sum()
    assert frechet_distance(unit * first, unit * second + mean) == pytest.approx(expected, rel=1e-10)


def test_zero_for_the_same_set_and_for_its_permutation():
    a = features(3, 80, 120)
    assert frechet_distance(a, a[::-1]) == pytest.approx(0, abs=1e-9)
    wide = features(3, 200, 20)
    assert frechet_distance(wide, wide[::-1]) == pytest.approx(0, abs=1e-6)


def test_both_ways_of_computing_agree():
    """N just below and just above the rank: the singular values and the eigenvalues meet."""
    d = 50
    a, b = features(4, 120, d), features(5, 90, d)
    padded = np.hstack([a, np.zeros((120, 200))]), np.hstack([b, np.zeros((90, 200))])
    assert frechet_distance(*padded) == pytest.approx(frechet_distance(a, b), rel=1e-6)


def test_statistics_are_reusable_and_tensors_are_taken():
    a, b = features(6, 50, 30).astype(np.float32), features(7, 90, 30).astype(np.float32)
    real = RealStatistics(torch.from_numpy(b))
    first, again = real.distance(torch.from_numpy(a)), real.distance(a)
    assert first == again == frechet_distance(a, b)


@pytest.mark.parametrize("bad", [np.ones((1, 5)), np.ones(5), np.full((4, 5), np.nan), np.ones((4, 6))])
def test_degenerate_input_is_refused(bad):
    with pytest.raises(ValueError, match=r"at least 2|\(N, D\)|finite|dimension"):
        frechet_distance(bad, features(8, 20, 5))


def test_the_real_sides_spread_is_never_below_zero():
    constant = np.ones((10, 4))
    assert frechet_distance(constant, constant) == 0
    assert frechet_distance(constant, constant + 2) == pytest.approx(16)


@pytest.mark.parametrize("kind", [np.float64, np.float32, torch.from_numpy])
def test_the_features_given_are_left_alone(kind):
    random = np.random.default_rng(0)
    given = [kind(random.normal(size=(rows, 20))) for rows in (30, 25)]
    before = [np.array(features) for features in given]
    frechet_distance(*given)
    assert all(np.array_equal(np.array(now), then) for now, then in zip(given, before, strict=True))


def test_many_features_are_taken_in_parts(monkeypatch):
    """The same distance, and no copy of all features in double precision."""
    a, b = features(9, 3000, 60, shift=0.2).astype(np.float32), features(10, 2500, 60).astype(np.float32)
    whole = frechet_distance(a, b)
    monkeypatch.setattr("bridgebench.eval.distances.frechet._LARGEST", 2**12)
    tracemalloc.start()
    assert frechet_distance(a, b) == pytest.approx(whole, rel=1e-10)
    assert tracemalloc.get_traced_memory()[1] < a.nbytes / 2
    tracemalloc.stop()
    with pytest.raises(ValueError, match="finite"):
        frechet_distance(np.where(np.arange(3000)[:, None] == 2999, np.inf, a), b)


def test_numbers_of_few_images_are_what_they_were():
    """To the last bit, for they stand in records."""
    for n, m, d in ((40, 50, 64), (200, 150, 64), (40, 150, 64), (150, 40, 64)):
        a, b = features(11, n, d).astype(np.float32), features(12, m, d).astype(np.float32)
        assert frechet_distance(a, b) == as_it_was(a, b)


def as_it_was(fake: np.ndarray, real: np.ndarray) -> float:
    """The whole of both sides in double precision at once."""
    (shift, traces, (x, y)) = zip(*[moments(side) for side in (fake, real)], strict=True)
    factor = y.T
    if len(real) > real.shape[1]:
        values, vectors = np.linalg.eigh(y.T @ y)
        kept = values > values[-1] * len(values) * np.finfo(np.float64).eps
        factor = vectors[:, kept] * np.sqrt(values[kept])
    if len(fake) <= factor.shape[1]:
        norm = np.linalg.svd(x @ factor, compute_uv=False).sum()
    else:
        half = factor.T @ (x.T @ x) @ factor
        norm = np.sqrt(np.linalg.eigvalsh((half + half.T) / 2).clip(min=0)).sum()
    return float((shift[0] - shift[1]) @ (shift[0] - shift[1])) + traces[0] + traces[1] - 2 * float(norm)


def moments(side: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    matrix = side.astype(np.float64)
    mean = matrix.mean(axis=0)
    centred = (matrix - mean) / np.sqrt(len(matrix) - 1)
    return mean, float(np.square(centred).sum()), centred
