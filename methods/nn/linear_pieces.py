"""A fast gradient penalty for a critic that is piecewise linear.

A network of convolutions, leaky ReLUs, average pooling and linear layers is linear between its kinks. So its gradient
with respect to the images is a chain of transposed convolutions and of slopes, and the slopes do not depend on the
weights. A gradient penalty differentiates this chain with respect to the weights. torch's general rules do not use
this: they send zeros back through the whole forward pass, and compute each weight's gradient by a convolution whose
kernel is as large as the map. Inside `LinearPieces`, convolutions and leaky ReLUs have derivatives of their own.

Within a linear piece, the value of the critic is the gradient times the image, plus each bias times the gradient at its
place. `linearized` gives the value in this form. Then a loss of the value and the penalty go back along the same chain,
which saves a forward and a backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class LinearPieces(TorchFunctionMode):
    """A context for networks that are run only to get the gradient with respect to their images.

    It is only for networks of the layers named above (a norm or a tanh would need the derivative that is left out), and
    only for losses of that gradient: the outputs carry no gradient to the weights of convolutions.

    Args:
        constants: a list to which the backward pass appends what each convolution's bias adds to the outputs, (N,).
    """

    def __init__(self, constants: list[Tensor] | None = None) -> None:
        super().__init__()
        self._constants = constants

    def __torch_function__(
        self, function: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Replaces convolutions and leaky ReLUs; all other functions stay the same."""
        if function is F.conv2d:
            return _convolution(self._constants, *args, **(kwargs or {}))
        if function is F.leaky_relu:
            return _leaky_relu(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))


def linearized(critic: Callable[[Tensor], Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """The scores of a critic and their gradient with respect to the images, for losses of both.

    Args:
        critic: images -> a score (N,) for each image by itself; only biases of convolutions may add constants.
        images: (N, C, H, W).

    Returns:
        Scores (N,) and gradients (N, C, H, W), both differentiable with respect to the critic's weights.
    """
    images = images.detach().requires_grad_()
    constants: list[Tensor] = []
    with LinearPieces(constants):
        scores = critic(images)
    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    linear = sum(constants, start=(gradient * images).sum((1, 2, 3)))
    # The value of the pass forward, which in bfloat16 is the better one, with the gradient of the other form.
    return scores.detach() + (linear - linear.detach()).to(scores.dtype), gradient


def _convolution(
    constants: list[Tensor] | None,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    return _Convolution.apply(constants, x, weight, bias, stride, padding, dilation, groups)  # type: ignore[no-any-return]


def _leaky_relu(x: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    return _LeakyRelu.apply(x, negative_slope)  # type: ignore[no-any-return]


class _Convolution(torch.autograd.Function):
    """A convolution whose gradient with respect to x is, for torch, a transposed convolution by the weight."""

    @staticmethod
    def forward(
        ctx: Any, constants: list[Tensor] | None, x: Tensor, weight: Tensor, bias: Tensor | None, *shape: Any
    ) -> Tensor:
        ctx.save_for_backward(weight, bias)
        ctx.constants, ctx.shape, ctx.size, ctx.dtype = constants, shape, x.shape[2:], x.dtype
        return F.conv2d(x, weight, bias, *shape)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        weight, bias = ctx.saved_tensors
        if bias is not None and ctx.constants is not None:
            ctx.constants.append((gradient.sum((2, 3)) * bias).sum(1))
        stride, padding, dilation, groups = ctx.shape
        weight = weight.to(gradient.dtype)
        plain = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in _sides(gradient, weight, ctx.shape)]
        missing = [size - reached for size, reached in zip(ctx.size, plain, strict=True)]
        found = F.conv_transpose2d(gradient, weight, None, stride, padding, missing, groups, dilation)
        return None, found.to(ctx.dtype), *[None] * 6


def _sides(gradient: Tensor, weight: Tensor, shape: Sequence[Any]) -> list[tuple[int, ...]]:
    """For rows and columns: outputs, stride, padding, dilation, kernel."""
    stride, padding, dilation = ((each, each) if isinstance(each, int) else tuple(each) for each in shape[:3])
    return list(zip(gradient.shape[2:], stride, padding, dilation, weight.shape[2:], strict=True))


class _LeakyRelu(torch.autograd.Function):
    """A leaky ReLU whose slopes are constants: nothing flows back to where its kinks are."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        result = F.leaky_relu(x, slope)
        ctx.save_for_backward(result)
        ctx.slope = slope
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        (result,) = ctx.saved_tensors
        return _Slopes.apply(gradient, result.detach(), ctx.slope), None


class _Slopes(torch.autograd.Function):
    """Gradient times slopes, linear in the gradient."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, result: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(result)
        ctx.slope = slope
        return torch.ops.aten.leaky_relu_backward(gradient, result, slope, True)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        (result,) = ctx.saved_tensors
        return _Slopes.apply(gradient, result, ctx.slope), None, None
