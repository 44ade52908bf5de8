"""The smallest BridgeGAN that trains: what the tests of its training start from."""

from __future__ import annotations

TINY = {
    "width": 4,
    "code_channels": 4,
    "spade_hidden": 6,
    "noise_size": 4,
    "encoder_width": 4,
    "encoder_blocks": 1,
    "mapping_blocks": 3,
    "discriminator_width": 4,
    "discriminator_blocks": 3,
    "batch_size": 4,
    "n_critic": 2,
    "iterations": 40,
}
