"""A whole cell: the controls' numbers, which are known beforehand, and what is missing."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from bridgebench.eval.cell import Instruments, Tally, Task
from bridgebench.eval.distances.frechet import frechet_distance
from bridgebench.eval.distances.kernel import kernel_distance
from bridgebench.eval.distances.reals import MatchedReals, Reals
from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.features import neutral
from bridgebench.eval.judges.networks import Network, Networks
from bridgebench.eval.judges.reading import read
from bridgebench.eval.measures.counterfactual import BEST_PSNR
from bridgebench.eval.statistics.ratios import amounts_of
from bridgebench.methods.core.labels import Attributes

ATTRIBUTES = ("Smiling", "Bangs", "Receding_Hairline")
SPACE = Attributes(ATTRIBUTES)
BANGS = 1


def judge(architecture: str, seed: int) -> AttributeClassifier:
    torch.manual_seed(seed)
    model = AttributeClassifier(ATTRIBUTES, architecture, width=8).eval()
    with torch.no_grad():  # an untrained judge answers much the same everywhere: spread its answers around 0
        logits = model(torch.rand(50, 3, 32, 32) * 2 - 1)
        model.head.bias.sub_(logits.mean(dim=0))
        model.head.weight.mul_(20 / logits.std())
        model.head.bias.mul_(20 / logits.std())
    model.digest = architecture
    return model


@dataclass(frozen=True)
class Cell:
    """Edits and what they are held against; `measures` gives them to the tally in batches."""

    bench: Instruments
    task: Task
    source: np.ndarray
    edited: np.ndarray
    truth: np.ndarray | None = None
    batch: int = 40

    def tally(self):
        tally = Tally(self.bench, self.task)
        for start in range(0, len(self.edited), self.batch):
            rows = slice(start, start + self.batch)
            tally.add(self.source[rows], self.edited[rows], None if self.truth is None else self.truth[rows])
        return tally

    def measures(self, draws=None):
        return self.tally().measures(draws).records

    @property
    def reading(self):
        return self.task.source_reading


@pytest.fixture(scope="module")
def cell() -> Cell:
    """40 images edited by the identity control; the first 30 of their labels lack Bangs."""
    random = np.random.default_rng(0)
    photos = random.integers(0, 256, (120, 32, 32, 3), dtype=np.uint8)
    labels = np.zeros((120, 3), dtype=np.uint8)
    labels[:, 0] = random.integers(0, 2, 120)
    labels[30:80, BANGS] = 1
    labels[:12, 2] = 1
    primary, second = judge("resnet", 1), judge("plain", 2)
    extractor = neutral(judge("resnet", 3))
    reals = Reals(extractor(photos), labels, SPACE, seed=0)
    bench = Instruments(primary, second, extractor, reals, minimum_n=10)
    source, target = photos[:40], SPACE.target(labels[:40], "Bangs")
    # The real images of the last edits are chosen first, and the first edit has none.
    edits = np.arange(1, 40)[::-1]
    matched = MatchedReals(extractor(photos[80:119]), target[edits], SPACE, 0, edits, np.arange(39) % 2)
    return Cell(bench, Task(BANGS, labels[:40], target, read(primary, source), matched=matched), source, source)


def test_identity_preserves_all_and_is_as_accurate_as_chance_readings_make_it(cell):
    measures = cell.measures()
    seen = cell.reading.logits[:, BANGS] > 0
    wanted = cell.task.target_labels[:, BANGS] == 1
    assert measures["accuracy"]["value"] == (seen == wanted).mean()
    assert measures["accuracy_added"] | {"low": 0, "high": 0} == {
        "value": seen[:30].mean(),
        "low": 0,
        "high": 0,
        "n": 30,
    }
    assert measures["accuracy_removed"]["value"] == (~seen[30:]).mean() and measures["accuracy_removed"]["n"] == 10
    second = read(cell.bench.second, cell.edited).logits[:, BANGS] > 0
    assert measures["accuracy_second"]["value"] == (second == wanted).mean()
    assert measures["l1_source"] == {"value": 0, "low": 0, "high": 0, "n": 40}
    assert measures["ssim_source"]["value"] == pytest.approx(1)
    assert measures["leakage"] == {"value": 0, "low": 0, "high": 0, "n": 40}
    assert not any(name.endswith("_true") for name in measures) and "diversity" not in measures


def test_intervals_hold_their_values(cell):
    for name, measure in cell.measures().items():
        if "low" in measure:
            assert measure["low"] <= measure["value"] <= measure["high"], name


def test_distances_are_those_of_the_right_pairs(cell):
    measures, reals = cell.measures(), cell.bench.reals
    features = cell.bench.extractor(cell.edited)
    added, removed = features[:30], features[30:]
    assert measures["fd_paper"] == {
        "value": pytest.approx(frechet_distance(features, reals.features)),
        "n": 40,
        "n_real": 120,
    }
    added, matched = added[1:], cell.task.matched
    lacking, having = matched.features[:10], matched.features[10:]
    expected = (29 * frechet_distance(added, having) + 10 * frechet_distance(removed, lacking)) / 39
    found = {"value": pytest.approx(expected), "n": 39, "n_real": 39, "differing": pytest.approx(19 / 39)}
    assert measures["fd_matched"] == found
    pairs = [kernel_distance(added, having), kernel_distance(removed, lacking)]
    assert measures["kid_matched"]["value"] == pytest.approx((29 * pairs[0][0] + 10 * pairs[1][0]) / 39)
    assert measures["kid_matched"]["se"] == pytest.approx(np.hypot(29 * pairs[0][1], 10 * pairs[1][1]) / 39)
    assert not {"fd_target", "kid"} & measures.keys()  # all images of the target domain are for conversions


def test_editing_all_reals_into_themselves_has_no_paper_distance(cell):
    few = replace(cell.bench, reals=Reals(cell.bench.extractor(cell.source), cell.task.source_labels, SPACE, 0))
    assert replace(cell, bench=few).measures()["fd_paper"]["value"] == pytest.approx(0, abs=1e-6)


def test_too_few_images_give_a_reason_instead_of_a_distance(cell):
    measures = replace(cell, bench=replace(cell.bench, minimum_n=11)).measures()
    assert measures["fd_matched"] == {"value": None, "reason": "Bangs = 0: 10 edits and 10 reals, fewer than 11"}
    assert measures["fd_paper"]["value"] is not None and measures["kid_matched"]["value"] is not None
    measures = replace(cell, bench=replace(cell.bench, minimum_n=1000)).measures()
    assert measures["fd_paper"] == {"value": None, "reason": "40 edits and 120 reals, fewer than 1000"}


def test_the_truth_against_itself_is_perfect(cell):
    truth = cell.source.copy()
    truth[:, :8] = 255 - truth[:, :8]
    measures = replace(cell, edited=truth, truth=truth).measures()
    assert measures["psnr_true"]["value"] == BEST_PSNR and measures["ssim_true"]["value"] == pytest.approx(1)
    assert [measures[name]["value"] for name in ("l1_true", "l1_true_inside", "l1_true_outside")] == [0, 0, 0]
    idle = replace(cell, truth=truth).measures()
    assert idle["l1_true_inside"]["value"] > 0.3 and idle["l1_true_outside"]["value"] < 1e-3
    unchanged = replace(cell, truth=cell.source).measures()
    assert unchanged["l1_true_inside"] == {"value": None, "reason": "the true edit changes no pixel"}


def test_skill_of_the_controls_and_of_a_half_edit(cell):
    """The error of an edit half-way is half that of its source; what it does elsewhere is harm."""
    source, truth = cell.source // 2, cell.source // 2
    truth[:, :8] += 100
    idle, oracle = (replace(cell, source=source, edited=edited, truth=truth).measures() for edited in (source, truth))
    square, line = 0.25 * (100 / 255) ** 2, 0.25 * 100 / 255  # of a quarter of the image
    for key, unit in (("skill", square), ("skill_inside", square), ("skill_l1", line)):
        assert idle[key] == {"value": 0, "low": 0, "high": 0, "n": 40, "unit": pytest.approx(unit)}
        assert oracle[key] == {"value": 1, "low": 1, "high": 1, "n": 40, "unit": pytest.approx(unit)}
    none = {"value": 0, "low": 0, "high": 0, "n": 40, "unit": pytest.approx(square)}
    assert idle["harm_outside"] == oracle["harm_outside"] == none
    half = source.copy()
    half[:, :8] += 50
    half[:20, 8:16] += 20  # of half the images
    found = replace(cell, source=source, edited=half, truth=truth).measures()
    assert found["skill_inside"]["value"] == pytest.approx(0.75)
    assert found["harm_outside"]["value"] == pytest.approx(0.02)
    assert found["skill"]["value"] == pytest.approx(0.73)
    assert found["skill"]["low"] < 0.73 < found["skill"]["high"]
    assert found["skill_l1"]["value"] == pytest.approx(0.5 - 0.1)
    assert replace(cell, truth=cell.source).measures()["skill"] == {
        "value": None,
        "reason": "the true edit changes no pixel",
    }


def test_a_faint_change_of_every_pixel_is_no_harm_to_skill_but_is_in_l1(cell):
    """Why the squared error leads: two grey levels everywhere, which nobody sees, against a mouth's worth of pixels."""
    source, truth = cell.source // 2, cell.source // 2
    truth[:, :2, :4] += 100  # one pixel in 128
    faint = source + np.random.default_rng(0).choice(np.array([0, 4], np.uint8), source.shape)
    found = replace(cell, source=source, edited=faint, truth=truth).measures()
    assert -0.15 < found["skill"]["value"] < 0 and found["skill_l1"]["value"] < -2


def test_the_skills_of_edits_have_the_cell_s_skill_as_their_mean(cell):
    """Also its interval, against a bootstrap that resamples both errors of an image together."""
    random = np.random.default_rng(1)
    source, truth, edited = (random.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8) for _ in range(3))
    truth[:, 8:], edited[:, 24:] = source[:, 8:], truth[:, 24:]
    edited[::3] = truth[::3]
    tally = replace(cell, source=source, edited=edited, truth=truth).tally()
    idle, error = (np.square((images.astype(float) - truth) / 255).mean(axis=(1, 2, 3)) for images in (source, edited))
    measured = tally.measures()
    found = measured.records["skill"]
    assert measured.units["idle_squares"] == pytest.approx(idle) and found["unit"] == pytest.approx(idle.mean())
    assert amounts_of(measured.values["skill"], measured.units["idle_squares"]) == pytest.approx(idle - error, abs=1e-6)
    assert found["value"] == pytest.approx(1 - error.sum() / idle.sum()) == pytest.approx(tally.values("skill").mean())
    draws = random.integers(0, 40, (20_000, 40))
    ratios = 1 - error[draws].sum(axis=1) / idle[draws].sum(axis=1)
    width = found["high"] - found["low"]
    assert np.quantile(ratios, [0.025, 0.975]) == pytest.approx([found["low"], found["high"]], abs=0.25 * width)


def test_a_measure_looks_through_its_network_and_each_network_sees_an_image_once(cell):
    """The networks give an image's mean colour; one finds no face in bright images."""
    asked = []

    def colour(images):
        asked.append(len(images))
        return images.mean(axis=(1, 2)).astype(np.float32)

    def faces(images):
        found = colour(images)
        return np.where(found.mean(axis=1, keepdims=True) > 128, np.nan, found)

    seen = {"lpips": Network("a", colour), "identity": Network("b", faces), "faces": Network("b", faces)}
    source = np.full((40, 32, 32, 3), 100, np.uint8)
    edited = source.copy()
    edited[:10] += 100
    edited[10:, :, :, 0] = 0
    bench = replace(cell.bench, networks=Networks(seen, {"identity": "not asked", "dinov2": "name its folder"}))
    measures = replace(cell, bench=bench, source=source, edited=edited, truth=source).measures()
    assert sum(asked) == 40 * (3 + 2)  # source, edit and truth for LPIPS; source and edit for the faces
    assert measures["lpips_source"]["value"] == measures["lpips_true"]["value"] == pytest.approx(15000)
    assert measures["identity"]["value"] == pytest.approx((2 / 3) ** 0.5) and measures["identity"]["n"] == 30
    assert measures["no_face"]["value"] == 0.25 and measures["no_face"]["n"] == 40
    without = cell.measures()
    assert not {"lpips_source", "lpips_true", "identity", "no_face"} & without.keys()


def test_an_absent_network_is_a_dash_that_says_how_to_get_it(cell):
    bench = replace(cell.bench, networks=Networks(missing={"lpips": "name its file"}))
    measures = replace(cell, bench=bench).measures()
    assert measures["lpips_source"] == {"value": None, "reason": "name its file"}
    assert "lpips_true" not in measures  # without true edits there is none anyway


def test_one_direction_alone(cell):
    first = Task(
        BANGS, cell.task.source_labels[:30], cell.task.target_labels[:30], read(cell.bench.primary, cell.source[:30])
    )
    measures = replace(cell, task=first, source=cell.source[:30], edited=cell.edited[:30]).measures()
    assert measures["accuracy_removed"] == {"value": None, "reason": "no edit removes the attribute"}
    assert "fd_matched" not in measures  # this task names no matched images


def test_draws_give_diversity(cell):
    features = cell.bench.extractor(cell.source[:6]).reshape(3, 2, -1)
    found = cell.measures(features)["diversity"]
    distances = np.linalg.norm(features[:, 0].astype(float) - features[:, 1], axis=1)
    assert found == {"value": pytest.approx(distances.mean()), "n": 3, "draws": 2}


def test_the_batches_in_which_edits_come_do_not_matter(cell):
    whole, parts = cell.measures(), replace(cell, batch=7).measures()
    assert whole.keys() == parts.keys()
    for name, measure in whole.items():
        for part, value in measure.items():
            if name != "leakage_by":
                assert parts[name][part] == pytest.approx(value, rel=1e-4, abs=1e-6), name


def test_a_cell_is_repeatable_and_json(cell):
    once, again = (json.dumps(cell.measures(), sort_keys=True, allow_nan=False) for _ in range(2))
    assert once == again


def test_unequal_inputs_are_refused(cell):
    with pytest.raises(ValueError, match="same number"):
        replace(cell.task, target_labels=cell.task.target_labels[:39])
    with pytest.raises(ValueError, match="39 edits, 1 of each of 40 sources"):
        replace(cell, source=cell.source[:39], edited=cell.edited[:39]).measures()


def test_floor_and_null(cell):
    reals = cell.bench.reals
    floor = reals.floor(10)
    assert floor["n"] == 60 and 0 < floor["value"] < reals.floor(10)["value"] + 1e-12
    assert reals.floor(61)["value"] is None
    null = reals.null(reals.features, reals.labels, 10)
    expected = frechet_distance(reals.having(BANGS, 1), reals.having(BANGS, 0))
    assert null["Bangs"] == {"value": pytest.approx(expected), "n": 50, "n_real": 70}
    few = reals.null(reals.features, reals.labels, 13)
    assert few["Receding_Hairline"]["reason"] == "12 images with it and 108 without, fewer than 13"
