"""Networks with torch's own instance norm and layout of maps, as the official PyTorch code has them."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

from bridgebench.methods.nn.blocks import InstanceNorm

Network = TypeVar("Network", bound=nn.Module)


def official_norms(network: Network) -> Network:
    """A copy with the same weights whose instance norms are ``nn.InstanceNorm2d`` and whose maps lie as usual.

    It is in eval mode, in which our networks take none of the short cuts that are for training alone.
    """
    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format).eval()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, InstanceNorm):
                norm = nn.InstanceNorm2d(child.channels, child.epsilon, affine=child.weight is not None)
                norm.load_state_dict(child.state_dict())
                setattr(parent, name, norm)
    return network
