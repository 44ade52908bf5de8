"""Convolutions with their resampling as one against the two steps."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bridgebench.methods.nn.resampled import convolve_and_halve, enlarge_and_convolve


def two_steps(conv: nn.Conv2d, x: torch.Tensor, way: str) -> torch.Tensor:
    if way == "halved":
        return F.avg_pool2d(conv(x), 2)
    return conv(x.repeat_interleave(2, 2).repeat_interleave(2, 3))


WAYS = {"halved": convolve_and_halve, "enlarged": enlarge_and_convolve}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [(8, 6), (2, 2)])  # on the small map, in two steps
def test_the_same_numbers_and_both_derivatives(way, size):
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 4, 3, padding=1).double()
    x = torch.randn(2, 5, *size, dtype=torch.float64, requires_grad=True)
    found, wanted = WAYS[way](conv, x), two_steps(conv, x, way)
    weights = torch.randn_like(wanted)
    inputs = (x, conv.weight, conv.bias)
    for each in (found, wanted):
        assert each.shape == wanted.shape
    first = [torch.autograd.grad((each * weights).sum(), inputs, create_graph=True) for each in (found, wanted)]
    second = [torch.autograd.grad(each[0].square().sum(), conv.weight) for each in first]
    for one, other in zip((found, *first[0], *second[0]), (wanted, *first[1], *second[1]), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("way", WAYS)
def test_as_one_only_in_training_where_it_is_worth_it(way, monkeypatch):
    """Editing gives the bytes of the two steps; nor do wide kernels meet small maps."""
    plain = nn.Conv2d.forward
    calls: list[tuple[int, ...]] = []
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, x: calls.append(tuple(x.shape)) or plain(self, x))
    conv, large, small = nn.Conv2d(5, 4, 3, padding=1), torch.randn(2, 5, 8, 8), torch.randn(1, 5, 2, 2)
    WAYS[way](conv, large)
    assert not calls
    WAYS[way](conv, small)
    WAYS[way](conv.eval(), large)
    assert len(calls) == 2


def test_bfloat16_on_a_cpu_enlarges_first(monkeypatch):
    monkeypatch.setattr(F, "conv_transpose2d", None)
    with torch.autocast("cpu", torch.bfloat16):
        assert enlarge_and_convolve(nn.Conv2d(5, 4, 3, padding=1), torch.randn(2, 5, 8, 8)).shape == (2, 4, 16, 16)
