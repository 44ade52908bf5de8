"""Properties that hold for every input: flips and their rules, label lists, profiles, records and run directories."""

from __future__ import annotations

import json
import math
import string
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import Baselines
from bridgebench.eval.records.record import to_json
from bridgebench.harness.data.celeba import read_labels
from bridgebench.harness.profiles.profile import SHIPPED, load_profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json, quote, read_bytes, write_bytes
from bridgebench.methods.core.labels import BEARDS, CELEBA14, HAIR_COLOURS, Attributes

# A folder may serve all examples: each writes its file anew.
FEW = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LABELS = st.lists(st.integers(0, 1), min_size=14, max_size=14).map(lambda row: np.array(row, np.uint8))
ATTRIBUTE = st.sampled_from(CELEBA14)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


flip = Attributes(CELEBA14).target


def consistent(labels: Any) -> bool:
    """Whether a label vector contradicts none of the rules in PROTOCOL.md."""
    on = {name for name, value in zip(CELEBA14, labels, strict=True) if value}
    bearded, one_colour = bool(on & set(BEARDS)), len(on & set(HAIR_COLOURS)) <= 1
    return one_colour and not {"Bangs", "Receding_Hairline"} <= on and not (bearded and "No_Beard" in on)


@FEW
@given(LABELS, ATTRIBUTE)
def test_a_flip_changes_its_attribute_and_else_only_turns_off_what_contradicts_it(labels: Any, attribute: str) -> None:
    before, target, column = labels.copy(), flip(labels, attribute), CELEBA14.index(attribute)
    assert (labels == before).all()
    assert target[column] == 1 - labels[column]
    rest = np.delete(np.arange(14), column)
    assert (target[rest] <= labels[rest]).all()  # nothing else is ever turned on
    if target[column] == 0:
        assert (target[rest] == labels[rest]).all()
    if consistent(labels):
        assert consistent(target)


@FEW
@given(LABELS, ATTRIBUTE)
def test_flipping_twice_gives_back_what_the_first_flip_did_not_have_to_repair(labels: Any, attribute: str) -> None:
    once = flip(labels, attribute)
    twice = flip(once, attribute)
    column = CELEBA14.index(attribute)
    assert twice[column] == labels[column]
    if (once != labels).sum() == 1 and not (labels[column] == 1 and not consistent(labels)):
        assert (twice == labels).all()


@FEW
@given(st.permutations(CELEBA14), LABELS, ATTRIBUTE)
def test_the_order_of_the_columns_does_not_matter(order: list[str], labels: Any, attribute: str) -> None:
    columns = [CELEBA14.index(name) for name in order]
    assert (Attributes(tuple(order)).target(labels[columns], attribute) == flip(labels, attribute)[columns]).all()


PHOTO = st.from_regex(r"[0-9a-zA-Z_-]{1,12}\.(jpg|png)", fullmatch=True)
NAME = st.text(string.ascii_letters + "_", min_size=1, max_size=12)


@FEW
@given(
    st.lists(PHOTO, min_size=1, max_size=8, unique=True),
    st.lists(NAME, min_size=1, max_size=6, unique=True),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_a_label_list_is_read_as_written(
    tmp_path: Path, photos: list[str], names: list[str], draw: Any, csv: bool
) -> None:
    values = [[draw.choice((-1, 1)) for _ in names] for _ in photos]
    if csv:
        lines = [",".join(["image_id", *names])]
        lines += [",".join([photo, *map(str, row)]) for photo, row in zip(photos, values, strict=True)]
    else:
        gap = " " * draw.randint(1, 3)
        lines = [str(len(photos)), gap.join(names)]
        lines += [gap.join([photo, *map(str, row)]) for photo, row in zip(photos, values, strict=True)]
    path = tmp_path / f"list_attr_celeba.{'csv' if csv else 'txt'}"
    path.write_text(draw.choice(("\n", "\r\n")).join(lines) + draw.choice(("", "\n", "\n\n")), newline="")
    found = read_labels(path)
    assert (found.ids, found.names, found.problems) == (photos, names, [])
    assert found.values.tolist() == values


@FEW
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_as_a_label_list_or_a_profile_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    for name, read in (("list.txt", read_labels), ("list.csv", read_labels), ("any.toml", load_profile)):
        (tmp_path / name).write_bytes(data)
        try:
            read(tmp_path / name)
        except UserError as error:
            assert name in str(error)


SMOKE = tomllib.loads((SHIPPED / "smoke.toml").read_text())
KEYS = [(table, key) for table in ("data", "evaluation") for key in SMOKE[table]]


@FEW
@given(st.sampled_from(KEYS), st.integers(-5, 10**6) | st.text(string.printable, max_size=5) | st.booleans())
def test_a_profile_holds_exactly_what_its_file_says(tmp_path: Path, place: tuple[str, str], value: Any) -> None:
    table, key = place
    path = tmp_path / "any.toml"
    changed = {**SMOKE, table: {**SMOKE[table], key: value}}
    path.write_text(_toml(changed))
    try:
        profile = load_profile(path)
    except UserError as error:
        assert str(path) in str(error)
    else:
        assert getattr(getattr(profile, table), key) == value
        assert type(getattr(getattr(profile, table), key)) is type(value)


def _toml(tables: dict[str, Any]) -> str:
    """TOML of plain values; a JSON value of theirs is a TOML value as well."""
    flat = [f"{key} = {json.dumps(value)}" for key, value in tables.items() if not isinstance(value, dict)]
    for key in ("data", "evaluation"):
        flat += [f"[{key}]", *(f"{name} = {json.dumps(value)}" for name, value in tables[key].items())]
    return "\n".join(flat)


@FEW
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_a_record_is_read_as_written_and_the_same_record_is_the_same_bytes(tmp_path: Path, record: dict) -> None:
    path = tmp_path / "record.json"
    write_bytes(path, to_json(record))
    assert parse_json(read_bytes(path)) == record
    assert to_json(dict(reversed(record.items()))) == path.read_bytes()


@FEW
@given(st.binary(max_size=200))
def test_a_damaged_record_is_none_and_not_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "record.json").write_bytes(data)
    found = Baselines.find(tmp_path / "record.json")
    assert found is None or isinstance(found, Baselines)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_record_holds_no_numbers_that_json_lacks(value: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        to_json({"value": value})
    (tmp_path / "record.json").write_text(json.dumps({"floor": {"value": value}}))
    assert Baselines.find(tmp_path / "record.json") is None


PLACES: list[Callable[[RunDirectory, str], Path]] = [
    lambda run, name: run.cell_file(name, "label", name),
    lambda run, name: run.error_file(name, "label", name),
    lambda run, name: run.sample_file(name, "reference", name),
    lambda run, name: run.cost_file(name, "label"),
]


@FEW
@given(st.text(min_size=1, max_size=12) | st.sampled_from(["..", ".", "../..", "/", "a/../../b", "~", "\x00", "C:\\"]))
def test_no_name_leaves_the_run_directory_and_no_two_share_a_place(tmp_path: Path, name: str) -> None:
    run = RunDirectory(tmp_path)
    for place in PLACES:
        path = place(run, name)
        assert path.resolve().is_relative_to(tmp_path.resolve())
        assert len(path.relative_to(tmp_path).parts) in (3, 4)
        assert place(run, name + "x") != path
    assert set(quote(name)) <= set(string.ascii_letters + string.digits + "._-%")
