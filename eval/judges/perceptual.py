"""LPIPS (Zhang et al., 2018): a network in which the distance of two images is what people see of their difference.

The package `lpips` brings the network's linear heads. Its backbone is torchvision's AlexNet, which a user names as a
file. LPIPS of two images is the squared Euclidean distance of their vectors here: each layer is normalized over its
channels, multiplied by the roots of the head's weights and divided by the root of the number of its places.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bridgebench.eval.judges.classifier import to_float
from bridgebench.eval.judges.networks import Network
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import load_tensors
from bridgebench.methods.official.files import read_torch

ALEXNET = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"


def load_lpips(weights: str | Path, device: torch.device | str = "cpu") -> Network:
    """LPIPS with torchvision's AlexNet from a file.

    Args:
        weights: torchvision's AlexNet, as its ``.pth`` or as safetensors with the same names.
        device: where the network computes.

    Raises:
        UserError: the package `lpips` or the file is missing, or the file holds something else.
    """
    network = _empty().to("cpu")
    path = Path(weights)
    tensors = load_tensors(path) if path.suffix == ".safetensors" else read_torch(path)
    wanted = {name: re.sub(r"slice\d", "features", name) for name in network.net.state_dict()}
    try:
        network.net.load_state_dict({name: tensors[source] for name, source in wanted.items()})
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{path} is not torchvision's AlexNet: fetch {ALEXNET}.") from error
    digest = hashlib.sha256(path.read_bytes())
    for head in network.lins:
        digest.update(_head(head).numpy().tobytes())
    return Network(digest.hexdigest(), lambda images: _embed(network, images, device))


def _empty() -> Any:
    """The package's LPIPS network, with its heads and a backbone of random weights."""
    try:
        import lpips
    except ImportError as error:
        raise UserError("LPIPS needs the package lpips: pip install 'bridgebench[lpips]'.") from error
    with torch.random.fork_rng([]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks torchvision in a way that is deprecated
        return lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()


def _head(layer: Any) -> torch.Tensor:
    """The weights (C,) of a linear head, which are not negative."""
    return layer.model[-1].weight.detach().flatten()


def _embed(network: Any, images: NDArray[np.uint8], device: torch.device | str) -> NDArray[np.float32]:
    network.to(device)
    with torch.inference_mode():
        layers = network.net(network.scaling_layer(to_float(np.asarray(images), device)))
        parts = []
        for maps, head in zip(layers, network.lins, strict=True):
            directions = maps / (maps.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
            scale = (_head(head) / (maps.shape[2] * maps.shape[3])).sqrt()
            parts.append((directions * scale[:, None, None]).flatten(1))
        return torch.cat(parts, dim=1).cpu().numpy()
