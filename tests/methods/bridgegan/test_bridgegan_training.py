"""BridgeGAN small: what an update takes and changes, how training resumes, and that it learns."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from tiny_bridgegan import COUNT, TINY, assert_same, batches, smooth_batch, trained, training

from bridgebench.methods.training.base import Batch


@pytest.fixture(scope="module")
def data() -> Batch:
    return smooth_batch()


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
