"""The edits of a cell as a message to another process: facts that JSON has, and named arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from bridgebench.eval.distances.reals import MatchedReals, Reals
from bridgebench.eval.measures.card import Edits
from bridgebench.harness.processes.channel import Arrays
from bridgebench.methods.core.labels import label_space, plain_space

_FACTS = ("column", "minimum_n", "outputs", "copies", "steps")
_REALS = ("reals", "matched")
_ARRAYS = tuple(f.name for f in fields(Edits) if f.init and f.name not in (*_FACTS, *_REALS))


def packed(edits: Edits) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts and arrays, of which :func:`unpacked` makes equal edits."""
    facts: dict[str, Any] = {name: getattr(edits, name) for name in _FACTS}
    arrays = {name: _plain(array) for name in _ARRAYS if (array := getattr(edits, name)) is not None}
    facts["types"] = {name: str(getattr(edits, name).dtype) for name in arrays}
    for side in _REALS:
        reals: Reals | None = getattr(edits, side)
        if reals is None:
            continue
        space = reals.space
        facts[side] = {"columns": list(space.columns), "space": plain_space(space), "seed": reals.seed}
        arrays |= {f"{side}/features": reals.features, f"{side}/labels": _plain(reals.labels)}
        if isinstance(reals, MatchedReals):
            arrays |= {f"{side}/edits": _plain(reals.edits), f"{side}/differing": _plain(reals.differing)}
    return facts, arrays


def unpacked(facts: Mapping[str, Any], arrays: Arrays) -> Edits:
    """The edits that were packed."""
    given: dict[str, Any] = {name: facts[name] for name in _FACTS} | {"steps": tuple(facts["steps"])}
    given |= {name: arrays[name].astype(kind) for name, kind in facts["types"].items()}
    for side in _REALS:
        if side not in facts:
            continue
        space, seed = label_space(facts[side]["columns"], **facts[side]["space"]), facts[side]["seed"]
        features, labels = arrays[f"{side}/features"], arrays[f"{side}/labels"]
        if f"{side}/edits" in arrays:
            more = arrays[f"{side}/edits"], arrays[f"{side}/differing"]
            given[side] = MatchedReals(features, labels, space, seed, *more)
        else:
            given[side] = Reals(features, labels, space, seed)
    return Edits(**given)


def _plain(array: Any) -> Any:
    """An array of one of the types that a message can have, with the same values."""
    if array.dtype == np.bool_:
        return array.astype(np.uint8)
    return array.astype(np.int64) if array.dtype.kind in "iu" and array.dtype != np.uint8 else array
