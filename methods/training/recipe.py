"""Training recipes: frozen dataclasses whose defaults are the paper's, filled from a table of a profile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from bridgebench.methods.core.errors import UserError, did_you_mean

Recipe = TypeVar("Recipe")
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


def parse_recipe(cls: type[Recipe], table: Mapping[str, Any], where: str) -> Recipe:
    """The recipe that a table of a profile asks for; what the table leaves out keeps its default.

    Types are taken as the dataclass annotates them (``int``, ``float``, ``Literal``, ``tuple[float, float]``, another
    dataclass for a table within the table, ``Annotated[int, pydantic.Field(ge=1)]`` for a range). A whole number may
    stand for a float, nothing else is converted.

    Args:
        cls: a dataclass whose fields all have defaults.
        table: key -> value.
        where: what to call the table in a message, e.g. ``"[train.stargan]"``.

    Raises:
        UserError: an unknown key, or a value of another type or out of range.
    """
    _refuse_unknown(cls, table, where)
    try:
        # By way of JSON: pydantic's strict mode then still takes a list for a tuple and a table for a dataclass.
        return TypeAdapter(cls).validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{where}: {key} = {first['input']!r} does not fit: {first['msg']}.") from error


def _refuse_unknown(cls: Any, table: Mapping[str, Any], where: str) -> None:
    known = [field.name for field in fields(cls)]
    hints = get_type_hints(cls)
    for key, value in table.items():
        if key not in known:
            hint = did_you_mean(key, known)
            raise UserError(f"{where} has the unknown key '{key}'.{hint} Known keys: {', '.join(known)}.")
        if is_dataclass(hints[key]) and isinstance(value, Mapping):
            _refuse_unknown(hints[key], value, f"{where} {key}")
