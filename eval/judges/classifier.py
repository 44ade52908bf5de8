"""The networks of an evaluation: the two judges of every edit, and the network that gives the features of distances.

The judges have different architectures, so that an edit that fools one judge need not fool the other. For drawings
there are "resnet" (the primary judge: residual blocks of 3×3 convolutions) and "plain" (the second judge: a VGG-like
stack with max pooling, without shortcuts). Both are small: under 1 ms for each 64×64 image on one CPU core. For photos
there are torchvision's networks (`eval.judges.backbones`). The last hidden layer has a SiLU activation. It is smooth,
so a Fréchet distance in this space makes sense. A judge has 128 units there. The feature network has 64: a distance
between few images is less biased in fewer dimensions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridgebench.eval.judges.backbones import BACKBONES, backbone
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import attributes_of, build, header, save_tensors

FEATURES = 128
SMALLEST_IMAGE = 32
_METHOD = "classifier"


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with batch normalization and a shortcut (He et al., 2016, Figure 2)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


def _plain_layer(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, 1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1)]


def _resnet_trunk(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, width, 5, 2, 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        ResidualBlock(width, width, 1),
        ResidualBlock(width, 2 * width, 2),
        ResidualBlock(2 * width, 4 * width, 2),
    )


def _plain_trunk(width: int) -> nn.Sequential:
    return nn.Sequential(
        *_plain_layer(3, width, kernel=4, stride=2),
        *_plain_layer(width, width),
        nn.MaxPool2d(2),
        *_plain_layer(width, 2 * width),
        *_plain_layer(2 * width, 2 * width),
        nn.MaxPool2d(2),
        *_plain_layer(2 * width, 3 * width),
    )


_TRUNKS = {"resnet": (_resnet_trunk, 4), "plain": (_plain_trunk, 3)}  # and channels of the last map / width
_WIDTH = 32
ARCHITECTURES = (*_TRUNKS, *BACKBONES)


class AttributeClassifier(nn.Module):
    """Gives one logit for each attribute, for images of any size with sides of at least 32 pixels.

    Args:
        attributes: names of the outputs, in order.
        architecture: one of `ARCHITECTURES`.
        width: channels of the first stage of "resnet" and "plain" (32 if None); it must be None for the others.
        hidden: D, the number of units in the last hidden layer.

    `digest` identifies the weights: the SHA-256 of the file they came from, or "" if there is no file.

    Raises:
        ValueError: there is no such architecture, or its width cannot be chosen.
    """

    def __init__(
        self,
        attributes: Sequence[str],
        architecture: str = "resnet",
        width: int | None = None,
        hidden: int = FEATURES,
    ) -> None:
        super().__init__()
        if architecture not in ARCHITECTURES:
            raise ValueError(f"architecture must be one of {', '.join(ARCHITECTURES)}, not '{architecture}'")
        if architecture in BACKBONES and width is not None:
            raise ValueError(f"the width of {architecture} cannot be chosen")
        self.attributes = tuple(attributes)
        self.architecture = architecture
        self.config: dict[str, Any] = {"attributes": list(attributes), "architecture": architecture}
        self.digest = ""
        if architecture in BACKBONES:
            self.trunk, channels = backbone(architecture), BACKBONES[architecture]
        else:
            self.config["width"] = width = _WIDTH if width is None else width
            trunk, growth = _TRUNKS[architecture]
            self.trunk, channels = trunk(width), growth * width
        if hidden != FEATURES:  # files of judges do not have this key
            self.config["hidden"] = hidden
        self.hidden = nn.Linear(channels * 4, hidden)
        self.activation = nn.SiLU()
        self.head = nn.Linear(hidden, len(self.attributes))
        self.to(memory_format=torch.channels_last)

    def features(self, images: Tensor) -> Tensor:
        """Activations (N, D) of the last hidden layer for images (N, 3, H, W) in [-1, 1].

        Each quadrant of the image is pooled separately, because position (brow, lip, chin) helps to tell attributes.

        Raises:
            ValueError: the images do not have three channels, or a side is below 32 pixels.
        """
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < SMALLEST_IMAGE:
            raise ValueError(f"images must be (N, 3, H, W) with sides of at least 32, not {tuple(images.shape)}")
        maps = self.trunk(images.contiguous(memory_format=torch.channels_last))
        pooled = nn.functional.adaptive_avg_pool2d(maps, 2)
        return self.activation(self.hidden(pooled.flatten(1)))

    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, A) and features (N, D) in one pass."""
        features = self.features(images)
        return self.head(features), features

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, A) for images (N, 3, H, W) in [-1, 1]; above 0 the attribute is present."""
        return self.read(images)[0]


def to_float(images: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """Converts uint8 images (N, H, W, 3) to float32 (N, 3, H, W) in [-1, 1]."""
    batch = torch.from_numpy(np.array(images)).to(device)  # a copy, because cached images are read-only
    return batch.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def save_classifier(model: AttributeClassifier, path: str | Path, card: dict[str, Any]) -> None:
    """Writes the weights, as :func:`as_stored` gives them, and their card to a file."""
    save_tensors(path, as_stored(model), _METHOD, model.config, card)


def as_stored(model: nn.Module) -> dict[str, Tensor]:
    """The tensors as a file holds them: in half precision, except variances, which may exceed its range."""
    return {
        name: tensor.half() if tensor.is_floating_point() and not name.endswith("running_var") else tensor
        for name, tensor in model.state_dict().items()
    }


def load_classifier(
    path: str | Path, attributes: Sequence[str] | None = None, device: torch.device | str = "cpu"
) -> AttributeClassifier:
    """Loads the classifier saved in `path`, in eval mode and with frozen parameters.

    Args:
        path: a file written by :func:`save_classifier`.
        attributes: the outputs that the caller needs; None accepts the outputs of the file.
        device: device of the classifier.

    Raises:
        UserError: the file is missing, damaged or not a classifier, or its attributes differ.
    """
    found = header(path)
    if found["method"] != _METHOD:
        raise UserError(f"{path} holds weights of '{found['method']}', not of an attribute classifier.")
    theirs = attributes_of(found["config"])
    if attributes is not None and theirs != tuple(attributes):
        raise UserError(
            f"The classifier {path} reads {', '.join(theirs)}, but the profile asks for {', '.join(attributes)}; train "
            "one with `bridgebench train classifier`."
        )
    model = build(path, AttributeClassifier, found["config"])
    model.digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return model.eval().requires_grad_(False).to(device)
