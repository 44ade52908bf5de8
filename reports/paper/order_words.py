"""What the paper's order and ours have in common, in words made from the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from bridgebench.eval.records.record import Mode
from bridgebench.reports.paper.order import Order
from bridgebench.reports.read.results import MODE_TITLES

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def spelt(number: int) -> str:
    """Small numbers as words."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def listed(words: Sequence[str]) -> str:
    """``"a, b and c"``."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def where(order: Order) -> str:
    """``"by label"``; of conversions ``"in both modes"``."""
    return MODE_TITLES[order.mode].removeprefix("Edits ") if order.mode else "in both modes"


def _led(order: Order, modes: Sequence[Mode]) -> str:
    """Where a control leads: of conversions, whose order has both modes, in one of them or in both."""
    return where(order) if len(modes) > 1 else MODE_TITLES[modes[0]].removeprefix("Edits ")


def pairs_words(order: Order) -> str:
    """``"4 of 6 pairs in accuracy (1 opposite, 1 tied; τ = 0.50)"``."""
    pairs = order.pairs
    parts = [f"{count} {word}" for count, word in ((pairs.opposite, "opposite"), (pairs.tied, "tied")) if count]
    tau = f"τ = {pairs.tau:.2f}".replace("-", "\N{MINUS SIGN}")
    more = "; ".join([*filter(None, [", ".join(parts)]), tau])
    over = "" if order.columns == order.all_columns else f" over {order.columns} of {order.all_columns} columns"
    return f"{pairs.alike} of {pairs.total} pairs in {order.card.spoken}{over} ({more})"


def agreement_words(found: Sequence[Order]) -> list[str]:
    """A sentence a mode: how many pairs of systems stand as in the paper, measure by measure."""
    sentences = []
    for mode in dict.fromkeys(order.mode for order in found):
        of_mode = [order for order in found if order.mode == mode]
        count = spelt(len(of_mode[0].systems))
        whose = f"{count} systems" if mode else f"{count} rows (a system in a mode each)"
        pairs = listed([f"for {pairs_words(order)}" for order in of_mode])
        sentences.append(f"{where(of_mode[0]).capitalize()}, the paper's order of {whose} holds {pairs}.")
    return sentences


def chance_words(found: Sequence[Order]) -> str:
    """How much an order of so few systems can say."""
    sizes = {len(order.systems): order.orders for order in found}
    counts = listed([f"{spelt(size)} have {sizes[size]}" for size in sorted(sizes, reverse=True)])
    kind = "systems" if found[0].mode else "rows"
    return f"few {kind} have few orders ({counts}), so full agreement soon comes about by chance."


def full_words(found: Sequence[Order]) -> str:
    """In which measures every pair stands as in the paper."""
    full = listed([f"{order.card.spoken} {where(order)}" for order in found if order.pairs.tau == 1])
    return (
        f"The whole of the paper's order is found in {full}."
        if full
        else "No measure has the whole of the paper's order."
    )


def cheating_words(found: Sequence[Order], without: str = "") -> str:
    """Which measures put a control before all systems; the control `without` is left out."""
    parts = []
    for control in dict.fromkeys(title for order in found for title in order.cheats if title != without):
        modes: dict[str, list[str]] = {}
        for order in found:
            if control in order.cheats:
                modes.setdefault(order.card.spoken, []).append(_led(order, order.cheats[control]))
        alike: dict[str, list[str]] = {}
        for measure, its in modes.items():
            alike.setdefault(listed(its), []).append(measure)
        parts.append(f"{control} {', '.join(f'{its} in {listed(measures)}' for its, measures in alike.items())}")
    if not parts:
        return ""
    told = "; ".join(parts)
    return f"Controls come before every system: {told}. A good value of such a measure alone proves no good edit."
