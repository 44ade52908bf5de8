"""The measures of a cell.

A measure is added by a file in this folder, with the measure's function and card, and by one line in `MEASURES`. Cells,
the protocol, tables, pages, exports and the command line walk that list. What is measured and why: eval/PROTOCOL.md.
A run may have measures of plug-ins besides (:mod:`eval.measures.own`).
"""

from __future__ import annotations

from collections.abc import Iterable

from bridgebench.eval.measures import (
    accuracy,
    counterfactual,
    deep,
    diversity,
    fd,
    identity,
    kid,
    leakage,
    lpips,
    prdc,
    preservation,
    round_trip,
    way,
)
from bridgebench.eval.measures.card import MeasureCard, Place

# In the order in which tables show them. Skill leads where there are true edits.
MEASURES: list[MeasureCard] = [
    counterfactual.SKILL,
    counterfactual.SKILL_INSIDE,
    counterfactual.HARM_OUTSIDE,
    counterfactual.SKILL_L1,
    accuracy.SECOND,
    accuracy.ACCURACY,
    accuracy.ADDED,
    accuracy.REMOVED,
    accuracy.JOINT_SECOND,
    accuracy.JOINT,
    accuracy.EACH_SECOND,
    accuracy.EACH,
    fd.FD_MATCHED,
    fd.FD_TARGET,
    fd.FD_PAPER,
    kid.KID_MATCHED,
    kid.KID,
    deep.FD_DINOV2,
    deep.FD_CLIP,
    deep.CMMD,
    prdc.PRECISION,
    prdc.RECALL,
    prdc.DENSITY,
    prdc.COVERAGE,
    leakage.LEAKAGE,
    leakage.LEAKAGE_BY,
    identity.IDENTITY,
    identity.NO_FACE,
    preservation.L1_SOURCE,
    preservation.SSIM_SOURCE,
    lpips.LPIPS_SOURCE,
    round_trip.PSNR_SOURCE,
    counterfactual.PSNR_TRUE,
    counterfactual.SSIM_TRUE,
    counterfactual.L1_TRUE,
    counterfactual.L1_INSIDE,
    counterfactual.L1_OUTSIDE,
    lpips.LPIPS_TRUE,
    diversity.DIVERSITY,
    way.GAP,
    way.PATH,
    way.MONOTONE,
    way.WORST,
]
SUCCESS: tuple[Place, ...] = ("accuracy", "distance")  # does it edit, and does it look real
SECTIONS: tuple[Place, ...] = (*SUCCESS, "rest")


def shown(*places: Place, among: Iterable[MeasureCard]) -> list[MeasureCard]:
    """The measures among those of a run that at least one of these tables shows."""
    return [card for card in among if set(places) & set(card.shown)]


def versions() -> dict[str, int]:
    """The version of each family's definition, as the protocol records it."""
    return {card.family.name: card.family.version for card in MEASURES}
