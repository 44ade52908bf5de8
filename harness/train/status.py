"""How far a training is, read from its folder without disturbing it and without torch: `bridgebench status`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bridgebench.harness.processes.holder import Holder, holder
from bridgebench.harness.train import progress_file
from bridgebench.harness.train.progress_file import TrainingProgress

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class TrainingStatus:
    """How far a training is.

    Attributes:
        progress: what it noted last; None where it noted nothing yet.
        by: the process that the lock names, if there is one.
        seconds_since: since it last wrote its progress or a checkpoint.
    """

    progress: TrainingProgress | None
    by: Holder | None
    seconds_since: float

    @property
    def state(self) -> str:
        """``finished``, ``running``, ``killed`` (the lock names a process that is gone) or ``stopped``."""
        if self.by is not None and self.by.alive:
            return "running"
        if self.progress is not None and self.progress.complete:
            return "finished"
        return "stopped" if self.by is None else "killed"


def is_training(folder: Path) -> bool:
    """Whether a folder is that of a training."""
    return any((folder / name).is_file() for name in (CHECKPOINT, progress_file.FILE))


def training_status(folder: Path) -> TrainingStatus:
    """How far the training in a folder (see :func:`is_training`) is; nothing is written."""
    files = [folder / name for name in (CHECKPOINT, progress_file.FILE)]
    last = max(path.stat().st_mtime for path in files if path.is_file())
    return TrainingStatus(TrainingProgress.find(folder), holder(folder), max(0.0, time.time() - last))
