"""VGG-19, the feature network of HomoGAN's knowledge guidance and perceptual loss."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.homogan.networks import FeatureNet, normalize
from bridgebench.methods.official.files import read_torch
from bridgebench.methods.official.tensors import match

# torchvision's index of each convolution in `vgg19().features` -> its name in the official HomoGAN file.
TORCHVISION = {
    0: "features_1.conv1_1",
    2: "features_1.conv1_2",
    5: "features_1.conv2_1",
    7: "features_1.conv2_2",
    10: "features_1.conv3_1",
    12: "features_2.conv3_2",
    14: "features_2.conv3_3",
    16: "features_2.conv3_4",
    19: "features_2.conv4_1",
    21: "features_3.conv4_2",
    23: "features_3.conv4_3",
    25: "features_3.conv4_4",
    28: "features_3.conv5_1",
}
_BEYOND = (r"features\.(30|32|34)\.(weight|bias)", r"classifier\.\d\.(weight|bias)")


class VggFeatures:
    """The maps relu3_1 and relu5_1 of a fixed VGG-19; see :class:`methods.training.base.FeatureNetwork`.

    Args:
        path: weights from torchvision or from the official HomoGAN code, as ``.pth`` or ``.safetensors``.

    Raises:
        UserError: the file is missing or damaged, or holds tensors other than VGG-19's.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        self.network = read_vgg(path).requires_grad_(False)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.name = f"VGG-19 ({path.name}, SHA-256 {digest[:16]})"

    def fine(self, images: Tensor) -> Tensor:
        """relu3_1 (N, 256, H/4, W/4) of images (N, 3, H, W) in [-1, 1]."""
        network = self.network.to(images.device)
        return network.get_submodule("features_1")(normalize(images))

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """relu3_1 and relu5_1 (N, 512, H/16, W/16) of images (N, 3, H, W) in [-1, 1]."""
        fine, _, coarse = self.network.to(images.device)(normalize(images))
        return fine, coarse


def read_vgg(path: Path) -> FeatureNet:
    """Reads the 13 convolutions of VGG-19 from a file with torchvision's or the official HomoGAN names."""
    state = _read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    with torch.device("meta"):
        network = FeatureNet()
    names = {name: name for name in network.state_dict()}
    if any(re.fullmatch(r"features\.\d+\.\w+", name) for name in state):
        official = {official: index for index, official in TORCHVISION.items()}
        names = {name: f"features.{official[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}" for name in names}
    expected = {names[name]: tensor.shape for name, tensor in network.state_dict().items()}
    found = match(state, expected, where=path, optional=_BEYOND)
    network.load_state_dict({name: found[theirs].float() for name, theirs in names.items()}, assign=True)
    return network


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from bridgebench.methods.core.weights import load_tensors

    if not path.is_file():
        raise UserError(f"There is no checkpoint file {path}.")
    return load_tensors(path)
