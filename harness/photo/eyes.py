"""The network that sees whether a small window shows a face, where its eyes are, and what may hinder an edit.

It is trained by `harness.train.eyes` on photos of CelebA, which were aligned by the eyes. So the eyes of every photo
are at the same place, and a window that is cut from a photo at a known place has known eyes.
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
_LARGEST_DOUBT = 3.0  # bounds of the logarithm of the expected error, in sides of the window
_SMALLEST_DOUBT = -7.0


class Sight(NamedTuple):
    """What the network sees in N windows.

    Attributes:
        eyes: (N, 2, 2), x and y of the eye on the viewer's left and of the other one, as shares of the window's side;
            (0, 0) is the upper left corner.
        doubt: (N, 2), for each eye the logarithm of the error to expect of a coordinate, as a share of the side.
        face: (N,) logit that the window shows the eyes of an upright face, turned by 45 degrees at most.
        drawn: (N,) logit that the face is drawn, not photographed.
        covered: (N,) logit that the eyes are covered, as by sunglasses.
        maps: (N, 2, 16, 16), for each eye the logarithm of the probability that it is in a cell of the window.
    """

    eyes: Tensor
    doubt: Tensor
    face: Tensor
    drawn: Tensor
    covered: Tensor
    maps: Tensor


class EyeNetwork(nn.Module):
    """Residual blocks on a window of 64 pixels; two maps say where the eyes are, a hidden layer answers the rest.

    An eye's place is the mean over its map of 16 x 16 probabilities. So what is learned about an eye at one place is
    known at all others.

    Args:
        width: channels of the first stage.
        hidden: units of the hidden layer.
    """

    def __init__(self, width: int = 16, hidden: int = 64) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"width": width, "hidden": hidden}
        self.fine = nn.Sequential(
            nn.Conv2d(3, width, 5, 2, 2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            ResidualBlock(width, width, 1),
            ResidualBlock(width, 2 * width, 2),
        )
        self.coarse = nn.Sequential(ResidualBlock(2 * width, 4 * width, 2), ResidualBlock(4 * width, 4 * width, 1))
        self.back = _layer(4 * width, 2 * width, 1)
        self.maps = nn.Sequential(_layer(2 * width, 2 * width, 3), nn.Conv2d(2 * width, 2, 1))
        self.narrow = _layer(4 * width, width, 1)
        self.hidden = nn.Linear(width * (WINDOW // 8) ** 2, hidden)
        self.activation = nn.SiLU()
        self.doubt = nn.Linear(hidden, 2)
        self.answers = nn.Linear(hidden, 3)
        self.to(memory_format=torch.channels_last)

    def forward(self, windows: Tensor) -> Sight:
        """What is seen in windows (N, 3, 64, 64) in [-1, 1]."""
        fine = self.fine(windows.contiguous(memory_format=torch.channels_last))
        coarse = self.coarse(fine)
        maps = self.maps(fine + nn.functional.interpolate(self.back(coarse), scale_factor=2.0, mode="nearest"))
        logits = maps.flatten(2).log_softmax(dim=2).view_as(maps)
        chances = logits.exp()
        ticks = (torch.arange(maps.shape[3], device=maps.device) + 0.5) / maps.shape[3]
        eyes = torch.stack([(chances.sum(dim=2) * ticks).sum(dim=2), (chances.sum(dim=3) * ticks).sum(dim=2)], dim=2)
        hidden = self.activation(self.hidden(self.narrow(coarse).flatten(1)))
        doubt = self.doubt(hidden).clamp(_SMALLEST_DOUBT, _LARGEST_DOUBT)
        face, drawn, covered = self.answers(hidden).unbind(dim=1)
        return Sight(eyes, doubt, face, drawn, covered, logits)


def _layer(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, 1, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


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
