"""``progress.json`` in the folder of a training: how far it is, for a look from elsewhere, without torch.

`bridgebench status` reads it. Nothing else does: a training goes on from its checkpoint.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bridgebench.methods.core.files import read_bytes, write_bytes

FILE = "progress.json"
_LARGEST = 2**16


class TrainingProgress(BaseModel):
    """How far a training is.

    Attributes:
        iteration, total: iterations done, and those of the recipe (None: it has no end of its own).
        seconds, images: time and images spent, over all calls.
        images_per_second: speed over the last minute.
        seconds_left: until the end of the recipe or of this call, whichever is sooner, at the time of writing.
        losses: the newest of each term.
        complete: whether the recipe is at its end.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    iteration: int
    total: int | None
    seconds: float
    images: int
    images_per_second: float
    seconds_left: float | None
    losses: dict[str, float]
    complete: bool = False

    def write(self, folder: Path) -> None:
        """Writes the file into the folder of a training; it need not survive a power failure."""
        write_bytes(folder / FILE, self.model_dump_json(indent=1).encode(), durable=False)

    @classmethod
    def find(cls, folder: Path) -> TrainingProgress | None:
        """The progress noted in a folder; None where there is none, or a damaged one."""
        try:
            return cls.model_validate_json(read_bytes(folder / FILE, _LARGEST))
        except (OSError, ValueError, ValidationError):
            return None
