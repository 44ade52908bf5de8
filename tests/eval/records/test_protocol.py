"""The protocol's hash: the same for the same record, another for any change of it."""

from __future__ import annotations

from typing import Any

import pytest

from bridgebench.eval.records.protocol import DataRecord, FeatureRecord, Protocol, hash_of, ids_hash


def protocol(**changes: Any) -> Protocol:
    values: dict[str, Any] = {
        "data": DataRecord(
            name="faces",
            digest="d",
            image_size=64,
            preparation=None,
            real={"test": "d"},
            n_real=200,
            n=64,
            ids_sha256=ids_hash(["a", "b"]),
        ),
        "attributes": ("Young", "Bangs"),
        "features": FeatureRecord(name="attributes", title="FD (attribute features)", dimension=128, digest="f"),
        "judges": {"primary": "p", "second": "s"},
        "batch": 32,
        "seed": 0,
        "minimum_n": 10,
        "diversity_images": 4,
        "diversity_draws": 4,
    }
    return Protocol(**{**values, **changes})


def test_equal_records_have_equal_hashes_whatever_the_order_of_keys() -> None:
    assert protocol().hash == protocol().hash
    assert hash_of({"a": 1, "b": [1, 2]}) == hash_of({"b": [1, 2], "a": 1})
    judges = {"second": "s", "primary": "p"}
    assert protocol(judges=judges).hash == protocol().hash


def test_the_hash_is_sha256_of_the_canonical_json() -> None:
    # printf '{"a":[1,"b"]}' | sha256sum
    assert hash_of({"a": [1, "b"]}) == "ee70aef572200b15408cec63724334e0ccd6c2b5d1cd7225a7f6a3f2a9aa80a9"


@pytest.mark.parametrize(
    "change",
    [
        {"attributes": ("Bangs", "Young")},
        {"judges": {"primary": "p", "second": "other"}},
        {"measures": {"accuracy": 2}},
        {"flip_rule": 2},
        {"batch": 64},
        {"seed": 1},
        {"minimum_n": 11},
        {"diversity_draws": 5},
        {"outputs": 5},
        {"cells": "conversions"},
        {"data": protocol().data.model_copy(update={"real": {"train": "d"}})},
        {"data": protocol().data.model_copy(update={"ids_sha256": ids_hash(["b", "a"])})},
        {"data": protocol().data.model_copy(update={"preparation": {"filter": "antialiased"}})},
        {"features": protocol().features.model_copy(update={"digest": "other"})},
    ],
)
def test_whatever_decides_a_number_decides_the_hash(change: dict[str, Any]) -> None:
    assert protocol(**change).hash != protocol().hash


def test_the_device_is_in_the_protocol_unless_it_is_the_cpu() -> None:
    on_cpu, on_gpu = protocol(), protocol(device="cuda")
    assert "device" not in on_cpu.record() and on_gpu.record()["device"] == "cuda"
    assert on_cpu.hash != on_gpu.hash
