"""Variants: a method trained with another seed, or by a changed recipe, as a row of its own in a profile's tables."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bridgebench import methods
from bridgebench.methods import MethodCard
from bridgebench.methods.core.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # it becomes the name of files
_TAKEN = ("classifier", "judge", "features", "guide", "all")


class Variant(BaseModel):
    """``[variants.<name>]`` of a profile; of the method itself, all but `method` are as they are here.

    Attributes:
        method: the registered method that is trained.
        title: how tables call it; by default the method's title with the variant's name.
        seed: of its training.
        modes: those of the method's modes that are measured (None: all of them).
        recipe: keys that replace those of ``[train.<method>]``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    method: str
    title: str = ""
    seed: Annotated[int, Field(ge=0)] = 0
    modes: list[Literal["label", "reference"]] | None = None
    recipe: dict[str, Any] = {}

    def card(self, name: str) -> MethodCard:
        """The method's card, as the variant `name` bears it.

        Raises:
            UserError: there is no such method.
        """
        found = methods.card(self.method)
        modes = found.modes if self.modes is None else frozenset(self.modes)
        return replace(found, name=name, title=self.title or f"{found.title} ({name})", modes=modes)

    def check(self, name: str) -> None:
        """Raises a ValueError that says what is wrong with a variant of that name, if anything is."""
        if not _NAME.fullmatch(name):
            raise ValueError("a variant's name is made of letters, digits, '.', '_' and '-', at most 64 of them.")
        if name in _TAKEN or name in methods.names():
            raise ValueError(f"'{name}' is taken; give the variant a name of its own.")
        try:
            method = methods.card(self.method)
        except UserError as error:
            raise ValueError(str(error)) from error
        if not method.trainable:
            raise ValueError(f"the method '{self.method}' has nothing to train, so it has no variants.")
        if self.modes is not None and (not self.modes or not method.modes.issuperset(self.modes)):
            raise ValueError(f"modes = {self.modes} must be some of those of '{self.method}': {sorted(method.modes)}.")
