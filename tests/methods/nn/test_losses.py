"""The shared loss terms against what analysis says."""

from __future__ import annotations

import pytest
import torch

from bridgebench.methods.nn.losses import gradient_penalty, l1


def test_l1_is_the_mean_over_every_element_in_float32():
    a = torch.tensor([[1.0, -1.0], [0.5, 0.0]])
    assert float(l1(a, torch.zeros_like(a))) == pytest.approx(2.5 / 4)
    half = l1(torch.full((4096,), 1.0, dtype=torch.bfloat16), torch.zeros(4096, dtype=torch.bfloat16))
    assert half.dtype is torch.float32
    assert float(half) == 1.0


def test_the_penalty_of_a_linear_critic():
    """D(x) = w.x has the gradient w everywhere: (|w| - 1)^2, whose derivative is 2 (|w| - 1) w / |w|."""
    torch.manual_seed(0)
    w = torch.randn(3, 4, 4, requires_grad=True)
    real, fake, mix = torch.randn(5, 3, 4, 4), torch.randn(5, 3, 4, 4), torch.rand(5)
    penalty = gradient_penalty(lambda x: (x * w).sum((1, 2, 3)), real, fake, mix)
    norm = w.detach().norm()
    torch.testing.assert_close(penalty.detach(), (norm - 1) ** 2)
    (slope,) = torch.autograd.grad(penalty, w)
    torch.testing.assert_close(slope, 2 * (norm - 1) * w.detach() / norm)


def test_the_penalty_is_taken_between_real_and_fake():
    """D(x) = |x|^2 / 2 has the gradient x: the place where the penalty is taken shows."""
    torch.manual_seed(0)
    real, fake = torch.randn(3, 3, 4, 4, requires_grad=True), torch.randn(3, 3, 4, 4, requires_grad=True)
    mix = torch.tensor([0.0, 1.0, 0.25])
    penalty = gradient_penalty(lambda x: x.square().sum((1, 2, 3), keepdim=True) / 2, real, fake, mix)
    places = torch.stack([real[0], fake[1], 0.75 * real[2] + 0.25 * fake[2]])
    torch.testing.assert_close(penalty.detach(), (places.flatten(1).norm(dim=1) - 1).square().mean().detach())


def test_the_penalty_of_all_scores_of_a_sample_together():
    x = torch.zeros(2, 3, 2, 2)
    penalty = gradient_penalty(lambda images: images.flatten(1), x, x, torch.zeros(2))
    assert float(penalty) == pytest.approx((12**0.5 - 1) ** 2)
