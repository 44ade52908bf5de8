"""The short cut of the gradient penalty against torch's own second derivative."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bridgebench.methods.bridgegan.networks import Discriminator
from bridgebench.methods.nn.linear_pieces import linearized
from bridgebench.methods.nn.losses import gradient_penalty
from bridgebench.methods.nn.resampled import halve
from bridgebench.methods.stargan.networks import Discriminator as StarGANDiscriminator
from bridgebench.methods.starganv2.networks import Discriminator as StarGANv2Discriminator


class Critic(nn.Module):
    """Strided, dilated and grouped convolutions of an odd size, a pool, a sum of two ways, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.second = nn.Conv2d(6, 6, (3, 2), dilation=(2, 1), padding=(2, 0), groups=3, bias=False)
        self.third = nn.Conv2d(6, 4, 4, stride=(2, 1), padding=1)
        self.last = nn.Linear(4 * 4 * 6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.leaky_relu(self.first(x), 0.3)
        x = F.leaky_relu(self.second(x), 0.01) + x[..., 1:]
        return self.last(F.leaky_relu(self.third(x)).flatten(1))


CRITICS = {
    "a bit of all": (Critic, (17, 15)),
    "BridgeGAN": (lambda: Discriminator(5, 32, 4, 3).score, (32, 32)),
    "StarGAN": (lambda: _Patches(StarGANDiscriminator(5, 32, 4)), (32, 32)),
    "a pool": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.LeakyReLU(0.2), _Halve(), nn.Conv2d(4, 1, 2)), (10, 12)),
}


class _Patches(nn.Module):
    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.discriminator(x)[0]


class _Halve(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return halve(x)


@pytest.mark.parametrize("name", CRITICS)
@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_the_same_penalty_and_gradients(name, precision):
    torch.manual_seed(0)
    make, size = CRITICS[name]
    critic = make()
    module: nn.Module = getattr(critic, "__self__", critic)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    real, fake, mix = torch.randn(4, 3, *size), torch.randn(4, 3, *size), torch.rand(4)
    if precision == "float64":
        module.double()
        real, fake, mix = real.double(), fake.double(), mix.double()

    def gradients(linear_pieces: bool) -> tuple[torch.Tensor, list[torch.Tensor]]:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            penalty = gradient_penalty(critic, real, fake, mix, linear_pieces=linear_pieces)
        found = torch.autograd.grad(penalty, list(module.parameters()), allow_unused=True, materialize_grads=True)
        return penalty.detach(), list(found)

    (plain, wanted), (penalty, found) = gradients(False), gradients(True)
    tolerance = {"rtol": 1e-5, "atol": 1e-7} if precision == "float64" else {"rtol": 3e-2, "atol": 3e-3}
    torch.testing.assert_close(penalty, plain, **tolerance)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, **tolerance)
    assert any(float(each.abs().max()) > 1e-4 for each in wanted)


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_a_linearized_critic_has_the_same_scores_and_gradients(precision):
    """StarGAN v2's D: a loss of the scores and of their gradients goes by the weights as ever."""
    torch.manual_seed(0)
    critic, domains = StarGANv2Discriminator(2, 32, 4, 8), torch.tensor([0, 1, 1])
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    images = torch.randn(3, 3, 32, 32)
    if precision == "float64":
        critic, images = critic.double(), images.double()
    parameters = list(critic.parameters())

    def gradients(scores: torch.Tensor, gradient: torch.Tensor) -> list[torch.Tensor]:
        loss = F.softplus(-scores).mean() + gradient.square().sum((1, 2, 3)).mean()
        return [scores, gradient, *torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)]

    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        images.requires_grad_()
        plain = critic(images, domains)
        wanted = gradients(plain, torch.autograd.grad(plain.sum(), images, create_graph=True)[0])
        found = gradients(*linearized(lambda each: critic(each, domains), images))
    # StarGAN v2's D gives its logits in single precision.
    close = {"rtol": 1e-4, "atol": 1e-5} if precision == "float64" else {"rtol": 5e-2, "atol": 3e-2}
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, **close)
    assert float(wanted[-1].abs().max()) > 1e-3  # the last bias
