"""Training by several processes that share every batch; the numbers are those of a training by one process.

Every process draws the whole batch and all random numbers of it, from generators in the same state, and computes its
own part of the batch (`ours`). The gradients are averaged before a step (`average_gradients`), so that all processes
have the same networks at any time. All parts have the same length. So a loss term that is a mean over samples is the
mean of the parts' terms and needs nothing else. Other functions of the batch need `common_mean` (a ratio of means,
batch statistics) or `processes` (a sum over samples).

In a single process each of these functions returns its argument.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, distributed, nn

from bridgebench.methods.core.errors import UserError


def processes() -> int:
    """The number of processes that train together."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def ours(whole: Tensor, dim: int = 0) -> Tensor:
    """This process's part of a tensor that all processes have drawn in the same way; samples lie along `dim`.

    Raises:
        UserError: the batch cannot be cut into equal parts.
    """
    count = processes()
    if count == 1:
        return whole
    if whole.shape[dim] % count:
        raise UserError(
            f"A batch of {whole.shape[dim]} cannot be shared equally by {count} processes: choose --processes so that "
            "it divides the batch_size of the recipe."
        )
    return whole.chunk(count, dim)[distributed.get_rank()]


def everyones(part: Tensor) -> Tensor:
    """The parts of all processes, concatenated along the first axis, without gradients."""
    if processes() == 1:
        return part
    parts = [torch.empty_like(part) for _ in range(processes())]
    distributed.all_gather(parts, part.detach().contiguous())
    return torch.cat(parts)


def common_mean(value: Tensor) -> Tensor:
    """The mean of the processes' values of a tensor; gradients flow to all of them."""
    return value if processes() == 1 else _Mean.apply(value)


def highest(values: Tensor) -> Tensor:
    """The greatest of the processes' values, element by element."""
    if processes() > 1:
        values = values.clone()
        distributed.all_reduce(values, distributed.ReduceOp.MAX)
    return values


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replaces the gradients by their means over the processes, in one exchange."""
    if processes() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= processes()
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


class BatchNorm2d(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` whose statistics in training are those of the whole batch, on any device."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        if not self.training or processes() == 1:
            return super().forward(x)
        pixels = x.float()
        mean = common_mean(pixels.mean((0, 2, 3)))
        variance = common_mean((pixels - mean.view(1, -1, 1, 1)).square().mean((0, 2, 3)))
        with torch.no_grad():
            samples = processes() * x.numel() // x.shape[1]
            self.running_mean.lerp_(mean, self.momentum)  # type: ignore[union-attr, arg-type]
            self.running_var.lerp_(variance * samples / (samples - 1), self.momentum)  # type: ignore[union-attr, arg-type]
            self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
        scale = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * scale
        return torch.addcmul(shift.view(1, -1, 1, 1), pixels, scale.view(1, -1, 1, 1)).to(x.dtype)


class _Mean(torch.autograd.Function):
    """Mean over processes. Each process's loss is a share of one loss, so the gradient is a mean over them as well."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.detach().clone()
        distributed.all_reduce(total)
        return total / processes()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return _Mean.apply(gradient)
