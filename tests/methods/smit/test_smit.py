"""SMIT in training and in use: it learns, resumes to the very step, keeps the contract and refuses what cannot be."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from bridgebench import methods
from bridgebench.methods.contract import run_contract
from bridgebench.methods.core.errors import UnsupportedMode, UserError
from bridgebench.methods.smit.editor import SMIT, spherical_interpolation
from bridgebench.methods.smit.networks import SampleNorm, SpectralConv
from bridgebench.methods.smit.objective import LossWeights
from bridgebench.methods.smit.recipe import SMITRecipe
from bridgebench.methods.smit.training import SMITTraining, crop_at_random
from bridgebench.methods.training.base import Batch

SMALL = SMITRecipe(
    width=4, blocks=1, downsamplings=2, discriminator_width=4, batch_size=2, learning_rate=1e-3, decay_iterations=0
)


def data(seed: int = 0, size: int = 32):
    """Endless batches of smooth random images whose first label is their brightness."""
    generator = torch.Generator().manual_seed(seed)

    def next_batch() -> Batch:
        coarse = torch.rand(4, 3, 4, 4, generator=generator) * 2 - 1
        labels = (torch.rand(4, 2, generator=generator) < 0.5).float()
        images = F.interpolate(coarse * 0.5 + (labels[:, :1, None, None] - 0.5), size=size, mode="bilinear")
        return Batch(images, labels, torch.arange(4))

    return next_batch


def small(seed: int = 0, recipe: SMITRecipe = SMALL) -> SMITTraining:
    return SMITTraining(recipe, ("Bright", "Other"), 32, dataset_size=100, seed=seed)


def editor(**changes) -> SMIT:
    torch.manual_seed(0)
    sizes = {"attributes": ["A", "B", "C"], "image_size": 32, "width": 4, "blocks": 2, "downsamplings": 2}
    return SMIT(**{**sizes, **changes}).eval()


# --- training ---------------------------------------------------------------------------------------------------------


def test_training_learns():
    recipe = replace(SMALL, learning_rate=3e-3, weights=LossWeights(reconstruction=100.0, identity=100.0))
    training, next_batch, generator = small(recipe=recipe), data(), torch.Generator().manual_seed(0)
    embedding = training.editor.generator.embedding.weight.clone()
    assert training.batch_size == 4  # two for D, two for G
    logs = [training.step(next_batch, generator) for _ in range(30)]
    for name in ("generator/identity", "generator/reconstruction", "discriminator/classification"):
        first, last = (sum(float(log[name]) for log in part) for part in (logs[:5], logs[-5:]))
        assert last < 0.9 * first, name
    assert all(value.ndim == 0 and not value.requires_grad and value.isfinite() for value in logs[-1].values())
    assert torch.equal(training.editor.generator.embedding.weight, embedding)  # never trained


def test_half_precision_computes_the_same_losses():
    exact, half = (small(recipe=replace(SMALL, precision=precision)) for precision in ("32", "bf16"))
    logs = [made.step(data(), torch.Generator().manual_seed(0)) for made in (exact, half)]
    assert logs[0].keys() == logs[1].keys()
    for name, value in logs[0].items():
        torch.testing.assert_close(logs[1][name], value, rtol=3e-2, atol=5e-3)


def test_training_resumes_to_the_very_step():
    next_batch, generator = data(), torch.Generator().manual_seed(1)
    training = small()
    for _ in range(2):
        training.step(next_batch, generator)
    resumed = small(seed=9)
    resumed.load_state_dict(copy.deepcopy(training.state_dict()))
    for name, optimizer in training.optimizers.items():
        resumed.optimizers[name].load_state_dict(copy.deepcopy(optimizer.state_dict()))
    again, batch = torch.Generator().set_state(generator.get_state()), next_batch()
    first, second = training.step(lambda: batch, generator), resumed.step(lambda: batch, again)
    assert first == second
    assert resumed.iteration == 3
    for (name, a), b in zip(training.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert a == b if isinstance(a, dict) else torch.equal(a, b), name


def test_the_seed_decides_the_initial_weights():
    before = torch.random.get_rng_state()
    one, same, other = (small(seed).discriminator.scales[0].source.weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_learning_rates():
    recipe, epoch = SMITRecipe(), 4566
    for number in range(60):  # official: from the end of epoch 31 on, a 30th less after each epoch
        expected = 2e-4 * (1 - max(0, number - 31) / 30)
        for iteration in (number * epoch + 1, (number + 1) * epoch):
            assert recipe.rate_at(iteration) == pytest.approx(expected, rel=1e-9)
    assert replace(recipe, decay_iterations=0).rate_at(10**6) == 2e-4


def test_image_sizes_that_cannot_be_trained():
    with pytest.raises(UserError, match=r"SMIT cannot be trained at this image size: .* power of two .*not 48"):
        SMITTraining(SMALL, ("A",), 48, 1, 0)
    with pytest.raises(UserError, match=r"multiple of 4 and at least 8 .*not 30"):
        SMITTraining(SMALL, ("A",), 30, 1, 0)
    assert SMITRecipe().discriminator_width_at(256) == 2 * SMITRecipe().discriminator_width_at(128) == 32


def test_recipe_from_a_profile():
    table = {"width": 4, "weights": {"identity": 5}, "discriminator_width": 8, "batch_size": 3}
    training = methods.start_training("smit", table, ("A", "B"), 32, 100, 0)
    assert (training.batch_size, training.recipe.weights) == (6, LossWeights(identity=5.0))
    assert training.total_iterations == SMITRecipe().iterations
    for wrong, message in (
        ({"widht": 4}, r"\[train.smit\] has the unknown key 'widht'. Did you mean 'width'\?"),
        ({"blocks": 0}, "blocks = 0 does not fit"),
        ({"weights": {"masks": 1.0}}, "weights has the unknown key 'masks'. Did you mean 'mask'"),
    ):
        with pytest.raises(UserError, match=message):
            methods.start_training("smit", wrong, ("A", "B"), 32, 100, 0)


def test_crops_are_parts_of_the_image():
    """On a ramp a crop shows what it took: its values are linear, from the left end of the part to the right one."""
    size, count = 64, 200
    ramp = (torch.arange(size) + 0.5) / size
    images = torch.stack([ramp.expand(size, size), ramp[:, None].expand(size, size), torch.zeros(size, size)])
    crops = crop_at_random(images.expand(count, -1, -1, -1), torch.Generator().manual_seed(0))
    width, height = ((crops[:, c].amax((1, 2)) - crops[:, c].amin((1, 2))) * size / (size - 1) for c in (0, 1))
    assert (width * height > 0.68).all()
    assert (width * height <= 1.001).all()
    assert (width / height > 0.78).all()
    assert (width / height < 1.22).all()
    assert (width * height).std() > 0.05
    assert torch.equal(crops, crop_at_random(images.expand(count, -1, -1, -1), torch.Generator().manual_seed(0)))


# --- layers -----------------------------------------------------------------------------------------------------------


def test_spectral_norm_finds_the_largest_singular_value():
    torch.manual_seed(0)
    layer, x = SpectralConv(3, 8).eval(), torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        for _ in range(200):
            found = layer(x)
        largest = torch.linalg.svdvals(layer.weight.flatten(1))[0]
        expected = F.conv2d(x, layer.weight / largest, layer.bias, 2, 1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_norm_over_a_sample():
    norm, x = SampleNorm(5), torch.randn(2, 5, 4, 4) * 3 + 2
    flat = x.flatten(1)
    normal = (flat - flat.mean(1, keepdim=True)) / (flat.std(1, keepdim=True) + 1e-5)
    torch.testing.assert_close(norm(x), normal.view_as(x) * norm.gamma[:, None, None], rtol=1e-4, atol=1e-5)
    assert 0 <= norm.gamma.min() <= norm.gamma.max() < 1


# --- edits ------------------------------------------------------------------------------------------------------------


def test_the_contract():
    failed = [result for result in run_contract(editor()) if result.required and not result.passed]
    assert not failed


def test_style_and_strength():
    made, draw = editor(), torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, 32, 32, generator=draw) * 2 - 1
    labels, source = torch.eye(3)[:2], torch.eye(3)[1:]
    noise = torch.randn(2, made.noise_size, generator=draw)

    def edit(labels: torch.Tensor, **options) -> torch.Tensor:
        return made.edit(images, labels, **{"noise": noise, "source_labels": source, **options})

    assert torch.equal(edit(labels), edit(labels, strength=1.0))
    assert torch.equal(edit(labels), edit(labels, source_labels=None))  # the target is absolute
    torch.testing.assert_close(edit(labels, strength=0.0), edit(source), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(edit(labels, strength=0.5), edit(labels), atol=1e-4)
    assert not torch.allclose(edit(labels), edit(labels, noise=noise.flip(0)), atol=1e-4)
    assert torch.equal(made.generator(images, made.generator.embed(noise, labels))[0].detach(), edit(labels))


def test_interpolation_on_the_sphere():
    start, end = torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0, 2.0], [3.0, 3.0]])
    middle = spherical_interpolation(start, end, 0.5)
    # 90 degrees: both weights are sin 45 / sin 90; parallel: linear
    torch.testing.assert_close(middle, torch.tensor([[0.5**0.5, 2 * 0.5**0.5], [2.0, 2.0]]), rtol=1e-3, atol=1e-3)


def test_edit_errors():
    made, images, labels = editor(), torch.zeros(1, 3, 32, 32), torch.zeros(1, 3)
    with pytest.raises(UnsupportedMode, match="no reference edit; it has: label"):
        made.edit(images, reference=images)
    with pytest.raises(UserError, match="multiples of 4, not 30x32"):
        made.edit(images[:, :, :30], labels)
    with pytest.raises(UserError, match="noise has the shape"):
        made.edit(images, labels, noise=torch.zeros(1, 3))
    for strength in (-0.1, 1.5, float("nan")):
        with pytest.raises(UserError, match=r"strength must lie in \[0.0, 1.0\]"):
            made.edit(images, labels, strength=strength)
    with pytest.raises(UserError, match="needs a classifier"):
        made.edit(images, labels, strength=0.5)
    with pytest.raises(UserError, match="image size must be a multiple of 8 and at least 16"):
        SMIT(image_size=8)
    rebuilt = SMIT(**json.loads(json.dumps(made.config)))
    rebuilt.load_state_dict(made.state_dict())
