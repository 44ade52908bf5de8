"""ELEGANT small: its training by pairs."""

from __future__ import annotations

import copy

import pytest
import torch
from tiny_elegant import COUNT, assert_same, batches, smooth_images, training

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.elegant.objective import exchanged_labels
from bridgebench.methods.elegant.recipe import ElegantRecipe
from bridgebench.methods.training.base import Batch


@pytest.fixture(scope="module")
def data() -> Batch:
    return smooth_images()


def test_pairs_have_and_lack_the_attribute(data):
    made = training()
    for attribute in range(3):
        next_batch, taken = batches(data)
        images, labels = made.pairs(next_batch, attribute)
        assert labels[:, attribute].tolist() == [1, 1, 1, 0, 0, 0]
        places = [int((data.images == image).flatten(1).all(1).nonzero()) for image in images]
        assert torch.equal(data.labels[places], labels)
        rare = int(data.labels[:, attribute].sum()) < 3
        assert len(taken) <= (8 if rare else 4)


def test_few_images_are_repeated_and_none_is_an_error(data):
    one = torch.zeros(COUNT, 3)
    one[7, 2] = 1
    scarce = Batch(data.images, one, data.indices)
    images, _ = training().pairs(batches(scarce)[0], 2)
    assert all(torch.equal(image, data.images[7]) for image in images[:3])
    with pytest.raises(UserError, match="no training image has Bangs"):
        training().step(batches(scarce)[0], torch.Generator())
    with pytest.raises(UserError, match="no training image lacks Bangs"):
        training().pairs(batches(Batch(data.images, 1 - one, data.indices))[0], 0)


def test_images_that_form_no_pair_are_not_counted_as_seen(data, monkeypatch):
    made, seen = training(), []
    update = made.update
    monkeypatch.setattr(made, "update", lambda images, *rest: seen.append(len(images)) or update(images, *rest))
    next_batch, taken = batches(data)
    made.step(next_batch, torch.Generator())
    assert sum(seen) == made.images_an_iteration < 6 * len(taken)


def test_labels_are_exchanged_in_one_column():
    labels = torch.tensor([[1.0, 0, 1], [1, 1, 0], [0, 1, 1], [0, 0, 0]])
    expected = [[0, 0, 1], [0, 1, 0], [1, 1, 1], [1, 0, 0]]
    assert exchanged_labels(labels, 0).tolist() == expected
    assert labels[0, 0] == 1


def test_a_resumed_run_is_the_undisturbed_one(data):
    whole, (next_batch, taken) = training(cooldown=8), batches(data)
    first = whole.step(next_batch, torch.Generator())
    saved = copy.deepcopy((whole.state_dict(), {name: each.state_dict() for name, each in whole.optimizers.items()}))
    resumed, start = training(seed=9, cooldown=8), len(taken)
    expected = whole.step(next_batch, torch.Generator())
    resumed.load_state_dict(saved[0])
    for name, optimizer in resumed.optimizers.items():
        optimizer.load_state_dict(saved[1][name])
    assert resumed.step(batches(data, start)[0], torch.Generator()) == expected
    assert_same(resumed, whole)
    assert first.keys() == {"d1", "d2", "d_total", "reconstruction", "adv1", "adv2", "g_total"}
    assert all(bool(value.isfinite()) and not value.requires_grad for value in expected.values())
    rates = {group["lr"] for optimizer in resumed.optimizers.values() for group in optimizer.param_groups}
    assert rates == {1e-3 * 7 / 8}
    assert_same(training(seed=3), training(seed=3))


def test_each_side_trains_its_own_networks_and_d_goes_first(data):
    made = training()
    images, labels = made.pairs(batches(data)[0], 0)
    before = copy.deepcopy(made)
    logs = made.update(images, labels, 0)
    edit_labels = exchanged_labels(labels, 0)
    rebuilt, edits = before.exchanged(images, 0)
    # The generator's terms are those of the new D with the edits of the old Enc and Dec.
    terms = made.generator_terms(images, rebuilt, edits, edit_labels)
    for name, value in terms.items():
        torch.testing.assert_close(logs[name], value.detach())
    for part in ("editor.encoder", "editor.decoder", "discriminators"):
        for now, then in zip(
            made.get_submodule(part).parameters(), before.get_submodule(part).parameters(), strict=True
        ):
            assert not torch.equal(now, then)


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_training_learns_to_rebuild(data, precision):
    made, (next_batch, _) = training(precision=precision, learning_rate=4e-3, blocks=2), batches(data)
    logs = [made.step(next_batch, torch.Generator()) for _ in range(8)]
    assert all(bool(value.isfinite()) for value in logs[-1].values())
    assert float(logs[-1]["reconstruction"]) < 0.9 * float(logs[0]["reconstruction"])


def test_half_precision_computes_the_same_losses(data):
    logs = [training(precision=precision).step(batches(data)[0], torch.Generator()) for precision in ("32", "bf16")]
    for name, value in logs[0].items():
        torch.testing.assert_close(logs[1][name], value, rtol=3e-2, atol=5e-3)


def test_the_official_recipe():
    recipe = ElegantRecipe()
    assert (recipe.rate_at(0), recipe.rate_at(2999)) == (2e-4, 2e-4)
    assert recipe.rate_at(3000) == pytest.approx(1.94e-4)
    assert recipe.rate_at(6000) == pytest.approx(2e-4 * 0.97**2)
    group = training().optimizers["generator"].param_groups[0]
    assert (group["betas"], group["weight_decay"]) == ((0.5, 0.999), 1e-5)
