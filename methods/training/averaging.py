"""A running average of an editor's weights, which is measured and shipped in place of the last iteration's weights.

Source: Yaz et al., "The Unusual Effectiveness of Averaging in GAN Training", ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """The exponential moving average of a network's parameters and of the statistics in its buffers.

    After iteration t the average keeps the share ``min(decay, (1 + t) / (10 + t))`` of itself, so that the random first
    weights are soon forgotten.

    Args:
        network: the network whose weights are averaged; the average starts as a copy of them.
        decay: the share of the old average that each update keeps in the long run, in [0, 1).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay, self.iteration = network, decay, 0
        self.tensors = {name: tensor.detach().clone() for name, tensor in _averaged(network).items()}

    @torch.no_grad()
    def update(self) -> None:
        """Adds the network's present weights to the average."""
        self.iteration += 1
        kept = min(self.decay, (1 + self.iteration) / (10 + self.iteration))
        torch._foreach_lerp_(list(self.tensors.values()), list(_averaged(self.network).values()), 1 - kept)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """A context in which the network has the averaged weights; afterwards it has its own again."""
        own = {name: tensor.detach().clone() for name, tensor in _averaged(self.network).items()}
        _put(self.network, self.tensors)
        try:
            yield
        finally:
            _put(self.network, own)

    def state_dict(self) -> dict[str, Tensor | int]:
        """The state of the average, for `load_state_dict`."""
        return {"iteration": self.iteration, **{f"tensors.{name}": tensor for name, tensor in self.tensors.items()}}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Loads a state that `state_dict` gave; KeyError or RuntimeError if it is another network's."""
        for name, tensor in self.tensors.items():
            tensor.copy_(torch.as_tensor(state[f"tensors.{name}"]))
        self.iteration = int(state["iteration"])


def _averaged(network: nn.Module) -> dict[str, Tensor]:
    """The floating-point tensors of the network's state: counters cannot be averaged."""
    tensors = network.state_dict(keep_vars=True)
    return {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}


@torch.no_grad()
def _put(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    for name, tensor in _averaged(network).items():
        tensor.copy_(tensors[name])
