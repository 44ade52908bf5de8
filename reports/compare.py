"""What differs between two runs: the protocol first, for it decides whether their numbers may be compared at all."""

from __future__ import annotations

from pathlib import Path

from reports.provenance import flatten
from reports.records import Run


def compare(first: Path, second: Path) -> str:
    """The differences of two run directories as text, protocol first.

    Raises:
        UserError: one of them is missing or damaged.
    """
    one, two = Run(first).record, Run(second).record
    names = f"{first} (1) and {second} (2)"
    if one.protocol_hash == two.protocol_hash:
        lines = [f"{names} have the same protocol {one.protocol_hash[:12]}: their rows may share a table."]
    else:
        lines = [f"{names} differ in protocol: their rows may not share a table."]
        lines += _differences("protocol", one.protocol, two.protocol)
    lines += _differences("code", one.code, two.code)
    lines += _differences("weights", _weights(one.methods), _weights(two.methods))
    lines += _differences("packages", one.packages, two.packages)
    lines += _differences("hardware", one.hardware, two.hardware)
    return "\n".join(lines)


def _weights(methods: dict) -> dict[str, str | None]:
    return {name: method.weights.sha256 if method.weights else None for name, method in methods.items()}


def _differences(title: str, one: dict, two: dict) -> list[str]:
    """A line for every key whose value differs, under a heading; nothing when all agree."""
    left, right = dict(flatten(one)), dict(flatten(two))
    differing = [key for key in sorted(left | right) if left.get(key) != right.get(key)]
    lines = [f"  {key}: 1: {left.get(key, 'absent')}   2: {right.get(key, 'absent')}" for key in differing]
    return [f"{title}:", *lines] if lines else []
