"""The small benchmark and the small training that are killed: their profiles."""

from __future__ import annotations

from bridgebench.methods.core.labels import CELEBA14

# Few images, so that a run is seconds of work behind its start.
SMALL = """
[data]
name = "faces"
image_size = 32
train = 64
validation = 8
test = 16

[evaluation]
n = 6
batch = 4
minimum_n = 4
diversity_images = 2
diversity_draws = 2
"""
TRAINING = """
[train.stargan]
width = 4
blocks = 1
discriminator_width = 4
batch_size = 4
iterations = 60
n_critic = 2
decay = "none"
"""
# A checkpoint every twentieth of a second instead of every minute.
OFTEN = """
from bridgebench.harness.commands import main

def often(*arguments, whole=main.main):
    from bridgebench.harness.train import loop
    loop._CHECKPOINT_SECONDS = 0.05
    return whole(*arguments)

main.main = often
"""


def head() -> str:
    """The first lines of both profiles."""
    return f'attributes = {list(CELEBA14)}\nmethods = ["identity"]\n'
