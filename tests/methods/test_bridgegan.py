"""BridgeGAN small: how an edit depends on its arguments, and how training runs, resumes and follows its schedule."""

from __future__ import annotations

import copy
import io
import itertools
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from methods.base import Editor
from methods.bridgegan.editor import BridgeGAN
from methods.errors import UserError
from methods.training import Batch

sys.path.insert(0, str(Path(__file__).parent))
from tiny_bridgegan import TINY

ATTRIBUTES = ("Bangs", "Male", "Young")
SIDE, COUNT = 32, 8


@pytest.fixture(scope="module")
def data() -> Batch:
    draw = torch.Generator().manual_seed(5)
    smooth = torch.nn.functional.interpolate(torch.rand(COUNT, 3, 4, 4, generator=draw), size=SIDE, mode="bilinear")
    labels = torch.randint(0, 2, (COUNT, len(ATTRIBUTES)), generator=draw).float()
    return Batch(smooth * 2 - 1, labels, torch.arange(COUNT))


def batches(data: Batch, size: int = 4, start: int = 0):
    """`next_batch` as a training loop gives it: the data round and round."""
    places = itertools.count(start)

    def next_batch() -> Batch:
        rows = (torch.arange(size) + size * next(places)) % COUNT
        return Batch(*(part[rows] for part in data))

    return next_batch


def training(seed: int = 0, **table):
    return BridgeGAN.start_training({**TINY, **table}, ATTRIBUTES, SIDE, COUNT, seed)


def trained(made, data: Batch, iterations: int, draw: torch.Generator, start: int = 0) -> list[dict[str, float]]:
    next_batch = batches(data, made.batch_size, start)
    return [{k: float(v) for k, v in made.step(next_batch, draw).items()} for _ in range(iterations)]


def assert_same(a: torch.nn.Module, b: torch.nn.Module) -> None:
    ours, theirs = a.state_dict(), b.state_dict()
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


# Edits ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def editor() -> BridgeGAN:
    return training().editor.eval()


@pytest.fixture(scope="module")
def given(data):
    return {"labels": 1 - data.labels, "source_labels": data.labels, "noise": torch.ones(COUNT, 4) / 2}


def test_strength_scales_the_difference(editor, data, given):
    assert isinstance(editor, Editor)
    default = editor.edit(data.images, **given)
    assert default.shape == data.images.shape
    assert torch.equal(default, editor.edit(data.images, strength=1.5, **given))
    assert not torch.equal(default, editor.edit(data.images, strength=1.0, **given))
    nothing = editor.edit(data.images, strength=0.0, **given)
    same = {**given, "labels": data.labels}
    torch.testing.assert_close(nothing, editor.edit(data.images, **same))


def test_mix_leads_from_the_reference_edit_to_the_label_edit(editor, data, given):
    reference = data.images.flip(0)
    by_reference = editor.edit(data.images, reference=reference, **given)
    assert torch.equal(by_reference, editor.edit(data.images, reference=reference, mix=0.0, **given))
    by_label = editor.edit(data.images, **given)
    torch.testing.assert_close(editor.edit(data.images, reference=reference, mix=1.0, **given), by_label)
    between = editor.edit(data.images, reference=reference, mix=0.5, **given)
    assert (between - by_label).abs().max() > 0
    assert (between - by_reference).abs().max() > 0


def test_noise_comes_from_the_generator_alone(editor, data, given):
    labels = {key: value for key, value in given.items() if key != "noise"}
    once, again, other = (
        editor.edit(data.images, generator=torch.Generator().manual_seed(seed), **labels) for seed in (1, 1, 2)
    )
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    # The reference edit draws nothing.
    state = torch.Generator().manual_seed(1)
    before = state.get_state()
    editor.edit(data.images, reference=data.images.flip(0), generator=state, **labels)
    assert torch.equal(state.get_state(), before)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"strength": 3.5}, "strength must lie in"),
        ({"strength": -0.1}, "strength must lie in"),
        ({"mix": 1.5}, "mix must lie in"),
        ({"noise": torch.zeros(COUNT, 5)}, "noise has the shape"),
        ({"mixing": 0.5}, "mixing"),
    ],
)
def test_options_that_do_not_fit_are_told(editor, data, given, options, sentence):
    mix = {"mix": 0.5} if "noise" in options else {}
    with pytest.raises(UserError, match=sentence):
        editor.edit(data.images, reference=data.images, **{**given, **mix, **options})


def test_config_makes_the_same_network_again(editor, data, given):
    again = BridgeGAN(**editor.config)
    again.load_state_dict(editor.state_dict())
    assert torch.equal(again.edit(data.images, **given), editor.edit(data.images, **given))


@pytest.mark.parametrize("size", [64, 96])
def test_other_image_sizes(size):
    sizes = {key: value for key, value in TINY.items() if key in BridgeGAN(image_size=64).config}
    editor = BridgeGAN(attributes=ATTRIBUTES, image_size=size, **sizes)
    labels = torch.eye(3)
    images = torch.rand(3, 3, size, size)
    assert editor.edit(images, labels=labels, source_labels=1 - labels).shape == images.shape


# Training -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"share_fakes": True, "warmup": 1, "ramp": 4, "penalty_every": 2}])
def test_a_resumed_run_is_the_undisturbed_one(data, options):
    draw = torch.Generator().manual_seed(7)
    whole = training(**options)
    losses = trained(whole, data, 2, draw)
    saved = io.BytesIO()
    optimizers = {name: optimizer.state_dict() for name, optimizer in whole.optimizers.items()}
    torch.save([whole.state_dict(), optimizers, draw.get_state()], saved)
    seen = sum(1 if whole.recipe.warmup > i else batches_of(whole) for i in range(2))
    expected = trained(whole, data, 2, draw, start=seen)

    resumed = training(seed=99, **options)
    saved.seek(0)
    networks, optimizers, state = torch.load(saved, weights_only=True)
    resumed.load_state_dict(networks)
    for name, optimizer in resumed.optimizers.items():
        optimizer.load_state_dict(optimizers[name])
    draw = torch.Generator()
    draw.set_state(state)
    assert trained(resumed, data, 2, draw, start=seen) == expected
    assert_same(resumed, whole)
    assert int(resumed.iteration) == 4
    assert losses != expected


def batches_of(made) -> int:
    """Batches that a full iteration takes."""
    return made.recipe.n_critic + (0 if made.recipe.share_fakes else 1)


def test_the_seed_decides_the_start_and_the_generator_the_rest(data):
    assert_same(training(seed=3), training(seed=3))
    runs = []
    for seed, noise in ((3, 1), (3, 1), (3, 2)):
        runs.append(training(seed=seed))
        torch.rand(5)  # the global state plays no part once training is made
        trained(runs[-1], data, 2, torch.Generator().manual_seed(noise))
    assert_same(runs[0], runs[1])
    first, other = (run.editor.generator.first.weight for run in (runs[0], runs[2]))
    assert not torch.equal(first, other)


def test_the_memory_changes_in_the_generators_update_alone(data):
    made, draw = training(), torch.Generator().manual_seed(0)
    start = made.memory.clone()
    pairing = made.pair(batches(data)(), draw)
    made.update_discriminator(pairing)
    assert torch.equal(made.memory, start)
    made.update_generator(pairing)
    assert made.memory[pairing.rows].abs().max() <= 1
    assert not torch.equal(made.memory[pairing.rows], start[pairing.rows])
    rest = [row for row in range(COUNT) if row not in pairing.rows.tolist()]
    assert torch.equal(made.memory[rest], start[rest])


def test_a_batch_is_paired_with_itself(data):
    made = training()
    batch = batches(data)()
    pairing = made.pair(batch, torch.Generator().manual_seed(0))
    order = [int((batch.images == image).flatten(1).all(1).nonzero()) for image in pairing.reference]
    assert sorted(order) == list(range(4))
    assert torch.equal(pairing.target_labels, batch.labels[order])
    assert torch.equal(pairing.rows, batch.indices[order])
    assert torch.equal(pairing.noise, made.memory[pairing.rows])
    assert ((pairing.penalty_mix >= 0) & (pairing.penalty_mix <= 1)).all()


def test_each_side_trains_its_own_networks(data):
    made, draw = training(), torch.Generator().manual_seed(0)
    pairing = made.pair(batches(data)(), draw)
    before = copy.deepcopy(made)
    made.update_discriminator(pairing)
    assert_same(made.editor, before.editor)
    critic = copy.deepcopy(made.discriminator)
    made.update_generator(pairing)
    assert_same(made.discriminator, critic)
    for part in (made.editor.generator, made.editor.mapping, made.editor.encoder, made.discriminator):
        assert all(bool(parameter.grad.abs().sum() > 0) for parameter in part.parameters() if parameter.ndim > 1)


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


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_shared_fakes_train_both_sides(data, precision):
    made = training(share_fakes=True, precision=precision)
    taken = 0

    def counted() -> Batch:
        nonlocal taken
        taken += 1
        return batches(data)()

    losses = {}
    draw = torch.Generator().manual_seed(0)
    for _ in range(3):
        losses = made.step(counted, draw)
    assert taken == 3 * TINY["n_critic"]
    assert {"d_total", "g_total", "g_cyc", "g_sty", "g_ak"} <= set(losses)
    assert all(bool(value.isfinite()) for value in losses.values())
    assert all(bool(tensor.isfinite().all()) for tensor in made.state_dict().values())
    assert not any(value.requires_grad for value in losses.values())


def test_sharing_changes_no_number_of_an_update(data):
    """Codes and edits made once for both sides are those that the generator's update would make itself."""
    own, shared = training(), training()
    pairing = own.pair(batches(data)(), torch.Generator().manual_seed(0))
    codes, hidden = shared.codes(pairing), shared.editor.generator.encode_images(pairing.images)
    given = shared.update_generator(pairing, hidden, codes, shared.edits(pairing, hidden, codes))
    made = own.update_generator(pairing)
    assert given.keys() == made.keys()
    assert all(torch.equal(given[name], made[name]) for name in made)
    assert_same(own, shared)


@pytest.mark.parametrize("warmup", [0, 30])
def test_the_reconstruction_is_learned(data, warmup):
    """In the whole iteration and in the warm-up's."""
    made = training(learning_rate=2e-3, n_critic=1, share_fakes=True, ramp=100, warmup=warmup)
    losses = [each["g_rec"] for each in trained(made, data, 30, torch.Generator().manual_seed(0))]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("update", ["discriminator", "generator", "warm_up"])
def test_parts_have_the_gradients_of_the_whole_batch(data, size, update):
    # In double precision: in single, a rounded value here and there lies on the other side of a ReLU's kink.
    whole, parts = training().double(), training(micro_batch=size).double()
    batch = batches(data)()
    doubles = batch._replace(images=batch.images.double(), labels=batch.labels.double())
    pairing = whole.pair(doubles, torch.Generator().manual_seed(0))
    noise, mixes = pairing.other_noise.double(), (pairing.mix.double(), pairing.penalty_mix.double())
    pairing = replace(pairing, other_noise=noise, mix=mixes[0], penalty_mix=mixes[1])
    step = update if update == "warm_up" else f"update_{update}"
    wanted, found = (getattr(made, step)(pairing) for made in (whole, parts))
    assert found.keys() == wanted.keys()
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-4, atol=1e-6)
    gradients = [{n: p.grad for n, p in made.named_parameters() if p.grad is not None} for made in (whole, parts)]
    assert gradients[0].keys() == gradients[1].keys()
    assert gradients[0]
    largest = max(float(gradient.abs().max()) for gradient in gradients[0].values())
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-6, atol=1e-8 * largest)
    torch.testing.assert_close(parts.memory, whole.memory)


def test_shared_fakes_are_the_same_in_parts(data):
    logs = [
        trained(training(share_fakes=True, micro_batch=size), data, 2, torch.Generator().manual_seed(0))
        for size in (0, 2)
    ]
    assert logs[1] == [pytest.approx(each, rel=1e-2, abs=1e-3) for each in logs[0]]


def test_a_batch_that_cannot_be_cut_is_told(data):
    with pytest.raises(UserError, match=r"^A batch of 4 cannot be cut into parts of 3: choose another micro_batch\.$"):
        training(micro_batch=3).step(batches(data), torch.Generator().manual_seed(0))
