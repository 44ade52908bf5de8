"""An adversarial attack as a method: it fools the classifier that it is given, and no other one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench.methods.controls import ATTACK
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.editor import Editor

_GREY_LEVEL = 2 / 255  # one step of 8 bits in [-1, 1]
_MARGIN = 1.0  # the logit that a changed attribute must reach, so that rounding to 8 bits does not undo the flip
_KEPT_WEIGHT = 0.1  # weight of an attribute that stays; an attribute that changes has 1
_SOFTNESS = 0.25  # where the gradient is below this share of its mean over the image, the step is shorter


class Attack(Editor):
    """Projected gradient descent on the attached classifier until every changed attribute reads as the target.

    Each step moves every pixel by at most one grey level; an image stops as soon as it has flipped. The steps follow
    a softened sign of the gradient: with the plain sign, the rounding errors of another batch size would lead to other
    images.

    Args:
        attributes: label columns, those of the classifier.
        image_size: side of the images, in pixels.
        grey_levels: largest change of a pixel, in steps of 8 bits.
        steps: largest number of gradient steps.
    """

    card = ATTACK

    def __init__(
        self,
        *,
        attributes: Sequence[str] = CELEBA14,
        image_size: int = 64,
        grey_levels: int = 6,
        steps: int = 12,
    ) -> None:
        super().__init__(attributes=attributes, image_size=image_size, grey_levels=grey_levels, steps=steps)
        self.budget, self.steps = grey_levels * _GREY_LEVEL, steps

    def label_edit(self, images: Tensor, labels: Tensor, source_labels: Tensor, **options: Any) -> Tensor:
        """The attacked images: within the budget of the sources, and in [-1, 1]."""
        classifier = self.attached("classifier")
        changed = labels != source_labels
        # The attack needs gradients even if the caller has switched them off.
        with torch.inference_mode(False), torch.enable_grad():
            out, signs = images.clone(), 2 * labels.clone() - 1
            low, high = (images - self.budget).clamp(min=-1), (images + self.budget).clamp(max=1)
            weights = torch.where(changed, 1.0, _KEPT_WEIGHT)
            active = changed.any(dim=1).nonzero().flatten()
            for _ in range(self.steps):
                x = out[active].requires_grad_()
                margins = signs[active] * classifier(x)
                missing = (changed[active] & (margins < _MARGIN)).any(dim=1)
                if not missing.any():
                    break
                loss = (weights[active] * F.softplus(_MARGIN - margins)).sum()
                (gradient,) = torch.autograd.grad(loss, x)
                active, gradient = active[missing], gradient[missing]
                moved = out[active] - _GREY_LEVEL * _soft_sign(gradient)
                out[active] = moved.clamp(low[active], high[active])
        return out


def _soft_sign(gradient: Tensor) -> Tensor:
    scale = _SOFTNESS * gradient.abs().mean(dim=(1, 2, 3), keepdim=True)
    return (gradient / scale.clamp(min=1e-20)).clamp(-1, 1)
