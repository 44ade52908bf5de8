"""The labels of drawn faces: CelebA's frequencies, and never a contradiction."""

import numpy as np
import pytest

from bridgebench.harness.data.faces.labels import sample_labels
from bridgebench.methods.core.labels import BEARDS, CELEBA14, HAIR_COLOURS

# list_attr_celeba.txt's frequencies, in the order of CELEBA14; ours may be off by a few hundredths
CELEBA_SHARES = (0.77, 0.48, 0.48, 0.24, 0.15, 0.20, 0.04, 0.08, 0.15, 0.42, 0.83, 0.04, 0.06, 0.06)
COLUMN = {name: k for k, name in enumerate(CELEBA14)}


def is_consistent(labels: np.ndarray) -> bool:
    """Whether no two labels of one vector (14,) contradict each other."""
    value = dict(zip(CELEBA14, (bool(v) for v in labels), strict=True))
    one_colour = sum(value[name] for name in HAIR_COLOURS) <= 1
    one_forehead = not (value["Bangs"] and value["Receding_Hairline"])
    bearded = any(value[name] for name in BEARDS)
    return one_colour and one_forehead and not (bearded and value["No_Beard"])


@pytest.fixture(scope="module")
def natural() -> np.ndarray:
    return np.stack([sample_labels(seed) for seed in range(5000)])


@pytest.fixture(scope="module")
def balanced() -> np.ndarray:
    return np.stack([sample_labels(seed, balance=True) for seed in range(5000)])


def test_marginals_are_near_celebas(natural: np.ndarray) -> None:
    assert np.abs(natural.mean(axis=0) - CELEBA_SHARES).max() < 0.025


@pytest.mark.parametrize("kind", ["natural", "balanced"])
def test_no_vector_contradicts_itself(kind: str, request: pytest.FixtureRequest) -> None:
    labels = request.getfixturevalue(kind)
    assert labels.dtype == np.uint8
    colours = labels[:, [COLUMN[name] for name in HAIR_COLOURS]].sum(axis=1)
    beards = labels[:, [COLUMN[name] for name in BEARDS]].any(axis=1)
    assert colours.max() == 1
    assert not (labels[:, COLUMN["Bangs"]] & labels[:, COLUMN["Receding_Hairline"]]).any()
    assert not (beards & (labels[:, COLUMN["No_Beard"]] == 1)).any()


def test_beards_are_on_men_and_grey_hair_on_the_old(natural: np.ndarray) -> None:
    bearded, male = natural[:, COLUMN["No_Beard"]] == 0, natural[:, COLUMN["Male"]] == 1
    grey, young = natural[:, COLUMN["Gray_Hair"]] == 1, natural[:, COLUMN["Young"]] == 1
    assert not (bearded & ~male).any()
    assert young[grey].mean() < 0.2
    smiling, mouth_open = natural[:, COLUMN["Smiling"]] == 1, natural[:, COLUMN["Mouth_Slightly_Open"]] == 1
    assert mouth_open[smiling].mean() > 0.7 > 0.3 > mouth_open[~smiling].mean()


def test_balanced_labels_are_common_and_independent_of_the_sex(balanced: np.ndarray) -> None:
    shares = balanced.mean(axis=0)
    assert (shares[[COLUMN[name] for name in HAIR_COLOURS]] > 0.17).all()
    assert (shares[[COLUMN[name] for name in BEARDS]] > 0.24).all()
    others = [COLUMN[n] for n in ("Young", "Mouth_Slightly_Open", "Smiling", "Male", "No_Beard")]
    assert ((shares[others] > 0.4) & (shares[others] < 0.6)).all()
    assert (shares[[COLUMN["Bangs"], COLUMN["Receding_Hairline"]]] > 0.3).all()
    male = balanced[:, COLUMN["Male"]] == 1
    assert np.abs(balanced[male].mean(axis=0) - balanced[~male].mean(axis=0))[[3, 4, 5, 6, 11, 12, 13]].max() < 0.05


def test_the_same_seed_gives_the_same_labels() -> None:
    assert (sample_labels(7) == sample_labels(7)).all()
    assert any((sample_labels(7) != sample_labels(seed)).any() for seed in range(8, 12))
