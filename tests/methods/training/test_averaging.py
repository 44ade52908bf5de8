"""The running average of weights: its formula, what it leaves alone, and that a network gets its own weights back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bridgebench.methods.training.averaging import WeightAverage


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def test_the_average_is_the_sum_of_all_weights_so_far_with_falling_shares():
    net = network()
    average = WeightAverage(net, 0.5)
    expected = net[0].weight.detach().clone()
    for iteration in range(1, 6):
        with torch.no_grad():
            net[0].weight.normal_()
        average.update()
        kept = min(0.5, (1 + iteration) / (10 + iteration))
        expected = kept * expected + (1 - kept) * net[0].weight.detach()
    torch.testing.assert_close(average.tensors["0.weight"], expected)


def test_a_network_has_the_average_within_the_context_and_its_own_weights_after_it():
    net = network()
    average = WeightAverage(net, 0.9)
    with torch.no_grad():
        net[0].weight.fill_(7.0)
        net[1].running_mean.fill_(5.0)
        net[1].num_batches_tracked.fill_(3)
    average.update()
    with pytest.raises(RuntimeError), average.applied():
        assert 0 < net[0].weight.max() < 7 and 0 < net[1].running_mean.max() < 5
        assert net[1].num_batches_tracked == 3  # a counter has no average
        raise RuntimeError
    assert (net[0].weight == 7).all() and (net[1].running_mean == 5).all()


def test_an_average_goes_on_from_its_state():
    net = network()
    first, second = WeightAverage(net, 0.9), WeightAverage(net, 0.9)
    with torch.no_grad():
        net[0].weight.add_(1.0)
    first.update()
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        net[0].weight.add_(1.0)
    first.update()
    second.update()
    assert second.iteration == 2
    for name, tensor in first.tensors.items():
        assert torch.equal(tensor, second.tensors[name])
