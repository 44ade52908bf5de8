"""The official STGAN code's judge: a classifier of CelebA's 40 attributes, with which its paper measures accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA40
from bridgebench.methods.official.files import read_variables
from bridgebench.methods.official.tensors import match
from bridgebench.methods.stgan.official import official_shapes, official_state
from torch import Tensor, nn

_CHANNELS = (16, 16, 32, 32, 64, 64, 128, 128, 256, 256)
_SIZE = 128
_UNREAD = (r"(Genc|Gstu|Gdec|D)/.*", r".*/Adam(_1)?", r"beta[12]_power(_\d+)?", r"counter/counter", r"global_step")


class OfficialClassifier(nn.Module):
    """Five pairs of 3x3 convolutions with batch norm, each pair pooled, then two dense layers.

    Args:
        attributes: those of CelebA's 40 that it tells, in this order.

    Raises:
        UserError: an attribute that CelebA does not have.
    """

    def __init__(self, attributes: Sequence[str] = CELEBA40) -> None:
        super().__init__()
        unknown = [name for name in attributes if name not in CELEBA40]
        if unknown:
            raise UserError(f"The official STGAN classifier knows CelebA's 40 attributes, not {', '.join(unknown)}.")
        self.columns = [CELEBA40.index(name) for name in attributes]
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(pairwise((3, *_CHANNELS))):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(True)]
            if index % 2:
                layers.append(nn.MaxPool2d(2))
        self.trunk = nn.Sequential(*layers)
        self.hidden = nn.Linear(_CHANNELS[-1] * (_SIZE // 2**5) ** 2, 512)
        self.head = nn.Linear(512, len(CELEBA40))

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, 128, 128) in [-1, 1] -> logits (N, A); above 0 the attribute is present."""
        maps = self.trunk(images).permute(0, 2, 3, 1).flatten(1)  # TensorFlow's order: channels last
        return self.head(F.relu(self.hidden(maps)))[:, self.columns]


def import_classifier(paths: Sequence[str | Path], attributes: Sequence[str] = CELEBA40) -> OfficialClassifier:
    """The classifier of an official checkpoint, in eval mode: an editor's ``attach(classifier=...)`` takes it.

    Args:
        paths: one checkpoint, as `methods.stgan.official.import_official` takes it.
        attributes: as in `OfficialClassifier`.

    Raises:
        UserError: a damaged file, missing or unknown tensors (named), or an attribute that CelebA does not have.
    """
    path, tensors = read_variables(paths, "STGAN's classifier")
    with torch.device("meta"):
        classifier = OfficialClassifier(attributes)
    match(tensors, official_shapes(classifier, "classifier"), where=path, optional=_UNREAD)
    classifier.load_state_dict(official_state(classifier, "classifier", tensors, path), assign=True)
    return classifier.requires_grad_(False).eval()
