"""With what a run was made: run.json."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridgebench.harness.benchmark.plan import Entry
from bridgebench.harness.processes.environment import code, hardware, packages
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.weights.find import JUDGES, file_sha256, judge_weights
from bridgebench.harness.weights.show import parameter_count
from bridgebench.methods.core.weights import header

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench


def run_record(
    bench: Workbench, profile: Profile, entries: Iterable[Entry], old: dict[str, Any] | None, kept: bool = False
) -> dict:
    """The content of run.json.

    Args:
        bench: the workbench of the run.
        profile: as resolved.
        entries: the methods that take part.
        old: the run.json that is there. Under the same protocol its other methods stay, and so does its date if nothing
            else has changed.
        kept: whether there are cells that are not made again: what made them is kept in ``earlier``.
    """
    protocol = bench.protocol
    same = old is not None and old.get("protocol_hash") == protocol.hash
    methods = dict(old["methods"]) if old is not None and same else {}
    methods |= {entry.name: _method(entry) for entry in entries}
    record: dict[str, Any] = {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "profile_name": profile.name,
        "profile": profile.model_dump(mode="json"),
        "protocol": protocol.record(),
        "protocol_hash": protocol.hash,
        "code": code(),
        "packages": packages(),
        "hardware": hardware(),
        "data": {
            "name": protocol.data.name,
            "digest": protocol.data.digest,
            "n_test": protocol.data.n,
            "image_size": protocol.data.image_size,
        },
        "limit": bench.setup.limit,
        "attributes": list(protocol.attributes),
        "columns": list(bench.columns),
        "features": protocol.features.model_dump(),
        "judges": {role: _weights(judge_weights(role, profile)) for role in JUDGES},
        "methods": methods,
    }
    record["earlier"] = _earlier(old, record) if old is not None and same and kept else []
    if old is not None and {**old, "created": None} == {**record, "created": None}:
        record["created"] = old["created"]
    return record


def _earlier(old: dict[str, Any], record: dict[str, Any]) -> list[dict[str, Any]]:
    """What kept cells were made with, where it is not what makes the others."""

    def maker(made: dict[str, Any]) -> list[Any]:
        return [made[key] for key in ("code", "packages", "hardware")]

    last = {key: old[key] for key in ("created", "code", "packages", "hardware")}
    found: list[dict[str, Any]] = []
    for made in [*old.get("earlier", []), last]:
        if maker(made) not in [maker(record), *map(maker, found)]:
            found.append(made)
    return found


def _method(entry: Entry) -> dict[str, Any]:
    card, variant = entry.card, entry.variant
    different = {}
    if variant is not None:
        different = {"variant_of": variant.method, "seed": variant.seed, "changes": variant.recipe}
    return {
        "title": card.title,
        "kind": card.kind,
        "modes": sorted(card.modes),
        "parameters": parameter_count(entry.weights) if entry.weights is not None else 0,
        "paper": card.paper,
        "summary": card.summary,
        "quirks": card.quirks,
        "groups": entry.groups,
        "weights": _weights(entry.weights) if entry.weights is not None else None,
        **different,
    }


def _weights(path: Path) -> dict[str, Any]:
    return {"file": path.name, "sha256": file_sha256(path), "card": header(path)["card"]}
