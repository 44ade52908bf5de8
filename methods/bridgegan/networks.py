"""BridgeGAN's four networks (supplement, Figs 2-5).

Where the figures and the released code differ, the networks follow the code: ReLU in every block of the encoder,
LeakyReLU after the last block of the discriminator, no activation after its last layer. All weights start as Xavier
uniform, all biases as zero. Code maps (the paper's S, the outputs of M and E) have half the height and width of the
images. Every image size that is a multiple of 32 works. The paper's networks have the default widths, at size 128.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bridgebench.methods.nn.blocks import InstanceNorm, PreActivationBlock, Spade

_leaky = partial(F.leaky_relu, negative_slope=0.2)


class Generator(nn.Module):
    """G (supplement, Fig. 2): image and code map -> edited image.

    Args:
        width: channels at full resolution (32); they double in each of the three down-sampling blocks.
        code_channels: channels of the code map (32).
        spade_hidden: hidden channels of the SPADE norms (128).
    """

    def __init__(self, width: int = 32, code_channels: int = 32, spade_hidden: int = 128) -> None:
        super().__init__()
        w1, w2, w4, w8 = width, 2 * width, 4 * width, 8 * width
        plain = partial(PreActivationBlock, norm=InstanceNorm, activation=F.relu)
        spade = partial(
            PreActivationBlock,
            norm=partial(Spade, code_channels=code_channels, hidden=spade_hidden),
            activation=F.relu,
        )
        self.first = nn.Conv2d(3, w1, 1)
        self.encode = nn.Sequential(
            plain(w1, w2, resample="down"),
            plain(w2, w4, resample="down"),
            plain(w4, w8, resample="down"),
            plain(w8, w8),
        )
        self.decode = nn.ModuleList(
            [spade(w8, w8), spade(w8, w4, resample="up"), spade(w4, w2, resample="up"), spade(w2, w1, resample="up")]
        )
        self.last = nn.Conv2d(w1, 3, 1)
        self.apply(_xavier)

    def forward(self, images: Tensor, code: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] and code (N, K, H/2, W/2) -> (N, 3, H, W) in [-1, 1]."""
        return self.decode_with(self.encode_images(images), code)

    def encode_images(self, images: Tensor) -> Tensor:
        """The first half of G, which does not use the code: (N, 3, H, W) -> (N, 8*width, H/8, W/8)."""
        return self.encode(self.first(images))

    def decode_with(self, hidden: Tensor, code: Tensor) -> Tensor:
        """The second half of G: the output of `encode_images` and a code -> edited images."""
        for block in self.decode:
            hidden = block(hidden, code)
        return torch.tanh(self.last(F.relu(hidden)))


class MappingNetwork(nn.Module):
    """M (supplement, Fig. 4): noise and attribute difference -> code map.

    Args:
        attributes: number of attributes n.
        image_size: side of the images, a multiple of 2**(blocks + 1).
        noise_size: d, the number of values in the noise, the paper's R (16).
        code_channels: channels of the code map (32).
        blocks: number of up-sampling blocks (4).
    """

    def __init__(
        self, attributes: int, image_size: int = 128, noise_size: int = 16, code_channels: int = 32, blocks: int = 4
    ) -> None:
        super().__init__()
        self.start = image_size // 2 ** (blocks + 1)
        self.start_channels = 2 * code_channels
        up = partial(PreActivationBlock, resample="up", norm=InstanceNorm, activation=F.relu)
        self.linear = nn.Linear(noise_size + attributes, self.start_channels * self.start**2)
        channels = [self.start_channels] + [code_channels] * blocks
        self.blocks = nn.Sequential(*(up(i, o) for i, o in pairwise(channels)))
        self.last = nn.Conv2d(code_channels, code_channels, 1)
        self.norm = InstanceNorm(code_channels)
        self.apply(_xavier)

    def forward(self, noise: Tensor, difference: Tensor) -> Tensor:
        """Noise (N, d) and difference (N, n) -> code map (N, K, H/2, W/2), non-negative."""
        hidden = self.linear(torch.cat([noise, difference], dim=1))
        # The official code reshapes with the channels last.
        hidden = hidden.view(-1, self.start, self.start, self.start_channels).permute(0, 3, 1, 2).contiguous()
        return F.relu(self.norm(self.last(F.relu(self.blocks(hidden)))))


class StyleEncoder(nn.Module):
    """E (supplement, Fig. 5): image and attribute difference -> code map.

    A difference of +1 asks E for an attribute that the image has, -1 for one that the image lacks, 0 for nothing.

    Args:
        attributes: number of attributes n.
        width: channels at full resolution (16).
        code_channels: channels of the code map (32).
        blocks: residual blocks after the down-sampling block (3).
    """

    def __init__(self, attributes: int, width: int = 16, code_channels: int = 32, blocks: int = 3) -> None:
        super().__init__()
        block = partial(PreActivationBlock, norm=InstanceNorm, activation=F.relu)
        self.first = nn.Conv2d(3 + attributes, width, 1)
        self.blocks = nn.Sequential(
            block(width, code_channels, resample="down"), *(block(code_channels, code_channels) for _ in range(blocks))
        )
        self.last = nn.Conv2d(code_channels, code_channels, 1)
        self.norm = InstanceNorm(code_channels)
        self.apply(_xavier)

    def forward(self, images: Tensor, difference: Tensor) -> Tensor:
        """Images (N, 3, H, W) and difference (N, n) -> code map (N, K, H/2, W/2), non-negative."""
        hidden = self.blocks(self._first(images, difference))
        return F.relu(self.norm(self.last(F.relu(hidden))))

    def _first(self, images: Tensor, difference: Tensor) -> Tensor:
        """The first layer, applied to the images and to one constant plane for each value of the difference."""
        if self.training:  # a 1x1 convolution of constant planes is constant: one linear layer computes it
            of_images, of_planes = self.first.weight.split([3, self.first.in_channels - 3], dim=1)
            planes = F.linear(difference, of_planes.flatten(1), self.first.bias)
            return F.conv2d(images, of_images) + planes[:, :, None, None]
        planes = difference[:, :, None, None].expand(-1, -1, *images.shape[2:])
        return self.first(torch.cat([images, planes.to(images.dtype)], dim=1))


class Discriminator(nn.Module):
    """D and the attribute classifier C, two heads on one shared trunk without norms (supplement, Fig. 3).

    Args:
        attributes: number of attributes n.
        image_size: side of the images, a multiple of 2**blocks.
        width: channels at full resolution (16); they double in each block.
        blocks: down-sampling blocks (4).
    """

    def __init__(self, attributes: int, image_size: int = 128, width: int = 16, blocks: int = 4) -> None:
        super().__init__()
        down = partial(PreActivationBlock, resample="down", norm=None, activation=_leaky)
        self.first = nn.Conv2d(3, width, 1)
        self.trunk = nn.Sequential(*(down(width * 2**i, width * 2 ** (i + 1)) for i in range(blocks)))
        top, kernel = width * 2**blocks, image_size // 2**blocks
        self.realness_conv = nn.Conv2d(top, top, kernel)
        self.realness = nn.Linear(top, 1)
        self.attribute_conv = nn.Conv2d(top, top, kernel)
        self.attributes = nn.Linear(top, attributes)
        self.apply(_xavier)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) -> realness scores (N, 1) and attribute logits (N, n)."""
        hidden = self.hidden(images)
        return self.realness_of(hidden), self.logits_of(hidden)

    def score(self, images: Tensor) -> Tensor:
        """The realness scores (N, 1) alone."""
        return self.realness_of(self.hidden(images))

    def classify(self, images: Tensor) -> Tensor:
        """The attribute logits (N, n) alone."""
        return self.logits_of(self.hidden(images))

    def hidden(self, images: Tensor) -> Tensor:
        """The trunk that D and C share: (N, 3, H, W) -> (N, width * 2**blocks, H / 2**blocks, W / 2**blocks)."""
        return _leaky(self.trunk(self.first(images)))

    def realness_of(self, hidden: Tensor) -> Tensor:
        """D's head: the trunk's output -> realness scores (N, 1)."""
        return self.realness(_leaky(self.realness_conv(hidden)).flatten(1))

    def logits_of(self, hidden: Tensor) -> Tensor:
        """C's head: the trunk's output -> attribute logits (N, n)."""
        return self.attributes(_leaky(self.attribute_conv(hidden)).flatten(1))


def _xavier(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
