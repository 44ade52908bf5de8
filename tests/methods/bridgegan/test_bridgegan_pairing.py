"""BridgeGAN's targets: any other label of the batch, or a near one."""

from __future__ import annotations

import torch
from tiny_bridgegan import SIDE, smooth_batch, training

from bridgebench.methods.bridgegan.pairing import draw_order
from bridgebench.methods.training.base import Batch


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_near_targets_stay_among_their_kind():
    """Two kinds that differ in ten attributes, shuffled: a near order never leaves a kind, and nothing stays."""
    kind = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])
    labels = torch.zeros(8, 12)
    labels[:, :10] = kind[:, None].float()
    labels[:, 10:] = torch.randint(0, 2, (8, 2), generator=generator()).float()
    for seed in range(20):
        order = draw_order(labels, True, generator(seed))
        assert sorted(order.tolist()) == list(range(8))
        assert (order != torch.arange(8)).all()
        assert torch.equal(kind[order], kind)


def test_near_targets_change_fewer_attributes_and_are_many():
    labels = torch.randint(0, 2, (12, 14), generator=generator()).float()

    def changed(near: bool) -> float:
        orders = [draw_order(labels, near, generator(seed)) for seed in range(50)]
        assert len({tuple(order.tolist()) for order in orders}) > 10
        return sum(float((labels[order] - labels).abs().sum(dim=1).mean()) for order in orders) / len(orders)

    # Random labels differ in 7 of 14, in a twelfth of the places in none.
    assert 5.5 < changed(False) < 7.5
    assert changed(True) < 5.5


def test_without_them_the_order_is_the_generators_own():
    labels = torch.zeros(9, 3)
    assert torch.equal(draw_order(labels, False, generator()), torch.randperm(9, generator=generator()))


def test_a_batch_is_paired_as_the_recipe_says():
    data = smooth_batch()
    batch = Batch(
        torch.zeros(4, 3, SIDE, SIDE), torch.tensor([[0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0.0]]), data.indices[:4]
    )
    for seed in range(10):
        pairing = training(near_targets=True).pair(batch, generator(seed))
        assert torch.equal(pairing.target_labels, batch.labels)
        assert pairing.rows.tolist() == [3, 2, 1, 0]
