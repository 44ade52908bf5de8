"""STGAN: an encoder-decoder; selective transfer units, controlled by label differences, gate its skip connections."""

from __future__ import annotations

from bridgebench.methods.card import MethodCard

CARD = MethodCard(
    name="stgan",
    title="STGAN",
    modes=frozenset({"label"}),
    kind="method",
    paper="Liu et al., CVPR 2019",
    summary="Selective transfer units let the label difference decide what of the source passes the skip connections.",
    editor="bridgebench.methods.stgan.editor:STGAN",
    training="bridgebench.methods.stgan.training:STGANTraining",
    strength=(-1.0, 2.0, 3.0),
    quirks="Strength 2 is that of the official evaluation; the default of the released test script is another and "
    "does not give the published numbers. The network is told the difference of the labels alone.",
)
