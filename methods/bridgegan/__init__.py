"""BridgeGAN edits several attributes, by label or by reference; both kinds of edits use the same style code."""

from __future__ import annotations

from bridgebench.methods.card import MethodCard

CARD = MethodCard(
    name="bridgegan",
    title="BridgeGAN",
    modes=frozenset({"label", "reference"}),
    kind="method",
    paper="Bridging the Gap between Label- and Reference-based Synthesis, ICCV 2021",
    summary="A mapping network (label) and a style encoder (reference) give the same kind of code, injected by SPADE.",
    editor="bridgebench.methods.bridgegan.editor:BridgeGAN",
    training="bridgebench.methods.bridgegan.training:BridgeGANTraining",
    stochastic=True,
    strength=(0.0, 1.5, 3.0),
    quirks="The official test multiplies the difference of the labels by 1.5; training does not, and the paper does "
    "not say so. An edit by label draws a noise vector, so one photo has many edits. The generator is told "
    "what changes, never the labels themselves.",
)
