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
        lines += _section("protocol", one.protocol, two.protocol)
    lines += _section("code", one.code, two.code)
    lines += _section("weights", _weights(one.methods), _weights(two.methods))
    lines += _section("packages", one.packages, two.packages)
    lines += _section("hardware", one.hardware, two.hardware)
    return "\n".join(lines)


def _weights(methods: dict) -> dict[str, str | None]:
    return {name: method.weights.sha256 if method.weights else None for name, method in methods.items()}


def differences(one: dict, two: dict) -> list[str]:
    """One line ``key: first -> second`` for each value in which two records differ, sorted by key."""
    left, right = dict(flatten(one)), dict(flatten(two))
    differing = [key for key in sorted(left | right) if left.get(key) != right.get(key)]
    return [f"{key}: {left.get(key, 'absent')} -> {right.get(key, 'absent')}" for key in differing]


def _section(title: str, one: dict, two: dict) -> list[str]:
    """The differences of a part of two records under a heading; nothing when they agree."""
    lines = differences(one, two)
    return [f"{title}:", *(f"  {line}" for line in lines)] if lines else []
