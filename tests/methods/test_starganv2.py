"""StarGAN v2 in training and in use: its draws, schedule and domains; it resumes to the very step."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch

from methods.attributes import CELEBA14
from methods.contract import run_contract
from methods.errors import UserError
from methods.starganv2.blocks import HighPass
from methods.starganv2.domains import Domains
from methods.starganv2.editor import StarGANv2
from methods.starganv2.masks import FaceMasks
from methods.starganv2.objective import Conversion, LossWeights, discriminator_terms, generator_total
from methods.starganv2.pairing import augment, draw_pairing
from methods.starganv2.recipe import StarGANv2Recipe
from methods.starganv2.training import StarGANv2Training
from methods.training import Batch

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


def small(recipe: StarGANv2Recipe = SMALL, seed: int = 0, attributes=ANIMALS) -> StarGANv2Training:
    return StarGANv2Training(recipe, attributes, 32, dataset_size=100, seed=seed)


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
        pairing = draw_pairing(data(batch=8), Domains(ANIMALS), 4, 0.0, False, generator)
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

    pairing = draw_pairing(next_batch, Domains(ANIMALS), 4, 0.0, False, torch.Generator().manual_seed(0))
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


# --- domains and edits ------------------------------------------------------------------------------------------------


def test_domains_of_labels():
    animals, bangs, single = Domains(ANIMALS), Domains(CELEBA14, "Bangs"), Domains(["Bangs"])
    assert (animals.count, bangs.count, single.count) == (3, 2, 2)
    assert (animals.editable, bangs.editable, single.editable) == (ANIMALS, ("Bangs",), ("Bangs",))
    assert animals.of(torch.eye(3)[[2, 0]]).tolist() == [2, 0]
    assert single.of(torch.tensor([[1.0], [0.0]])).tolist() == [1, 0]
    labels = torch.zeros(2, 14)
    labels[1, CELEBA14.index("Bangs")] = 1
    assert bangs.of(labels).tolist() == [0, 1]
    assert animals.predicted(torch.tensor([[-3.0, -1, -2]])).tolist() == [1]
    assert single.predicted(torch.tensor([[-3.0], [1.0]])).tolist() == [0, 1]
    for wrong in (torch.zeros(1, 3), torch.ones(1, 3)):
        with pytest.raises(UserError, match=r"one column a domain \(cat, dog, wild\)"):
            animals.of(wrong)
    with pytest.raises(UserError, match="Did you mean 'Bangs'"):
        Domains(CELEBA14, "Bang")


@pytest.mark.parametrize(
    ("attributes", "attribute"), [(ANIMALS, None), (("Bangs", "Male"), "Bangs"), (("Bangs",), None)]
)
def test_the_contract(attributes, attribute):
    editor = StarGANv2(attributes=attributes, attribute=attribute, image_size=32, **SIZES)
    assert [result for result in run_contract(editor) if result.required and not result.passed] == []


def test_edits_by_domain():
    editor = StarGANv2(attributes=ANIMALS, image_size=32, **SIZES).eval()
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    labels, noise = torch.eye(3)[[1, 2]], torch.randn(2, 4)
    editor.attach(classifier=lambda pictures: labels - 2)  # the argmax counts, not the sign
    by_label = editor.edit(images, labels, noise=noise)
    with torch.no_grad():
        style = torch.stack(
            [
                editor.mapping_network.unshared[d](editor.mapping_network.shared(z))
                for d, z in zip((1, 2), noise, strict=True)
            ]
        )
        mean = torch.stack([editor.mean_style(domain) for domain in (1, 2)])
        torch.testing.assert_close(by_label, editor.generator(images, style).clamp(-1, 1))
        half = editor.generator(images, (mean + style) / 2).clamp(-1, 1)
    torch.testing.assert_close(editor.edit(images, labels, noise=noise, truncation=0.5), half, rtol=1e-4, atol=1e-5)
    by_reference = editor.edit(images, labels, images.flip(0))
    assert torch.equal(by_reference, editor.edit(images, reference=images.flip(0)))
    assert not torch.equal(by_reference, by_label)
    for options, message in (({"truncation": 2.0}, "truncation"), ({"masks": (noise, noise)}, "no high-pass")):
        with pytest.raises(UserError, match=message):
            editor.edit(images, labels, **options)
    with pytest.raises(UserError, match="32x32 pixels, not 64x64"):
        editor.edit(torch.zeros(2, 3, 64, 64), labels)


def test_the_high_pass_skip():
    flat = HighPass(2.0)(torch.ones(1, 2, 5, 5))
    assert flat[0, :, 1:-1, 1:-1].abs().max() == 0  # inside; the border sees the zero padding
    assert torch.equal(flat, HighPass(1.0)(torch.ones(1, 2, 5, 5)) / 2)
    editor = StarGANv2(attributes=["Bangs"], image_size=32, high_pass=1.0, **SIZES).eval()
    images, labels, noise = torch.rand(1, 3, 32, 32) * 2 - 1, torch.ones(1, 1), torch.randn(1, 4)
    nothing, everything = (torch.full((1, 1, 8, 8), value) for value in (0.0, 1.0))
    without = editor.edit(images, labels, noise=noise, masks=(nothing, nothing))
    with torch.no_grad():
        plain = editor.generator(images, editor.mapping_network(noise, torch.tensor([1])))
    torch.testing.assert_close(without, plain.clamp(-1, 1))
    assert not torch.equal(without, editor.edit(images, labels, noise=noise, masks=(everything, nothing)))
    assert torch.equal(without, editor.edit(images, labels, noise=noise, masks=(nothing, everything)))  # 64 and up
    assert isinstance(editor.fan, FaceMasks)
    assert not editor.train().fan.training


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"widht": 8}, r"\[train.starganv2\] has the unknown key 'widht'. Did you mean 'width'"),
        ({"ema": 2.0}, "ema = 2.0"),
        ({"batch_size": 1}, "batch_size = 1"),
        ({"attribute": "Bang"}, "Did you mean 'Bangs'"),
        ({"high_pass": 1.0, "attribute": "Bangs", **SIZES}, "give landmarks"),
        ({"high_pass": 1.0, "attribute": "Bangs", "landmarks": "no.ckpt", **SIZES}, "no checkpoint file no.ckpt"),
    ],
)
def test_recipes_that_do_not_fit(table, sentence):
    with pytest.raises(UserError, match=sentence):
        StarGANv2.start_training(table, CELEBA14, 32, 4, 0)


def test_sizes_that_do_not_fit():
    for wrong in (16, 48):
        with pytest.raises(UserError, match="power of 2"):
            StarGANv2(image_size=wrong)
    with pytest.raises(UserError, match="high_pass"):
        StarGANv2(image_size=32, high_pass=-1.0)
    with pytest.raises(UserError, match="one column a domain"):
        faces = Batch(torch.zeros(2, 3, 32, 32), torch.ones(2, 14), torch.arange(2))
        small(attributes=CELEBA14).step(lambda: faces, torch.Generator())
