"""How exactly an edit gives the source back, where a right edit does: there and back, or to the labels that it has."""

from __future__ import annotations

from bridgebench.eval.measures.card import BACK, Family, MeasureCard
from bridgebench.eval.measures.counterfactual import psnr

PSNR_SOURCE = MeasureCard(
    key="psnr_source",
    family=Family("round trip", 1),
    title="PSNR to source",
    about="Peak signal-to-noise ratio to the source, which a right edit gives back.",
    spoken="PSNR to the source",
    of_images=lambda source, edited, truth: psnr(edited, source),
    kinds=BACK,
    unit="dB",
    better="higher",
    digits=2,
    shown=(),
)
