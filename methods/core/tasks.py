"""The form in which an edit is asked for where it is not asked for in Python: one line of JSON.

It is the form of the lines of ``tasks.jsonl``, by which edits are made elsewhere (`bridgebench tasks export`), and of
the requests to a method in an environment of its own (:mod:`bridgebench.methods.command`). So one program can do both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EditTask:
    """An edit of one image that is asked for. Files are named relative to the folder in which the program works.

    Attributes:
        task: its name.
        mode: ``"label"`` or ``"reference"``.
        source: the PNG file of the image to edit.
        reference: the PNG file of the reference; None for an edit by label.
        source_labels: names of the labels that the image has.
        target_labels: names of the labels that the edit shall have.
        strength: how far to edit; None: as far as the method does by itself.
        mix: the weight of the label against the reference, between 0 and 1, for a method that weighs them; None: no
            weighing is asked for.
        seed: of a method that draws random numbers; an integer in [0, 2^31).
        edit: the PNG file to write.
    """

    task: str
    mode: str
    source: str
    reference: str | None
    source_labels: tuple[str, ...]
    target_labels: tuple[str, ...]
    strength: float | None
    mix: float | None
    seed: int
    edit: str

    @property
    def turn_on(self) -> list[str]:
        """The labels that the image lacks and the edit shall have."""
        return [name for name in self.target_labels if name not in self.source_labels]

    @property
    def turn_off(self) -> list[str]:
        """The labels that the image has and the edit shall lack."""
        return [name for name in self.source_labels if name not in self.target_labels]

    def plain(self) -> dict[str, Any]:
        """The task as JSON has it."""
        return {
            "task": self.task,
            "mode": self.mode,
            "source": self.source,
            "reference": self.reference,
            "turn_on": self.turn_on,
            "turn_off": self.turn_off,
            "source_labels": list(self.source_labels),
            "target_labels": list(self.target_labels),
            "strength": self.strength,
            "mix": self.mix,
            "seed": self.seed,
            "edit": self.edit,
        }


def line_of(facts: dict[str, Any]) -> bytes:
    """Facts as one line of JSON, with its end."""
    return json.dumps(facts, ensure_ascii=False, allow_nan=False, separators=(", ", ": ")).encode() + b"\n"
