"""`bridgebench methods` and `bridgebench weights show`: what is installed and at hand, told without torch."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from bridgebench import methods
from bridgebench.harness.weights.find import weights_at_hand
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import ZOO, header, read_tensor_header

HEAD = ("method", "kind", "modes", "parameters", "weights at hand", "source")


def parameter_count(path: Path) -> int:
    """How many numbers a .safetensors file holds, from the shapes in its header."""
    return sum(math.prod(shape) for shape in read_tensor_header(path).shapes.values())


def method_rows() -> list[tuple[str, ...]]:
    """One row a method and weights file, in the columns of `HEAD`; a method that cannot be imported says so."""
    rows: list[tuple[str, ...]] = []
    files = weights_at_hand()
    for name in methods.names():
        try:
            card = methods.card(name)
        except UserError as error:
            rows.append((name, "broken", "-", "-", "-", str(error)))
            continue
        modes = ", ".join(sorted(card.modes))
        if card.kind == "control":
            rows.append((name, card.kind, modes, "0", "needs none", card.paper))
            continue
        at_hand = [(f"{parameter_count(path):,}", _place(path)) for path in files.get(name, [])]
        for count, place in at_hand or [("-", "none" if card.trainable else "needs none")]:
            rows.append((name, card.kind, modes, count, place, card.paper))
    return rows


def _place(path: Path) -> str:
    return f"{path.stem.partition('-')[2]} (shipped)" if path.parent == ZOO else str(path)


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest entry, without frames: readable in a terminal, a pipe and a log."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True)) for row in [head, *rows]]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def show_weights(path: str | Path) -> str:
    """What a weights file holds, as text: method, parameters, attributes, configuration and card. Loads no tensor.

    Raises:
        UserError: the file is missing, damaged, or not one of ours.
    """
    found = header(path)
    config = dict(found["config"])
    facts = {
        "method": found["method"],
        "parameters": f"{parameter_count(Path(path)):,}",
        "attributes": ", ".join(config.pop("attributes", ())),
        **{key: _text(value) for key, value in config.items()},
        **{f"card: {key}": _text(value) for key, value in found["card"].items()},
    }
    width = max(map(len, facts))
    return "\n".join(f"{key.ljust(width)}  {value}" for key, value in facts.items())


def _text(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value)
