"""`bridgebench methods` and `bridgebench weights show`: what is installed and at hand, told without torch."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bridgebench import methods
from bridgebench.harness.processes.terminal import text_table
from bridgebench.harness.weights.archives import archive_with
from bridgebench.harness.weights.find import weights_at_hand
from bridgebench.methods import MethodCard
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import ZOO, header, read_tensor_header


@dataclass(frozen=True)
class WeightsAtHand:
    """A weights file of a method.

    Attributes:
        file: where it lies.
        profile: the profile of its training; None where the file does not say.
        variant: the name that the profile gives to the method trained in another way; None for the method itself.
        shipped: whether it came with bridgebench.
        fetched: whether `bridgebench weights fetch` has fetched it. What is neither was trained in this folder.
        parameters: how many numbers it holds.
    """

    file: str
    profile: str | None
    variant: str | None
    shipped: bool
    fetched: bool
    parameters: int


@dataclass(frozen=True)
class InstalledMethod:
    """A method and its weights files; of a plug-in that cannot be imported only the name, and why (`problem`)."""

    name: str
    card: MethodCard | None
    weights: list[WeightsAtHand]
    problem: str | None = None

    def plain(self) -> dict[str, Any]:
        """All of it for JSON."""
        card = self.card
        return {
            "name": self.name,
            "title": card and card.title,
            "kind": card and card.kind,
            "modes": sorted(card.modes) if card else [],
            "trainable": bool(card and card.trainable),
            "source": card and card.paper,
            "summary": card and card.summary,
            "problem": self.problem,
            "weights": [asdict(file) for file in self.weights],
        }


def installed_methods() -> list[InstalledMethod]:
    """Every installed method, by name, with its weights files: shipped, fetched, and trained in this folder."""
    files = weights_at_hand()
    found = []
    for name in methods.names():
        try:
            at_hand = [_at_hand(name, path) for path in files.get(name, [])]
            found.append(InstalledMethod(name, methods.card(name), at_hand))
        except UserError as error:
            found.append(InstalledMethod(name, None, [], str(error)))
    return found


def parameter_count(path: Path) -> int:
    """How many numbers a .safetensors file holds, from the shapes in its header."""
    return sum(math.prod(shape) for shape in read_tensor_header(path).shapes.values())


def _at_hand(method: str, path: Path) -> WeightsAtHand:
    said = header(path)["card"].get("profile")
    profile = said if isinstance(said, str) else None
    shipped, fetched = path.parent == ZOO, archive_with(path.name) is not None
    name = (path.stem if shipped or fetched else path.parent.name).removesuffix(f"-{profile}")  # <name>-<profile>
    variant = name if profile is not None and name != method else None
    return WeightsAtHand(str(path), profile, variant, shipped, fetched, parameter_count(path))


def methods_table(found: Sequence[InstalledMethod]) -> str:
    """One row a method: modes, parameters, the profiles that there are weights for, source."""
    rows = []
    for method in found:
        card, own = method.card, [file for file in method.weights if file.variant is None]
        if card is None:
            rows.append((method.name, "broken", "-", "-", "-", method.problem or ""))
            continue
        counts = sorted({file.parameters for file in own})
        parameters = " to ".join(f"{count:,}" for count in [*counts[:1], *counts[1:][-1:]])
        at_hand = ", ".join((file.profile or file.file) + _origin(file) for file in own)
        none = "none" if card.trainable else "needs none"
        modes = ", ".join(sorted(card.modes))
        parameters = parameters or ("0" if card.kind == "control" else "-")
        rows.append((method.name, card.kind, modes, parameters, at_hand or none, card.paper))
    table = text_table(("method", "kind", "modes", "parameters", "weights for", "source"), rows)
    variants = sum(file.variant is not None for method in found for file in method.weights)
    return f"{table}\n\nWeights of {variants} variants are at hand, too: --variants lists them." if variants else table


def weights_table(found: Sequence[InstalledMethod]) -> str:
    """One row a weights file: method, variant, profile, parameters, file."""
    rows = [
        (method.name, file.variant or "-", file.profile or "-", f"{file.parameters:,}", _place(file))
        for method in found
        for file in method.weights
    ]
    return text_table(("method", "variant", "profile", "parameters", "file"), rows)


def _origin(file: WeightsAtHand) -> str:
    return "" if file.shipped else " (fetched)" if file.fetched else " (trained here)"


def _place(file: WeightsAtHand) -> str:
    if file.shipped or file.fetched:
        return f"{Path(file.file).name} ({'shipped' if file.shipped else 'fetched'})"
    return file.file


def show_weights(path: str | Path) -> str:
    """What a weights file holds, as text: method, parameters, attributes, configuration and card. Loads no tensor.

    Raises:
        UserError: the file is missing, damaged, or not one of ours.
    """
    found = header(path)
    config = dict(found["config"])
    facts = {
        "method": _text(found["method"]),
        "parameters": f"{parameter_count(Path(path)):,}",
        "attributes": _names(config.pop("attributes", ())),
        **{_text(key): _text(value) for key, value in config.items()},
        **{f"card: {_text(key)}": _text(value) for key, value in found["card"].items()},
    }
    width = max(map(len, facts))
    return "\n".join(f"{key.ljust(width)}  {value}" for key, value in facts.items())


def _names(value: object) -> str:
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value)
