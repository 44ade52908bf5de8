"""HomoGAN small: its training."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from tiny_homogan import COUNT, SIDE, batches, changed, smooth_images, training

from bridgebench import methods
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.homogan.recipe import HomoGANRecipe
from bridgebench.methods.training.base import Batch


@pytest.fixture(scope="module")
def data() -> Batch:
    return smooth_images()


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_a_resumed_run_is_the_undisturbed_one(data, precision):
    options = {"warmup": 1, "cooldown": 4, "precision": precision}
    whole, next_batch, draw = training(**options), batches(data), torch.Generator().manual_seed(3)
    for _ in range(3):
        whole.step(next_batch, draw)
    states = {name: each.state_dict() for name, each in whole.optimizers.items()}
    saved = copy.deepcopy((whole.state_dict(), states, draw.get_state()))
    resumed, redraw = training(seed=9, **options), torch.Generator()
    resumed.load_state_dict(saved[0])
    for name, optimizer in resumed.optimizers.items():
        optimizer.load_state_dict(saved[1][name])
    redraw.set_state(saved[2])
    later = batches(data, 3)
    for _ in range(3):
        expected = whole.step(next_batch, draw)
        assert resumed.step(later, redraw) == expected
    assert changed(whole, resumed) == set()
    assert all(torch.equal(a, b) for a, b in zip(whole.buffers(), resumed.buffers(), strict=True))
    assert all(bool(value.isfinite()) and not value.requires_grad for value in expected.values())
    rates = {group["lr"] for optimizer in resumed.optimizers.values() for group in optimizer.param_groups}
    assert rates == {1e-3 * 3 / 4}
    assert changed(training(seed=3), training(seed=3)) == set()


def test_each_update_trains_its_own_networks(data):
    made, draw = training(warmup=1), torch.Generator().manual_seed(0)
    always, moving = {"editor.decoder", "knowledge"}, {"editor.encoder", "editor.interpolator"}
    expected = [always | {"editor.encoder"}, always | {"discriminator"} | moving, always | {"discriminator"}]
    for parts in expected:
        before = copy.deepcopy(made)
        logs = made.step(batches(data), draw)
        assert changed(before, made) == parts
        assert any(name.startswith("encoder/") for name in logs) == ("editor.interpolator" in parts)


def test_attribute_heads_learn_from_the_features_that_the_recipe_names(data):
    made = training()
    images, labels, _ = batches(data)()
    view = made.look(images, labels, made.draw(6, torch.Generator(), images.device), moves=False)
    columns = [3, 1, 2, 0]
    assert torch.equal(view.labels, labels[:, columns])
    for classify, features in (("interpolated", view.between), ("real", view.own)):
        made.recipe = HomoGANRecipe(classify=classify)
        found = made.discriminator_terms(view)["d_classification"]
        _, logits = made.discriminator(features)
        summed = F.binary_cross_entropy_with_logits(logits, labels[:, columns], reduction="none").sum(1).mean()
        torch.testing.assert_close(found, summed)


def test_labels_of_interpolated_features_lie_as_far_as_their_group(data):
    made = training()
    images, labels, _ = batches(data)()
    draws = made.draw(6, torch.Generator(), images.device)
    view = made.look(images, labels, draws, moves=False)
    v = draws.strength[:, [0, 0, 1, 2]]
    own, other = view.labels, labels[draws.order][:, [3, 1, 2, 0]]
    torch.testing.assert_close(view.target, own + v * (other - own))


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_training_learns_to_rebuild(data, precision):
    made, next_batch = training(precision=precision, warmup=25, warmup_learning_rate=3e-3), batches(data)
    logs = [made.step(next_batch, torch.Generator()) for _ in range(25)]
    assert all(bool(value.isfinite()) for value in logs[-1].values())
    assert float(logs[-1]["decoder/reconstruction"]) < 0.5 * float(logs[0]["decoder/reconstruction"])


def test_half_precision_computes_the_same_losses(data):
    draws = [torch.Generator().manual_seed(0) for _ in range(2)]
    logs = [
        training(precision=precision).step(batches(data), draw)
        for precision, draw in zip(("32", "bf16"), draws, strict=True)
    ]
    for name in ("decoder/reconstruction", "discriminator/penalty", "encoder/classification", "encoder/knowledge"):
        torch.testing.assert_close(logs[1][name], logs[0][name], rtol=5e-2, atol=1e-2)


def test_the_official_recipe():
    recipe = HomoGANRecipe()
    assert (recipe.rate_at(0), recipe.rate_at(10**6)) == (1e-4, 1e-4)
    assert (recipe.encoder_every, recipe.batch_size, recipe.weights.penalty) == (5, 32, 100.0)
    made = methods.start_training("homogan", {"width": 2, "levels": 3}, CELEBA14, SIDE, COUNT, 0)
    betas = {name: each.param_groups[0]["betas"] for name, each in made.optimizers.items()}
    assert betas == {"decoder": (0.9, 0.999), "discriminator": (0.5, 0.999), "encoder": (0.5, 0.999)}
