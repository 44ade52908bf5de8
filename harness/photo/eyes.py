"""The network that sees in a small window whether it shows a face, where its eyes are, and what may hinder an edit.

It is trained by `harness.train.eyes` on photos of CelebA, which were aligned by the eyes. So the eyes of every photo are
at the same place, and a window that is cut from a photo at a known place has known eyes.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bridgebench.eval.judges.classifier import ResidualBlock
from bridgebench.harness.weights.find import EYES, shipped
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import build, header

WINDOW = 64  # pixels a side
_FACE, _DRAWN, _COVERED = range(3)  # columns of the answers
_LARGEST_DOUBT = 3.0  # bounds of the logarithm of the expected error, in sides of the window
_SMALLEST_DOUBT = -7.0


class Sight(NamedTuple):
    """What the network sees in N windows.

    Attributes:
        eyes: (N, 2, 2), x and y of the eye on the viewer's left and of the other one, as shares of the window's side;
            (0, 0) is the upper left corner.
        doubt: (N, 2), for each eye the logarithm of the error to expect of a coordinate, as a share of the window's side.
        face: (N,) logit that the window shows the eyes of an upright face, turned by 45 degrees at most.
        drawn: (N,) logit that the face is drawn, not photographed.
        covered: (N,) logit that the eyes are covered, as by sunglasses.
    """

    eyes: Tensor
    doubt: Tensor
    face: Tensor
    drawn: Tensor
    covered: Tensor


class EyeNetwork(nn.Module):
    """Residual blocks on a window of 64 pixels, then one hidden layer that sees where each feature is.

    Args:
        width: channels of the first stage.
        hidden: units of the hidden layer.
    """

    def __init__(self, width: int = 16, hidden: int = 64) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"width": width, "hidden": hidden}
        self.trunk = nn.Sequential(
            nn.Conv2d(3, width, 5, 2, 2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            ResidualBlock(width, width, 1),
            ResidualBlock(width, 2 * width, 2),
            ResidualBlock(2 * width, 4 * width, 2),
            nn.Conv2d(4 * width, 2 * width, 1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
        )
        places = (WINDOW // 8) ** 2
        self.hidden = nn.Linear(2 * width * places, hidden)
        self.activation = nn.SiLU()
        self.eyes = nn.Linear(hidden, 4)
        self.doubt = nn.Linear(hidden, 2)
        self.answers = nn.Linear(hidden, 3)
        self.to(memory_format=torch.channels_last)

    def forward(self, windows: Tensor) -> Sight:
        """What is seen in windows (N, 3, 64, 64) in [-1, 1]."""
        maps = self.trunk(windows.contiguous(memory_format=torch.channels_last))
        hidden = self.activation(self.hidden(maps.flatten(1)))
        answers = self.answers(hidden)
        return Sight(
            0.5 + self.eyes(hidden).view(-1, 2, 2),
            self.doubt(hidden).clamp(_SMALLEST_DOUBT, _LARGEST_DOUBT),
            *(answers[:, column] for column in (_FACE, _DRAWN, _COVERED)),
        )


def load_eyes(path: str | Path) -> EyeNetwork:
    """The network of a weights file, in eval mode and with frozen parameters.

    Raises:
        UserError: the file is missing, damaged or of something else.
    """
    found = header(path)
    if found["method"] != EYES:
        raise UserError(f"{path} holds weights of '{found['method']}', not of the network that finds eyes.")
    return build(path, EyeNetwork, found["config"]).eval().requires_grad_(False)


@cache
def shipped_eyes() -> EyeNetwork:
    """The network that comes with bridgebench.

    Raises:
        UserError: its weights are missing.
    """
    return load_eyes(shipped(EYES, "celeba64"))
