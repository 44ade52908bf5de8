"""The edits of a cell come out of a message as they went in: equal numbers of the same types, the same real images."""

from __future__ import annotations

import json
import socket
from dataclasses import fields

import numpy as np
import pytest

from bridgebench.eval.distances.reals import MatchedReals, Reals
from bridgebench.eval.measures.card import Edits
from bridgebench.harness.benchmark.packed_edits import packed, unpacked
from bridgebench.harness.processes.channel import Channel
from bridgebench.methods.core.labels import Attributes, Domains, LabelSpace


def edits_of(space: LabelSpace, matched: bool) -> Edits:
    draw = np.random.default_rng(0)
    count, columns = 6, len(space.columns)

    def reals(more: tuple[np.ndarray, ...] = ()) -> Reals:
        given = draw.random((5, 3), np.float32), draw.integers(0, 2, (5, columns)), space, 7
        return MatchedReals(*given, *more) if more else Reals(*given)

    labels = [draw.integers(0, 2, (count, columns)).astype(kind) for kind in (np.uint8, np.int32)]
    seen = [draw.integers(0, 2, (count, columns)).astype(bool) for _ in range(3)]
    probabilities = [draw.random((count, columns)) for _ in range(3)]
    return Edits(
        1, *labels, *seen[:2], *probabilities, seen[2], draw.random((count, 3), np.float32), reals(),
        4, 2, 1, (0.5, 1.0), draw.random((2, 3, 3), np.float32) if matched else None,
        reals((np.arange(5), np.zeros(5, np.uint8))) if matched else None,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize("matched", [False, True])
@pytest.mark.parametrize(
    "space", [Domains(("cat", "dog")), Attributes(("A", "B", "C"), rules=(("A", "C"),), implies=(("A", ("B",)),))]
)
def test_edits_come_out_as_they_went_in(space: LabelSpace, matched: bool) -> None:
    edits = edits_of(space, matched)
    facts, arrays = packed(edits)
    ours, theirs = socket.socketpair()
    Channel(ours).send(facts, arrays)
    found, values = Channel(theirs).receive()
    assert found == json.loads(json.dumps(facts))
    again = unpacked(found, values)
    for field in fields(Edits):
        before, after = getattr(edits, field.name), getattr(again, field.name)
        if isinstance(before, Reals):
            assert type(before) is type(after) and (before.space, before.seed) == (after.space, after.seed)
            for name in (
                "features",
                "labels",
                *(("edits", "differing") if matched and field.name == "matched" else ()),
            ):
                np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
        elif isinstance(before, np.ndarray):
            assert before.dtype == after.dtype, field.name
            np.testing.assert_array_equal(before, after)
        else:
            assert before == after, field.name
