"""STGAN in training: it learns, and resumes to the bit."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from bridgebench import methods
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.stgan.recipe import STGANRecipe
from bridgebench.methods.stgan.training import STGANTraining
from bridgebench.methods.training.base import Batch

SMALL = STGANRecipe(
    width=4,
    unit_width=4,
    layers=3,
    discriminator_width=4,
    discriminator_hidden=8,
    batch_size=4,
    n_critic=2,
    learning_rate=2e-3,
    norm_momentum=0.1,
)


def data(seed: int = 0):
    """Endless batches of smooth random images whose first label is their brightness; counts what it gave."""
    generator = torch.Generator().manual_seed(seed)

    def next_batch() -> Batch:
        next_batch.given += 1
        coarse = torch.rand(SMALL.batch_size, 3, 4, 4, generator=generator) * 2 - 1
        labels = (torch.rand(SMALL.batch_size, 2, generator=generator) < 0.5).float()
        images = F.interpolate(coarse * 0.5 + (labels[:, :1, None, None] - 0.5), size=32, mode="bilinear")
        return Batch(images, labels, torch.arange(SMALL.batch_size))

    next_batch.given = 0
    return next_batch


def small(seed: int = 0, recipe: STGANRecipe = SMALL) -> STGANTraining:
    return STGANTraining(recipe, ("Bright", "Other"), 32, dataset_size=100, seed=seed)


def test_training_learns_to_reconstruct():
    training, next_batch = small(recipe=replace(SMALL, n_critic=1)), data()
    generator, held_out = torch.Generator().manual_seed(0), data(seed=1)()

    def error() -> float:
        back = training.editor.edit(held_out.images, held_out.labels, source_labels=held_out.labels)
        return float((back - held_out.images).abs().mean())

    before = error()
    logs = [training.step(next_batch, generator) for _ in range(30)]
    assert error() < 0.7 * before
    assert all(value.ndim == 0 and not value.requires_grad for value in logs[-1].values())
    assert all(math.isfinite(value) for entry in logs for value in entry.values())


def test_an_iteration():
    """Two updates of D and one of G, each with a batch of its own; batch norm sees what the official one sees."""
    training, next_batch = small(), data()
    training.step(next_batch, torch.Generator().manual_seed(0))
    assert next_batch.given == 3
    seen = {name: int(value) for name, value in training.editor.state_dict().items() if name.endswith("tracked")}
    assert all(count == (3 if "encoder" in name else 4) for name, count in seen.items())
    assert not training.editor.training
    assert training.editor.generator.encoder.levels[0][1].momentum == 0.1


def test_half_precision_computes_the_same_losses():
    logs = [small(recipe=replace(SMALL, n_critic=1, precision=precision)) for precision in ("32", "bf16")]
    exact, half = (made.step(data(), torch.Generator().manual_seed(0)) for made in logs)
    assert exact.keys() == half.keys()
    for name, value in exact.items():
        torch.testing.assert_close(half[name], value, rtol=3e-2, atol=5e-3)


def test_training_resumes_to_the_very_bit():
    next_batch, generator = data(), torch.Generator().manual_seed(1)
    training, resumed = small(), small(seed=9)
    for _ in range(2):
        training.step(next_batch, generator)
    resumed.load_state_dict(training.state_dict())
    for name, optimizer in training.optimizers.items():
        resumed.optimizers[name].load_state_dict(copy.deepcopy(optimizer.state_dict()))
    again, batch = torch.Generator().set_state(generator.get_state()), next_batch()
    assert training.step(lambda: batch, generator) == resumed.step(lambda: batch, again)
    assert resumed.iteration == 3
    ours, theirs = training.state_dict(), resumed.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours if name != "_extra_state")


def test_the_seed_decides_the_initial_weights():
    before = torch.random.get_rng_state()
    one, same, other = (small(seed).editor.generator.decoder.last.weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.random.get_rng_state())
    assert float(one.detach().abs().max()) <= (6 / (16 * (one.shape[0] + 3))) ** 0.5  # Glorot's uniform bound


def test_learning_rates():
    recipe = STGANRecipe()
    assert recipe.rate_at(94_699) == 2e-4
    assert recipe.rate_at(94_700) == recipe.rate_at(189_399) == pytest.approx(2e-5)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"unit_widht": 32}, r"\[train.stgan\] has the unknown key 'unit_widht'. Did you mean 'unit_width'\?"),
        ({"weights": {"penality": 1.0}}, "weights has the unknown key 'penality'"),
        ({"layers": 1}, "layers = 1 does not fit"),
        ({"norm_momentum": 0}, "norm_momentum = 0 does not fit"),
        ({"layers": 5}, "cannot be trained with 5 layers at 32 pixels: take fewer"),
        ({"layers": 6}, "multiple of 64, not 32"),
    ],
)
def test_recipe_mistakes(table, message):
    with pytest.raises(UserError, match=message):
        methods.start_training("stgan", table, ("A",), 32, 1, 0)
