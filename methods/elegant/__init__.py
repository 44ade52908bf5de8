"""ELEGANT exchanges, between two photos, the block of latent channels that belongs to an attribute."""

from __future__ import annotations

from bridgebench.methods.card import MethodCard

CARD = MethodCard(
    name="elegant",
    title="ELEGANT",
    modes=frozenset({"reference"}),
    kind="method",
    paper="Xiao et al., ECCV 2018",
    summary="The bottleneck has a block of channels for each attribute; an edit takes the blocks of the reference.",
    editor="bridgebench.methods.elegant.editor:Elegant",
    training="bridgebench.methods.elegant.training:ElegantTraining",
    strength=(0.0, 1.0, 1.0),
    quirks="It swaps features with a reference that differs in the attribute, as in training: with one that agrees "
    "an edit means little. Whatever else lies in the attribute's channels comes along.",
)
