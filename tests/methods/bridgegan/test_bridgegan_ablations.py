"""BridgeGAN without some of its parts: what is left out plays no part, and what stays is as it was."""

from __future__ import annotations

import pytest
import tiny_bridgegan
import torch

from bridgebench import methods
from bridgebench.methods.bridgegan.training import BridgeGANTraining
from bridgebench.methods.training.base import Batch

TINY = {**tiny_bridgegan.TINY, "n_critic": 1, "share_fakes": True}
ALL = {"g_gan", "g_cls", "g_rec", "g_ms", "g_cyc", "g_sty", "g_ak", "g_total", "mean_code"}
SWITCHES = {
    "full": ({}, set(), 3),
    "keeping": ({"keeping": False}, {"g_ak"}, 3),
    "interpolated": ({"interpolated": False}, set(), 2),
    "memory": ({"noise_memory": False}, set(), 3),
    "mode-seeking": ({"mode_seeking": False}, {"g_ms"}, 3),
    "label": ({"edits": "label"}, {"g_sty"}, 1),
    "reference": ({"edits": "reference"}, {"g_sty", "g_ms"}, 1),
}
WITH_MEMORY = ("full", "keeping", "interpolated", "mode-seeking")


def training(table: dict[str, object]) -> BridgeGANTraining:
    return methods.start_training("bridgegan", {**TINY, **table}, ("Bangs", "Male", "Young"), 32, 4, seed=0)


@pytest.fixture(scope="module")
def batch() -> Batch:
    draw = torch.Generator().manual_seed(5)
    labels = torch.tensor([[1.0, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 0]])
    return Batch(torch.rand(4, 3, 32, 32, generator=draw) * 2 - 1, labels, torch.arange(4))


@pytest.mark.parametrize("case", SWITCHES)
def test_a_switch_leaves_out_its_part_alone(batch: Batch, case: str) -> None:
    table, missing, kinds = SWITCHES[case]
    made = training(table)
    before = made.memory.clone()
    draw = torch.Generator().manual_seed(0)
    losses = made.step(lambda: batch, draw)
    assert {name for name in losses if name.startswith("g_") or name == "mean_code"} == ALL - missing
    assert all(bool(value.isfinite()) for value in losses.values())
    assert torch.equal(made.memory, before) == (case not in WITH_MEMORY)
    pairing = made.pair(batch, draw)
    codes, hidden = made.codes(pairing), made.editor.generator.encode_images(pairing.images)
    assert len(made.edits(pairing, hidden, codes)) == len(pairing.penalty_mix) == 4 * kinds
    made.step(lambda: batch, draw)  # and goes on


def test_a_late_weight_of_the_reconstruction_is_in_the_total_from_its_iteration_on() -> None:
    made = training({"late_from": 1, "late_reconstruction": 1000.0})
    terms = {name: torch.zeros(()) for name in ("g_gan", "g_cls", "g_ms", "g_cyc", "g_sty", "g_ak")}
    totals = []
    for _ in range(3):
        totals.append(float(made.generator_total({**terms, "g_rec": torch.ones(())})))
        made.iteration += 1
    assert totals == [100, 1000, 1000]


@pytest.mark.parametrize("case", SWITCHES)
def test_the_total_is_the_weighted_sum_of_the_terms_that_there_are(batch: Batch, case: str) -> None:
    losses = {name: float(value) for name, value in training(SWITCHES[case][0]).step(lambda: batch, draw()).items()}
    weights = {"g_gan": 1, "g_cls": 10, "g_rec": 100, "g_ms": 0.005, "g_cyc": 100, "g_sty": 50, "g_ak": 100}
    expected = sum(weight * losses.get(name, 0.0) for name, weight in weights.items())
    assert losses["g_total"] == pytest.approx(expected, rel=1e-5)


def test_the_parts_that_stay_are_those_of_the_full_method(batch: Batch) -> None:
    """From the same weights and draws: leaving a term out changes no other."""
    full = training({}).step(lambda: batch, draw())
    for table in ({"keeping": False}, {"mode_seeking": False}):
        for name, value in training(table).step(lambda: batch, draw()).items():
            if not name.endswith("_total"):
                torch.testing.assert_close(value, full[name], rtol=1e-5, atol=1e-6)


def test_one_kind_of_edit_trains_no_network_of_the_other(batch: Batch) -> None:
    made = training({"edits": "reference"})
    before = {name: value.clone() for name, value in made.editor.mapping.named_parameters()}
    made.step(lambda: batch, draw())
    assert all(torch.equal(value, before[name]) for name, value in made.editor.mapping.named_parameters())
    label = training({"edits": "label"})
    seen = label.pair(batch, draw())
    other = seen.images.flip(0)  # the look of the references plays no part, only their labels do
    one, two = (
        label.generator_losses(pairing, *parts(label, pairing))
        for pairing in (seen, seen.__class__(**{**vars(seen), "reference": other}))
    )
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("table", [{"noise_memory": False}, {"edits": "label"}])
def test_without_a_memory_noise_is_drawn_anew_as_at_test_time(batch: Batch, table: dict[str, object]) -> None:
    made, draws = training(table), draw()
    noises = torch.cat([made.pair(batch, draws).noise for _ in range(200)])
    assert not torch.equal(noises[:4], noises[4:8])
    assert float(noises.mean()) == pytest.approx(0, abs=0.1)
    assert float(noises.std()) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("case", SWITCHES)
def test_an_update_in_parts_has_the_terms_of_the_whole(batch: Batch, case: str) -> None:
    whole, parts_ = training(SWITCHES[case][0]), training({**SWITCHES[case][0], "micro_batch": 2})
    one, two = (made.step(lambda: batch, draw()) for made in (whole, parts_))
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-2, atol=1e-3)


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def parts(made: BridgeGANTraining, pairing: object) -> tuple[torch.Tensor, object, torch.Tensor]:
    """What `generator_losses` is given."""
    codes, hidden = made.codes(pairing), made.editor.generator.encode_images(pairing.images)
    return hidden, codes, made.edits(pairing, hidden, codes)
