"""SMIT: one generator, controlled by a label vector and a random style; a mask keeps what need not change."""

from __future__ import annotations

from bridgebench.methods.card import MethodCard

CARD = MethodCard(
    name="smit",
    title="SMIT",
    modes=frozenset({"label"}),
    kind="method",
    paper="Romero et al., ICCV Workshops 2019",
    summary="A random style and the target labels set the AdaIN layers; an attention mask keeps the rest of the image.",
    editor="bridgebench.methods.smit.editor:SMIT",
    training="bridgebench.methods.smit.training:SMITTraining",
    stochastic=True,
    strength=(0.0, 1.0, 1.0),
    quirks="Each edit draws a random style, so one photo has many edits. The layer that turns labels into a style is "
    "random and never trained, in the official code too.",
)
