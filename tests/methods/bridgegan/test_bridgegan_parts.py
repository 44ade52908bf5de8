"""BridgeGAN small: a batch that is trained on in parts has the gradients of the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_bridgegan import batches, smooth_batch, trained, training

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.training.base import Batch


@pytest.fixture(scope="module")
def data() -> Batch:
    return smooth_batch()


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
