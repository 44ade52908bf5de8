"""Warns before a benchmark of judges that read poorly by their own cards: accuracies that they read mean little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.weights.find import JUDGES, judge_weights
from bridgebench.methods.core.weights import header

LEAST = 0.8  # balanced accuracy on its own test images; a judge that guesses has 0.5
_TITLES = {"primary": "first judge", "second": "second judge"}


def weak_judges(profile: Profile) -> list[str]:
    """One line for each judge of a profile whose balanced accuracy is below `LEAST` for some attribute.

    Judges whose cards have no balanced accuracy, and attributes for which it could not be measured, are skipped.

    Raises:
        UserError: a judge's file is missing or damaged.
    """
    lines = []
    for role, name in JUDGES.items():
        shares = _balanced(header(judge_weights(role, profile))["card"], profile.attributes)
        weak = sorted((share, attribute) for attribute, share in shares.items() if share < LEAST)
        if weak:  # some are where the mean is
            mean = fmean(shares.values())
            named = ", ".join(f"{attribute} {share:.1%}" for share, attribute in weak)
            lines.append(
                f"Warning: the {_TITLES[role]} ({name}) reads its own test images poorly: balanced accuracy {mean:.1%} "
                f"on average, and below {LEAST:.0%} for {named}; accuracies that it reads there mean little."
            )
    return lines


def _balanced(card: Mapping[str, Any], attributes: Sequence[str]) -> dict[str, float]:
    """Balanced accuracy by attribute, as far as the card has it. The card may come from anybody, so it is checked."""
    found: Any = card
    for key in ("scores", "test", "balanced"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return {}
    shares = {name: found.get(name) for name in attributes}
    return {name: share for name, share in shares.items() if isinstance(share, int | float) and 0 <= share <= 1}
