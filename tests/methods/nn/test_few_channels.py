"""Convolutions to a few channels and from a few against torch's own, with their gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from bridgebench.methods.nn.few_channels import ConvToFew, convolve_few


def channels_last(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64).contiguous(memory_format=torch.channels_last).requires_grad_()


def assert_same(found: torch.Tensor, wanted: torch.Tensor, *inputs: torch.Tensor) -> None:
    weights = torch.randn_like(wanted)
    gradients = (torch.autograd.grad(each, inputs, weights) for each in (found, wanted))
    for one, other in zip((found, *next(gradients)), (wanted, *next(gradients)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("kernel", "size"), [(7, (12, 16)), (7, (2, 9)), (3, (5, 4)), (1, (4, 4))])
def test_the_same_numbers_and_gradients(kernel, size):
    torch.manual_seed(0)
    conv, x = ConvToFew(5, 3, kernel).double(), channels_last(2, 5, *size)
    assert_same(conv(x), F.conv2d(x, conv.weight, padding=kernel // 2), x, conv.weight)
    few, weight = channels_last(2, 3, *size), channels_last(5, 3, kernel, kernel)
    assert_same(convolve_few(few, weight), F.conv2d(few, weight, padding=kernel // 2), few, weight)


def test_editing_takes_torchs_own_to_the_bit():
    torch.manual_seed(0)
    conv, x = ConvToFew(5, 3, 7).eval(), torch.randn(2, 5, 8, 8).contiguous(memory_format=torch.channels_last)
    assert torch.equal(conv(x), F.conv2d(x, conv.weight, padding=3))
    few, weight = torch.randn(2, 3, 8, 8), torch.randn(5, 3, 7, 7)
    assert torch.equal(convolve_few(few, weight), F.conv2d(few, weight, padding=3))


def test_autocast_decides_the_precision():
    conv, x = ConvToFew(5, 3, 7), torch.randn(2, 5, 8, 8).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        found = conv(x)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), F.conv2d(x, conv.weight, padding=3), rtol=5e-2, atol=5e-2)
    found.float().sum().backward()
    assert conv.weight.grad is not None and conv.weight.grad.dtype == torch.float32
