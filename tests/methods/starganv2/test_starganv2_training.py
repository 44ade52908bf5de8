"""StarGAN v2 in training: its schedule and draws; it resumes to the very step."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch

from bridgebench.methods.starganv2.domains import DomainIndex
from bridgebench.methods.starganv2.objective import Conversion, LossWeights, discriminator_terms, generator_total
from bridgebench.methods.starganv2.pairing import augment, draw_pairing
from bridgebench.methods.starganv2.recipe import StarGANv2Recipe
from bridgebench.methods.starganv2.training import StarGANv2Training
from bridgebench.methods.training.base import Batch

ANIMALS = ("cat", "dog", "wild")
SIZES = {"width": 4, "widest": 8, "style_size": 8, "noise_size": 4, "mapping_width": 16}
SMALL = StarGANv2Recipe(**SIZES, batch_size=2, diversity_iterations=4, learning_rate=1e-3, mapping_learning_rate=1e-3)


def data(columns: int = 3, size: int = 32, batch: int = 2):
    """Endless batches; an image's first pixel is its domain."""
    generator = torch.Generator().manual_seed(0)

    def next_batch() -> Batch:
        domains = torch.randint(columns, (batch,), generator=generator)
        images = torch.rand(batch, 3, size, size, generator=generator) * 2 - 1
        images[:, :, 0, 0] = domains[:, None] / 10
        return Batch(images, torch.eye(columns)[domains], torch.arange(batch))

    return next_batch


def small(recipe: StarGANv2Recipe = SMALL, seed: int = 0) -> StarGANv2Training:
    return StarGANv2Training(recipe, ANIMALS, 32, dataset_size=100, seed=seed)


# --- training ---------------------------------------------------------------------------------------------------------


def test_training_is_deterministic_and_resumes_to_the_very_step():
    training, next_batch, generator = small(), data(), torch.Generator().manual_seed(1)
    start = copy.deepcopy(training.state_dict())
    logs = training.step(next_batch, generator)
    assert all(value.ndim == 0 and not value.requires_grad and value.isfinite() for value in logs.values())
    resumed = small(seed=9)
    resumed.load_state_dict(copy.deepcopy(training.state_dict()))
    for name, optimizer in training.optimizers.items():
        resumed.optimizers[name].load_state_dict(copy.deepcopy(optimizer.state_dict()))
    state, batches = generator.get_state(), [next_batch() for _ in range(8)]
    first, second = (
        made.step(iter(batches).__next__, torch.Generator().set_state(state)) for made in (training, resumed)
    )
    assert first == second
    for name, tensor in training.state_dict().items():
        if isinstance(tensor, torch.Tensor):
            assert torch.equal(tensor, resumed.state_dict()[name]), name
            # All networks learn and so the editor's averages; a domain that was not drawn may stay where it was.
            assert not torch.equal(tensor, start[name]) or tensor.ndim < 2 or "unshared" in name, name
    assert resumed.iteration == 2


def test_the_editor_is_the_moving_average():
    training = small(replace(SMALL, ema=0.75))
    before = [parameter.clone() for parameter in training.editor.generator.parameters()]
    training.step(data(), torch.Generator().manual_seed(0))
    new = training.generator.parameters()
    for old, learnt, kept in zip(before, new, training.editor.generator.parameters(), strict=True):
        torch.testing.assert_close(kept, 0.75 * old + 0.25 * learnt)


def test_the_update_by_reference_moves_the_generator_alone():
    training = small()
    pairing = draw_pairing(data(), training.editor.domains, 4, 0.5, True, torch.Generator().manual_seed(0))
    before = copy.deepcopy(training.state_dict())
    training.generator_step(pairing, "reference", training.edit(pairing, "reference"))
    moved = {name.split(".")[0] for name, tensor in before.items() if _moved(tensor, training.state_dict()[name])}
    assert moved == {"generator"}


def _moved(before, now) -> bool:
    return isinstance(before, torch.Tensor) and not torch.equal(before, now)


def test_half_precision_computes_the_same_losses():
    exact, half = (small(replace(SMALL, precision=precision)) for precision in ("32", "bf16"))
    logs = [made.step(data(), torch.Generator().manual_seed(0)) for made in (exact, half)]
    assert logs[0].keys() == logs[1].keys()
    name = "discriminator/noise/real"  # before any update
    torch.testing.assert_close(logs[1][name], logs[0][name], rtol=5e-2, atol=1e-2)


def test_a_rarer_penalty_weighs_more():
    training = small(replace(SMALL, penalty_every=2))
    logs = [training.step(data(), torch.Generator().manual_seed(0)) for _ in range(2)]
    assert ["discriminator/noise/penalty" in entry for entry in logs] == [True, False]
    first = {key.split("/")[-1]: value for key, value in logs[0].items() if key.startswith("discriminator/noise")}
    torch.testing.assert_close(first["total"], first["real"] + first["fake"] + 2 * first["penalty"])


def test_the_weight_of_the_diversity_falls_to_nothing():
    recipe = StarGANv2Recipe(weights=LossWeights(diversity=2.0))
    assert [recipe.diversity_at(i) for i in (0, 50_000, 100_000, 200_000)] == [2, 1, 0, 0]
    terms = {"adversarial": 1.0, "style": 10.0, "diversity": 100.0, "cycle": 1000.0}
    weights = LossWeights(style=2, cycle=3)
    assert float(generator_total({k: torch.tensor(v) for k, v in terms.items()}, weights, 0.5)) == 1 + 20 - 50 + 3000


def test_the_penalty_is_half_the_squared_gradient():
    """A linear D, whose gradient is its weights."""
    weights = torch.randn(2, 3, 4, 4)
    given = (torch.randn(2, 3, 4, 4), torch.tensor([0, 1]), torch.tensor([1, 0]))

    def linear(images, domains):
        return (images * weights[domains]).sum((1, 2, 3))

    terms = discriminator_terms(linear, Conversion(*given), torch.zeros(2, 3, 4, 4))  # type: ignore[arg-type]
    torch.testing.assert_close(terms["penalty"], 0.5 * weights.square().sum((1, 2, 3)).mean())
    assert float(terms["fake"]) == pytest.approx(math.log(2))


# --- draws ------------------------------------------------------------------------------------------------------------


def test_draws_pair_references_of_the_targets_domain():
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        pairing = draw_pairing(data(batch=8), DomainIndex(ANIMALS), 4, 0.0, False, generator)
        images, domains, targets = pairing.given
        assert torch.equal((images[:, 0, 0, 0] * 10).round().long(), domains)
        for references in pairing.references:
            assert torch.equal((references[:, 0, 0, 0] * 10).round().long(), targets)
        pair = [references.flatten(1) for references in pairing.references]
        assert not bool((pair[0] == pair[1]).all(dim=1).any())
        assert pairing.noises[0].shape == (8, 4)
        assert not torch.equal(*pairing.noises)


def test_a_domain_that_is_hardly_there():
    """All images of one domain: it is source and target, and the search for others ends."""
    calls = []

    def next_batch() -> Batch:
        calls.append(1)
        return Batch(torch.zeros(2, 3, 32, 32), torch.eye(3)[[1, 1]], torch.arange(2))

    pairing = draw_pairing(next_batch, DomainIndex(ANIMALS), 4, 0.0, False, torch.Generator().manual_seed(0))
    assert pairing.given.domains.tolist() == pairing.given.targets.tolist() == [1, 1]
    assert len(calls) == 8


def test_cuts_and_mirrors():
    ramp = torch.linspace(-1, 1, 32).expand(64, 3, 32, 32)
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(augment(ramp, 0.0, False, generator), ramp)
    mirrored = augment(ramp, 0.0, True, generator)[:, 0, 0, 0] == 1
    assert 16 < int(mirrored.sum()) < 48
    spans = augment(ramp, 1.0, False, generator)[:, 0, 0, [0, -1]].diff(dim=1)[:, 0] / 2
    assert 0.8 < float(spans.min()) < 0.93 < 0.97 < float(spans.max()) <= 1.0001
