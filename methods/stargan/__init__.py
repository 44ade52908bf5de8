"""StarGAN: one generator for all attributes; its input is the image and the absolute target labels."""

from __future__ import annotations

from bridgebench.methods.card import MethodCard

CARD = MethodCard(
    name="stargan",
    title="StarGAN",
    modes=frozenset({"label"}),
    kind="method",
    paper="Choi et al., CVPR 2018",
    summary="One generator gets the image and the target labels as extra channels; cycle consistency keeps the rest.",
    editor="bridgebench.methods.stargan.editor:StarGAN",
    training="bridgebench.methods.stargan.training:StarGANTraining",
    quirks="Its instance norm keeps running statistics that the official test never uses: each image is normalised "
    "by itself, here too. The network is told the target labels, not what changes, so it may move what was "
    "right already.",
)
