"""StarGAN v2: one generator for all domains, controlled by a style code that comes from noise or from a reference."""

from __future__ import annotations

from bridgebench.methods.card import MethodCard

CARD = MethodCard(
    name="starganv2",
    title="StarGAN v2",
    modes=frozenset({"label", "reference"}),
    kind="method",
    paper="Choi et al., CVPR 2020",
    summary="A mapping network (noise) or a style encoder (reference) gives a domain's style, injected by AdaIN.",
    editor="bridgebench.methods.starganv2.editor:StarGANv2",
    training="bridgebench.methods.starganv2.training:StarGANv2Training",
    stochastic=True,
    quirks="It knows domains, not attributes: on faces it is trained for one attribute, with and without, and the "
    "other columns are blank. The face masks of the official high-resolution model need an outside network "
    "and are off unless given.",
)
