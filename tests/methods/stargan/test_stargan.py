"""StarGAN in training and in use: it learns, and resumes to the very step."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from bridgebench.methods.core.errors import UnsupportedMode, UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.stargan.editor import StarGAN
from bridgebench.methods.stargan.networks import Generator
from bridgebench.methods.stargan.objective import LossWeights
from bridgebench.methods.stargan.recipe import StarGANRecipe
from bridgebench.methods.stargan.training import StarGANTraining
from bridgebench.methods.training import recipe as recipes
from bridgebench.methods.training.base import Batch

SMALL = StarGANRecipe(width=8, blocks=1, discriminator_width=8, batch_size=4, n_critic=2, learning_rate=1e-3)


# --- training ---------------------------------------------------------------------------------------------------------


def data(seed: int = 0, size: int = 32):
    """Endless batches of smooth random images whose first label is their brightness."""
    generator = torch.Generator().manual_seed(seed)

    def next_batch() -> Batch:
        coarse = torch.rand(SMALL.batch_size, 3, 4, 4, generator=generator) * 2 - 1
        labels = (torch.rand(SMALL.batch_size, 2, generator=generator) < 0.5).float()
        images = F.interpolate(coarse * 0.5 + (labels[:, :1, None, None] - 0.5), size=size, mode="bilinear")
        return Batch(images, labels, torch.arange(SMALL.batch_size))

    return next_batch


def small(seed: int = 0, recipe: StarGANRecipe = SMALL) -> StarGANTraining:
    return StarGANTraining(recipe, ("Bright", "Other"), 32, dataset_size=100, seed=seed)


def test_training_learns_to_reconstruct():
    recipe = replace(SMALL, n_critic=1, learning_rate=2e-3, weights=LossWeights(reconstruction=100.0))
    training, next_batch = small(recipe=recipe), data()
    generator, held_out = torch.Generator().manual_seed(0), data(seed=1)()
    before = reconstruction(training.editor, held_out)
    logs = [training.step(next_batch, generator) for _ in range(40)]
    assert reconstruction(training.editor, held_out) < 0.8 * before
    assert float(logs[-1]["discriminator/classification"]) < float(logs[0]["discriminator/classification"])
    assert all(value.ndim == 0 and not value.requires_grad for value in logs[-1].values())


def test_half_precision_computes_the_same_losses():
    exact, half = (small(recipe=replace(SMALL, n_critic=1, precision=precision)) for precision in ("32", "bf16"))
    logs = [made.step(data(), torch.Generator().manual_seed(0)) for made in (exact, half)]
    assert logs[0].keys() == logs[1].keys()
    for name, value in logs[0].items():
        torch.testing.assert_close(logs[1][name], value, rtol=2e-2, atol=2e-3)


def reconstruction(editor: StarGAN, batch: Batch) -> float:
    back = editor.edit(batch.images, labels=batch.labels, source_labels=batch.labels)
    return float((back - batch.images).abs().mean())


def test_the_generator_steps_in_every_nth_iteration():
    training, next_batch, generator = small(), data(), torch.Generator().manual_seed(0)
    logs = [training.step(next_batch, generator) for _ in range(4)]
    assert ["generator/fake" in entry for entry in logs] == [False, True, False, True]


def test_training_resumes_to_the_very_step():
    next_batch, generator = data(), torch.Generator().manual_seed(1)
    training = small()
    for _ in range(3):
        training.step(next_batch, generator)
    resumed = small(seed=9)
    resumed.load_state_dict(training.state_dict())
    for name, optimizer in training.optimizers.items():
        resumed.optimizers[name].load_state_dict(copy.deepcopy(optimizer.state_dict()))
    again, batch = torch.Generator().set_state(generator.get_state()), next_batch()
    first, second = training.step(lambda: batch, generator), resumed.step(lambda: batch, again)
    assert first == second
    assert "generator/fake" in first  # iteration 4 of the same count
    for a, b in zip(training.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_seed_decides_the_initial_weights():
    before = torch.random.get_rng_state()
    one, same, other = (small(seed).editor.generator.main[0].weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_learning_rates():
    official, linear = StarGANRecipe(), StarGANRecipe(decay="linear")
    assert official.rate_at(101_000) == official.learning_rate  # the official code changes it after this iteration
    assert official.rate_at(101_001) == pytest.approx(1e-4 - 1e-9, rel=1e-9)
    assert official.rate_at(200_000) == pytest.approx(1e-4 - 99e-9, rel=1e-9)
    assert linear.rate_at(100_000) == linear.learning_rate
    assert linear.rate_at(150_001) == pytest.approx(0.5e-4)
    assert linear.rate_at(200_000) == pytest.approx(1e-9)
    assert StarGANRecipe(decay="none").rate_at(10**6) == 1e-4


def test_image_sizes_that_cannot_be_trained():
    with pytest.raises(UserError, match="multiple of 4"):
        StarGANTraining(SMALL, CELEBA14, 30, 1, 0)
    with pytest.raises(UserError, match="cannot halve 132 pixels"):
        StarGANTraining(SMALL, CELEBA14, 132, 1, 0)


# --- recipes ----------------------------------------------------------------------------------------------------------


def test_recipe_from_a_profile():
    table = {
        "width": 32,
        "learning_rate": 1,
        "betas": [0.0, 0.9],
        "weights": {"reconstruction": 5.0},
        "decay": "linear",
    }
    recipe = recipes.parse_recipe(StarGANRecipe, table, "[train.stargan]")
    weights = LossWeights(reconstruction=5.0)
    assert recipe == StarGANRecipe(width=32, learning_rate=1.0, betas=(0.0, 0.9), weights=weights, decay="linear")
    assert recipes.parse_recipe(StarGANRecipe, {}, "[train.stargan]") == StarGANRecipe()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"widht": 32}, r"\[train.stargan\] has the unknown key 'widht'. Did you mean 'width'\?"),
        ({"weights": {"penality": 1.0}}, "weights has the unknown key 'penality'. Did you mean 'penalty'"),
        ({"width": "wide"}, "width = 'wide' does not fit: .*integer"),
        ({"width": 2.5}, "width = 2.5 does not fit"),
        ({"width": True}, "width = True does not fit"),
        ({"batch_size": 0}, "batch_size = 0 does not fit"),
        ({"betas": [0.5]}, "betas"),
        ({"weights": {"penalty": "x"}}, "weights.penalty = 'x' does not fit"),
        ({"weights": 3}, "weights = 3 does not fit"),
        ({"decay": "cosine"}, "decay = 'cosine' does not fit"),
    ],
)
def test_recipe_mistakes(table, message):
    with pytest.raises(UserError, match=message):
        recipes.parse_recipe(StarGANRecipe, table, "[train.stargan]")


# --- edits ------------------------------------------------------------------------------------------------------------


def test_edit_errors():
    editor = StarGAN(attributes=["A", "B"], image_size=32, width=4, blocks=1)
    images, labels = torch.zeros(1, 3, 32, 32), torch.zeros(1, 2)
    with pytest.raises(UnsupportedMode, match="no reference edit; it has: label"):
        editor.edit(images, reference=images, source_labels=labels)
    with pytest.raises(UserError, match="multiples of 4, not 30x32"):
        editor.edit(images[:, :, :30], labels=labels, source_labels=labels)
    with pytest.raises(UserError, match="multiple of 4, not 30"):
        StarGAN(image_size=30)


# --- networks ---------------------------------------------------------------------------------------------------------


def test_the_first_convolution_is_the_published_one():
    """Images and one constant map a label, zero padding: at every border and corner, and for the gradients."""
    torch.manual_seed(0)
    network = Generator(5, 8, 1).double()
    images, labels = torch.randn(2, 3, 8, 12).double().requires_grad_(), torch.rand(2, 5).double()
    maps = labels[:, :, None, None].expand(-1, -1, 8, 12)
    found, weight = network.first(images, labels), network.main[0].weight
    wanted = F.conv2d(torch.cat([images, maps], dim=1), weight, padding=3)
    torch.testing.assert_close(found, wanted)
    weights = torch.randn_like(wanted)
    for one, other in zip(
        *(torch.autograd.grad((each * weights).sum(), (images, weight)) for each in (found, wanted)), strict=True
    ):
        torch.testing.assert_close(one, other)
