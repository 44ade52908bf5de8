"""Backbones for classifiers of photos: torchvision's networks up to their last map, without pooling and head.

Nothing is downloaded. The initial weights are random or come from a file of torchvision's ImageNet weights.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.official.files import read_torch
from bridgebench.methods.official.tensors import match

# Channels of the last map. The kinds differ: residual blocks, inverted residuals (depthwise convolutions), ConvNeXt.
BACKBONES = {
    "resnet18": 512,
    "resnet50": 2048,
    "mobilenet_v3_large": 960,
    "efficientnet_b0": 1280,
    "convnext_tiny": 768,
}
_RESNET = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, in [0, 1]
_HEADS = (r"fc\..*", r"classifier\..*")
_MOMENTUM = 0.1  # with MobileNet's own 0.01 the running statistics are out of date in the first epochs
COUNTER = "num_batches_tracked"  # files from before 2018 do not have it, and nothing reads it


class ImageNetScale(nn.Module):
    """Scales images from [-1, 1] to the scale on which the ImageNet weights were trained."""

    def forward(self, images: Tensor) -> Tensor:
        mean, deviation = (images.new_tensor(values).view(3, 1, 1) for values in (_MEAN, _DEVIATION))
        return ((images + 1) / 2 - mean) / deviation


def backbone(name: str) -> nn.Sequential:
    """The stages of torchvision's network `name` (one of `BACKBONES`), for images (N, 3, H, W) in [-1, 1].

    The last map has `BACKBONES[name]` channels and 1/32 of the height and width of the image.
    """
    network = _torchvision(name)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = _MOMENTUM
    return nn.Sequential(ImageNetScale(), *(network.get_submodule(stage) for stage in _stages(network)))


def load_imagenet(trunk: nn.Sequential, name: str, path: str | Path) -> str:
    """Loads the weights of torchvision's file for a network into a trunk that :func:`backbone` made.

    Args:
        trunk: the trunk that gets the weights.
        name: the network, one of `BACKBONES`.
        path: a state dict of torchvision's whole network, such as ``resnet18-f37072fd.pth``.

    Returns:
        The SHA-256 of the file.

    Raises:
        UserError: the file is missing or damaged, would run code when loaded, or holds another network.
    """
    path = Path(path)
    found = read_torch(path)
    with torch.device("meta"):
        stages = _stages(_torchvision(name))
    ours = {f"{index}": stage for index, stage in enumerate(stages, start=1)}
    theirs = {}
    for key in trunk.state_dict():
        index, _, rest = key.partition(".")
        theirs[key] = f"{ours[index]}.{rest}"
    expected = {
        theirs[key]: tensor.shape
        for key, tensor in trunk.state_dict().items()
        if theirs[key] in found or not key.endswith(COUNTER)
    }
    tensors = match(found, expected, where=path, optional=_HEADS)
    broken = next((key for key, tensor in tensors.items() if not tensor.isfinite().all()), None)
    if broken:
        raise UserError(f"The tensor {broken} of {path} has values that are not finite; fetch the file again.")
    trunk.load_state_dict({key: tensors[name] for key, name in theirs.items() if name in tensors}, strict=False)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _torchvision(name: str) -> nn.Module:
    import torchvision  # takes a second, so it is imported only when such a network is used

    return torchvision.models.get_model(name, weights=None)


def _stages(network: nn.Module) -> list[str]:
    """The names of a network's stages, from the image to the last map."""
    features = getattr(network, "features", None)
    return list(_RESNET) if features is None else [f"features.{index}" for index in range(len(features))]
