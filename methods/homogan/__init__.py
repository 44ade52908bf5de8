"""HomoGAN moves the latent features of a photo towards those of another photo, in chosen groups of attributes."""

from __future__ import annotations

from bridgebench.methods.card import MethodCard

CARD = MethodCard(
    name="homogan",
    title="HomoGAN",
    modes=frozenset({"reference"}),
    kind="method",
    paper="Chen et al., CVPR 2019",
    summary="A branch for each group of attributes carries the features of a photo towards those of the reference.",
    editor="bridgebench.methods.homogan.editor:HomoGAN",
    training="bridgebench.methods.homogan.training:HomoGANTraining",
    strength=(0.0, 1.0, 2.0),
    quirks="The smallest step is a group of attributes: sex and beard, for one, move together towards the reference. "
    "Its references are those of every method, so what the rest of the group takes over from them is leakage. Even an "
    "edit of strength 0 passes encoder and decoder and is not the source.",
)
