"""Clipping whose gradients lead back into the range."""

from __future__ import annotations

import torch

from bridgebench.methods.nn.clipping import clip_inward


def test_values_are_clipped_and_gradients_inside_are_untouched() -> None:
    x = torch.linspace(-3, 3, 61, requires_grad=True)
    assert torch.equal(clip_inward(x), x.clamp(-1, 1))
    (gradient,) = torch.autograd.grad((clip_inward(x) * torch.linspace(1, 2, 61)).sum(), x)
    inside = x.abs() <= 1
    assert torch.equal(gradient[inside], torch.linspace(1, 2, 61)[inside])


def test_descent_brings_values_back_that_a_plain_clamp_leaves_outside() -> None:
    wanted = torch.tensor([0.5, -0.5])
    ends = []
    for clip in (clip_inward, lambda x: x.clamp(-1, 1)):
        x = torch.tensor([1.7, -1.7], requires_grad=True)
        for _ in range(400):
            (gradient,) = torch.autograd.grad((clip(x) - wanted).square().sum(), x)
            x = (x - 0.02 * gradient).detach().requires_grad_()
        ends.append(x.detach())
    assert torch.allclose(ends[0], wanted, atol=1e-3)
    assert torch.equal(ends[1], torch.tensor([1.7, -1.7]))


def test_no_step_leads_farther_out() -> None:
    x = torch.tensor([1.2, -1.2], requires_grad=True)
    (gradient,) = torch.autograd.grad((clip_inward(x) * torch.tensor([-1.0, 1.0])).sum(), x)
    assert torch.equal(gradient, torch.zeros(2))
