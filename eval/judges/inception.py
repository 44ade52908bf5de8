"""The Inception of the Fréchet inception distance: TensorFlow's network of 2015-12-05, up to its last pooling.

Its tensors are called as in the TorchScript file that clean-fid uses: as in TensorFlow (``mixed_4.tower.conv_1``).
`eval.judges.inception_official` makes the weights file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import build, header

NAME = "inception"  # of the network in the header of its weights file
SIDE, FEATURES = 299, 2048
_EPSILON = 1e-3
Size = int | tuple[int, int]


class Inception(nn.Module):
    """Maps images (N, 3, 299, 299) to features (N, 2048), none of which is negative.

    The image values are (x - 128) / 128 for x from 0 to 255. The network starts with zeros: it is for loaded weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        for name, layer in {
            "conv": _Convolution(3, 32, 3, stride=2),
            "conv_1": _Convolution(32, 32, 3),
            "conv_2": _Convolution(32, 64, 3, padding=1),
            "pool0": nn.MaxPool2d(3, stride=2),
            "conv_3": _Convolution(64, 80, 1),
            "conv_4": _Convolution(80, 192, 3),
            "pool1": nn.MaxPool2d(3, stride=2),
            "mixed": _fine(192, pooled=32),
            "mixed_1": _fine(256, pooled=64),
            "mixed_2": _fine(288, pooled=64),
            "mixed_3": _halve_to_middle(288),
            "mixed_4": _middle(768, inner=128),
            "mixed_5": _middle(768, inner=160),
            "mixed_6": _middle(768, inner=160),
            "mixed_7": _middle(768, inner=192),
            "mixed_8": _halve_to_coarse(768),
            "mixed_9": _Coarse(1280, _mean_pool()),
            # In TensorFlow's file the last pooling within a block takes maxima, which is thought to be a slip.
            "mixed_10": _Coarse(2048, nn.MaxPool2d(3, stride=1, padding=1)),
        }.items():
            self.layers.add_module(name, layer)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).mean((2, 3))


class _Convolution(nn.Module):
    """Convolution, normalization by stored mean and variance without a scale, and ReLU."""

    beta: Tensor
    mean: Tensor
    var: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: Size, stride: int = 1, padding: Size = 0) -> None:
        super().__init__()
        height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, height, width), requires_grad=False)
        for name, value in (("beta", 0.0), ("mean", 0.0), ("var", 1.0)):
            self.register_buffer(name, torch.full((outputs,), value))
        self.stride, self.padding = stride, padding

    def forward(self, images: Tensor) -> Tensor:
        found = F.conv2d(images, self.weight, stride=self.stride, padding=self.padding)
        return F.relu(F.batch_norm(found, self.mean, self.var, bias=self.beta, eps=_EPSILON))


class _Branches(nn.Module):
    """Gives its input to each of its branches and puts their outputs one after the other, along the channels."""

    def __init__(self, **branches: nn.Module) -> None:
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([branch(images) for branch in self.children()], 1)


class _Coarse(nn.Module):
    """A block on maps of 8 x 8: two of its branches fork into a flat and an upright convolution."""

    def __init__(self, inputs: int, pool: nn.Module) -> None:
        super().__init__()
        self.conv = _Convolution(inputs, 320, 1)
        self.tower_conv = _Convolution(inputs, 384, 1)
        self.tower_mixed_conv = _flat(384, 384, 3)
        self.tower_mixed_conv_1 = _upright(384, 384, 3)
        self.tower_1_conv = _Convolution(inputs, 448, 1)
        self.tower_1_conv_1 = _Convolution(448, 384, 3, padding=1)
        self.tower_1_mixed_conv = _flat(384, 384, 3)
        self.tower_1_mixed_conv_1 = _upright(384, 384, 3)
        self.tower_2_pool = pool
        self.tower_2_conv = _Convolution(inputs, 192, 1)

    def forward(self, images: Tensor) -> Tensor:
        short, long = self.tower_conv(images), self.tower_1_conv_1(self.tower_1_conv(images))
        outputs = [
            self.conv(images),
            self.tower_mixed_conv(short),
            self.tower_mixed_conv_1(short),
            self.tower_1_mixed_conv(long),
            self.tower_1_mixed_conv_1(long),
            self.tower_2_conv(self.tower_2_pool(images)),
        ]
        return torch.cat(outputs, 1)


def _fine(inputs: int, pooled: int) -> _Branches:
    """A block on maps of 35 x 35."""
    return _Branches(
        conv=_Convolution(inputs, 64, 1),
        tower=_chain(_Convolution(inputs, 48, 1), _Convolution(48, 64, 5, padding=2)),
        tower_1=_chain(
            _Convolution(inputs, 64, 1), _Convolution(64, 96, 3, padding=1), _Convolution(96, 96, 3, padding=1)
        ),
        tower_2=_pooled(inputs, pooled),
    )


def _halve_to_middle(inputs: int) -> _Branches:
    """From 35 x 35 to 17 x 17."""
    return _Branches(
        conv=_Convolution(inputs, 384, 3, stride=2),
        tower=_chain(
            _Convolution(inputs, 64, 1), _Convolution(64, 96, 3, padding=1), _Convolution(96, 96, 3, stride=2)
        ),
        pool=nn.MaxPool2d(3, stride=2),
    )


def _middle(inputs: int, inner: int) -> _Branches:
    """A block on maps of 17 x 17."""
    return _Branches(
        conv=_Convolution(inputs, 192, 1),
        tower=_chain(_Convolution(inputs, inner, 1), _flat(inner, inner, 7), _upright(inner, 192, 7)),
        tower_1=_chain(
            _Convolution(inputs, inner, 1),
            _upright(inner, inner, 7),
            _flat(inner, inner, 7),
            _upright(inner, inner, 7),
            _flat(inner, 192, 7),
        ),
        tower_2=_pooled(inputs, 192),
    )


def _halve_to_coarse(inputs: int) -> _Branches:
    """From 17 x 17 to 8 x 8."""
    return _Branches(
        tower=_chain(_Convolution(inputs, 192, 1), _Convolution(192, 320, 3, stride=2)),
        tower_1=_chain(
            _Convolution(inputs, 192, 1),
            _flat(192, 192, 7),
            _upright(192, 192, 7),
            _Convolution(192, 192, 3, stride=2),
        ),
        pool=nn.MaxPool2d(3, stride=2),
    )


def _flat(inputs: int, outputs: int, width: int) -> _Convolution:
    return _Convolution(inputs, outputs, (1, width), padding=(0, width // 2))


def _upright(inputs: int, outputs: int, height: int) -> _Convolution:
    return _Convolution(inputs, outputs, (height, 1), padding=(height // 2, 0))


def _chain(*layers: nn.Module) -> nn.Sequential:
    """Layers one after the other, called ``conv``, ``conv_1``, ``conv_2``, ..."""
    chain = nn.Sequential()
    for number, layer in enumerate(layers):
        chain.add_module(f"conv_{number}" if number else "conv", layer)
    return chain


def _pooled(inputs: int, outputs: int) -> nn.Sequential:
    chain = nn.Sequential()
    chain.add_module("pool", _mean_pool())
    chain.add_module("conv", _Convolution(inputs, outputs, 1))
    return chain


def _mean_pool() -> nn.AvgPool2d:
    return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


def load_inception(path: Path) -> Inception:
    """The network with the weights of a file that `bridgebench weights import inception` wrote, in eval mode.

    Raises:
        UserError: the file is missing, damaged, or holds another network.
    """
    found = header(path)
    if found["method"] != NAME:
        raise UserError(f"{path} holds weights of '{found['method']}', not of Inception.")
    return build(path, Inception, {}).eval()


def digest_of(network: nn.Module) -> str:
    """SHA-256 over the names and numbers of a network's tensors: the same for the same weights in whatever file."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
