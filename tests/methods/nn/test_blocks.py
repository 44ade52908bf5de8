"""The shared blocks against literal transcriptions of their definitions."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from bridgebench.methods.nn.blocks import InstanceNorm, PreActivationBlock, Spade
from bridgebench.methods.nn.resampled import halve


@pytest.fixture(autouse=True)
def draw():
    torch.manual_seed(0)


def assert_equal(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def randomized(module: torch.nn.Module) -> torch.nn.Module:
    """With scales, shifts and biases that are not the neutral ones."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return module


def instance_norm(x: torch.Tensor, epsilon: float = 1e-6) -> torch.Tensor:
    mean = x.mean((2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean((2, 3), keepdim=True)
    return (x - mean) / torch.sqrt(variance + epsilon)


@pytest.mark.parametrize("epsilon", [1e-6, 1e-5, 0.1])
def test_instance_norm_is_torchs(epsilon):
    x = 3 + 2 * torch.randn(2, 5, 6, 4)
    norm = randomized(InstanceNorm(5, epsilon=epsilon))
    assert_equal(norm(x), F.instance_norm(x, weight=norm.weight, bias=norm.bias, eps=epsilon))
    plain = InstanceNorm(5, affine=False, epsilon=epsilon)
    assert not list(plain.parameters())
    assert_equal(plain(x), F.instance_norm(x, eps=epsilon))
    assert_equal(plain(x), instance_norm(x, epsilon))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.bfloat16, 1e-1)])
@pytest.mark.parametrize("affine", [True, False])
def test_instance_norm_of_channels_last_is_the_same_with_both_derivatives(dtype, tolerance, affine):
    norm = randomized(InstanceNorm(5, affine=affine)).to(dtype)
    given = (3 + 2 * torch.randn(2, 5, 6, 4)).to(dtype)
    weights = torch.randn(2, 5, 6, 4).to(dtype)

    def found(memory_format: torch.memory_format) -> list[torch.Tensor]:
        x = given.contiguous(memory_format=memory_format).requires_grad_()
        y = norm(x)
        assert y.dtype == dtype and y.is_contiguous(memory_format=memory_format)
        first = torch.autograd.grad((y * weights).sum(), [x, *norm.parameters()], create_graph=True)
        second = torch.autograd.grad(first[0].square().sum(), [x, *norm.parameters()][: 1 + affine])
        return [y, *first] if dtype is torch.bfloat16 else [y, *first, *second]

    for one, other in zip(found(torch.channels_last), found(torch.contiguous_format), strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


def test_editing_leaves_the_norm_as_it_was():
    """Shipped weights give the same bytes, however their maps lie."""
    norm, x = randomized(InstanceNorm(5)).eval(), torch.randn(2, 5, 6, 4).contiguous(memory_format=torch.channels_last)
    assert torch.equal(norm(x), F.group_norm(x, 5, norm.weight, norm.bias, norm.epsilon))


def test_instance_norm_starts_as_tensorflows():
    x = 1e-3 * torch.randn(1, 2, 4, 4)  # so small that the epsilon counts
    assert_equal(InstanceNorm(2)(x), instance_norm(x, 1e-6))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_halve_is_average_pooling(dtype):
    x = torch.randn(2, 3, 8, 6).to(dtype).requires_grad_()
    found, expected = halve(x), F.avg_pool2d(x, 2)
    tolerance = {"rtol": 2e-2, "atol": 2e-2} if dtype is torch.bfloat16 else {"rtol": 1e-6, "atol": 1e-6}
    torch.testing.assert_close(found, expected, **tolerance)
    weights = torch.randn_like(found)
    gradients = [torch.autograd.grad((each * weights).sum(), x)[0] for each in (found, expected)]
    torch.testing.assert_close(*gradients, **tolerance)


def spade(norm: Spade, x: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    """SPADE by its definition, the code picked pixel by pixel: index floor(i * in / out)."""
    rows = [i * code.shape[2] // x.shape[2] for i in range(x.shape[2])]
    columns = [i * code.shape[3] // x.shape[3] for i in range(x.shape[3])]
    hidden = F.relu(norm.shared(code[:, :, rows][:, :, :, columns]))
    return instance_norm(x) * (1 + norm.gamma(hidden)) + norm.beta(hidden)


@pytest.mark.parametrize("side", [2, 4, 8, 16])
def test_spade(side):
    norm = randomized(Spade(5, code_channels=3, hidden=7))
    x, code = torch.randn(2, 5, side, side), torch.randn(2, 3, 8, 8)
    assert_equal(norm(x, code), spade(norm, x, code))


def resampled(x: torch.Tensor, how: str | None) -> torch.Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3) if how == "up" else x


@pytest.mark.parametrize("resample", [None, "up", "down"])
@pytest.mark.parametrize("outputs", [4, 6])
@pytest.mark.parametrize("kind", ["none", "instance", "spade"])
def test_pre_activation_block(resample, outputs, kind):
    norms = {"none": None, "instance": InstanceNorm, "spade": partial(Spade, code_channels=3, hidden=7)}
    activation = partial(F.leaky_relu, negative_slope=0.2)
    block = PreActivationBlock(4, outputs, resample=resample, norm=norms[kind], activation=activation)
    block = randomized(block)
    x, code = torch.randn(2, 4, 8, 8), torch.randn(2, 3, 8, 8)

    def norm(number: int, y: torch.Tensor) -> torch.Tensor:
        layer = getattr(block, f"norm{number}")
        if kind == "none":
            assert layer is None
            return y
        return (
            spade(layer, y, code)
            if kind == "spade"
            else instance_norm(y) * layer.weight.view(1, -1, 1, 1) + layer.bias.view(1, -1, 1, 1)
        )

    main = block.conv1(resampled(activation(norm(1, x)), resample))
    main = block.conv2(activation(norm(2, main)))
    short = x
    if resample or outputs != 4:
        short = block.shortcut(resampled(x, resample))  # upsampled before it, pooled after it
    else:
        assert block.shortcut is None
    if resample == "down":
        main, short = F.avg_pool2d(main, 2), F.avg_pool2d(short, 2)
    assert_equal(block(x, code), main + short)
