"""The animals again, each doing its wrong at another moment: `plugins.py` draws some of these variants."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor

import misbehaving
from bridgebench.methods.editor import Editor
from misbehaving import animals


def __getattr__(name: str) -> type[Editor]:
    """The class ``<Animal>_at_<moment>``."""
    animal, _, moment = name.partition("_at_")
    if not moment:
        raise AttributeError(name)
    wrong = getattr(animals, animal)

    def misbehave() -> Any:
        return wrong.misbehave(object.__new__(wrong), torch.zeros(1, 3, 32, 32), torch.zeros(1, 2))

    if moment == "import":
        misbehave()

    class Variant(Editor):
        card = getattr(misbehaving, name)
        edits = 0

        def __init__(self, **config: Any) -> None:
            if moment == "constructor":
                misbehave()
            super().__init__(**config)

        @property
        def editable(self) -> tuple[str, ...]:
            if moment == "property":
                misbehave()
            return super().editable

        def label_edit(self, images: Tensor, labels: Tensor, source_labels: Tensor, **options: Any) -> Any:
            self.edits += 1
            if moment == "thread":
                threading.Thread(target=misbehave).start()
            found = [misbehave() for _ in range({"twice": 2, "second_edit": int(self.edits == 2)}.get(moment, 0))]
            return images if not found or found[-1] is None else found[-1][0]

    return Variant
