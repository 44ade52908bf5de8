"""BridgeGAN small: warm-up, ramp, learning rates and the rare penalty follow the schedule."""

from __future__ import annotations

import copy

import pytest
import torch
from tiny_bridgegan import assert_same, batches, smooth_batch, trained, training

from bridgebench.methods.training.base import Batch


@pytest.fixture(scope="module")
def data() -> Batch:
    return smooth_batch()


def test_warm_up_trains_the_classifier_and_the_reconstruction_alone(data):
    made = training(warmup=3)
    before = copy.deepcopy(made)
    losses = trained(made, data, 3, torch.Generator().manual_seed(0))
    assert [set(each) for each in losses] == [{"d_cls", "g_rec"}] * 3
    assert torch.equal(made.memory, before.memory)
    for name in ("realness_conv", "realness"):
        assert_same(made.discriminator.get_submodule(name), before.discriminator.get_submodule(name))
    for network in ("discriminator.first", "discriminator.attributes", "editor.generator.last", "editor.encoder.last"):
        now, then = (run.get_submodule(network).weight for run in (made, before))
        assert not torch.equal(now, then)
    assert "g_total" in trained(made, data, 1, torch.Generator().manual_seed(0))[0]


def test_the_classifier_may_have_a_warm_up_of_its_own(data):
    made = training(classifier_warmup=2, warmup=1)
    before, draw = copy.deepcopy(made), torch.Generator().manual_seed(0)
    assert [set(each) for each in trained(made, data, 2, draw)] == [{"d_cls"}] * 2
    assert_same(made.editor, before.editor)
    critic = copy.deepcopy(made.discriminator)
    assert not torch.equal(critic.first.weight, before.discriminator.first.weight)
    assert set(trained(made, data, 1, draw)[0]) == {"g_rec"}
    assert_same(made.discriminator, critic)
    assert not torch.equal(made.editor.generator.last.weight, before.editor.generator.last.weight)
    assert "g_total" in trained(made, data, 1, draw)[0]


def test_the_ramp_begins_after_the_warm_up():
    made = training(warmup=10, ramp=20)
    shares = []
    for iteration in (0, 10, 15, 30, 39):
        made.iteration.fill_(iteration)
        shares.append(made.ramp())
    assert shares == [0, 0, 0.25, 1, 1]
    assert training().ramp() == 1


def test_the_ramp_weighs_cycle_closeness_and_keeping():
    names = ["g_gan", "g_cls", "g_rec", "g_ms", "g_cyc", "g_sty", "g_ak"]
    losses = {name: torch.tensor(1.0) for name in names}
    made = training(ramp=20)
    totals = []
    for iteration in (0, 10, 20):
        made.iteration.fill_(iteration)
        totals.append(float(made.generator_total(losses)))
    rest = 1 + 10 + 100 + 0.005
    assert totals == pytest.approx([rest, rest + (100 + 50 + 100) / 2, rest + 100 + 50 + 100])


def test_the_schedule_reaches_the_optimizers(data):
    made = training(learning_rate=1e-3, warmup=1, warmup_learning_rate=2e-3, iterations=4, cooldown=2, n_critic=1)
    draw, rates = torch.Generator().manual_seed(0), []
    for _ in range(4):
        trained(made, data, 1, draw)
        rates.append({group["lr"] for optimizer in made.optimizers.values() for group in optimizer.param_groups})
    assert rates == [{2e-3}, {1e-3}, {1e-3}, {5e-4}]
    assert made.total_iterations == 4


def test_a_rare_penalty_weighs_more(data):
    """Every 2nd: absent in between, and twice as strong where it is taken."""
    made = training(penalty_every=2)
    pairing = made.pair(batches(data)(), torch.Generator().manual_seed(0))
    taken = made.update_discriminator(pairing)
    expected = taken["d_gan"] + taken["d_cls"] + 2 * 10 * taken["d_gp"]
    torch.testing.assert_close(taken["d_total"], expected)
    made.iteration += 1
    assert "d_gp" not in made.update_discriminator(pairing)
