"""Training checkpoints: the complete state of a run, in one file that is either complete or absent."""

from __future__ import annotations

import io
import math
import operator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from bridgebench.harness.train.curves import Curves
from bridgebench.harness.train.sampler import BatchSampler
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import refuse_irregular, write_bytes
from bridgebench.methods.training.averaging import WeightAverage
from bridgebench.methods.training.base import Training

FILE = "checkpoint.pt"
Resume = bool | Literal["auto"]  # whether to go on from a checkpoint; "auto": if there is one, else start


@dataclass
class Progress:
    """Progress of a run: iterations done (of `total`, if it has an end), seconds and images spent, and loss curves.

    `processes` is the number of processes at the start, and `threads` the threads of each; a resumed run may differ.
    """

    iteration: int = 0
    seconds: float = 0.0
    images: int = 0
    total: int | None = None
    processes: int = 1
    threads: int = 1
    curves: Curves = field(default_factory=Curves)


def save_checkpoint(
    folder: Path,
    identity: dict[str, Any],
    training: Training,
    sampler: BatchSampler,
    generator: torch.Generator,
    progress: Progress,
    average: WeightAverage | None = None,
) -> None:
    """Writes ``checkpoint.pt`` into `folder`; the previous file is replaced only when the new one is complete.

    Args:
        folder: folder of the training run.
        identity: method, recipe, data and seed, which must match to resume the run.
        training: networks, buffers and optimizers.
        sampler: its position decides the order of the data.
        generator: the source of all randomness of the steps.
        progress: progress of the run.
        average: running average of the editor's weights, if the run keeps one.
    """
    state = {
        "identity": identity,
        "training": training.state_dict(),
        "optimizers": {name: optimizer.state_dict() for name, optimizer in training.optimizers.items()},
        "generator": generator.get_state(),
        "position": sampler.position,
        "progress": asdict(progress),
    }
    if average is not None:
        state["average"] = average.state_dict()
    write_state(folder, state)


def goes_on(folder: Path, resume: Resume) -> bool:
    """Whether the training in `folder` goes on from its checkpoint."""
    return (folder / FILE).exists() if resume == "auto" else resume


def refuse_a_run_there(folder: Path, resume: Resume) -> None:
    """Refuses to start in the folder of another training.

    Raises:
        UserError: there is a checkpoint, and it is not to be resumed.
    """
    if (folder / FILE).exists() and not resume:
        raise UserError(f"A training run is in {folder} already; go on with --resume, or give another --out.")


def check_minutes(minutes: float | None) -> None:
    """Checks the length of a training that the user gives; None: the recipe's.

    Raises:
        UserError: it is no time.
    """
    if minutes is not None and not (math.isfinite(minutes) and minutes > 0):
        raise UserError(f"The training time must be more than 0 minutes, not {minutes}.")


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Writes ``checkpoint.pt`` into `folder`: tensors, numbers and tables, with the run's identity under "identity"."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_bytes(folder / FILE, buffer.getvalue())


def read_state(folder: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """Reads what `write_state` wrote; tensors are on the CPU.

    Raises:
        UserError: there is none, it is damaged, or it belongs to another recipe, data set or seed.
    """
    path = folder / FILE
    refuse_irregular(path)
    if not path.is_file():
        raise UserError(f"There is no training run to resume in {folder}; leave out --resume to start one.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved = state["identity"]
        changed = sorted(key for key in identity if identity[key] != saved.get(key))
    except Exception as error:  # a damaged or foreign file may raise almost anything; no code in it is run
        raise damaged(folder) from error
    if changed:
        raise UserError(
            f"The run in {folder} was started with another {' and '.join(changed)}; give its own, or another --out."
        )
    return state


def load_checkpoint(
    folder: Path,
    identity: dict[str, Any],
    training: Training,
    sampler: BatchSampler,
    generator: torch.Generator,
    average: WeightAverage | None = None,
) -> Progress:
    """Restores a run from its last checkpoint; arguments as in `save_checkpoint`.

    Raises:
        UserError: there is none, it is damaged, or it belongs to another recipe, data set or seed.
    """
    state = read_state(folder, identity)
    try:
        training.load_state_dict(state["training"])
        for name, optimizer in training.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        generator.set_state(state["generator"])
        sampler.position = operator.index(state["position"])
        if average is not None:
            average.load_state_dict(state["average"])
        spent = state["progress"]
        return _checked(Progress(**{**spent, "curves": Curves(**spent.get("curves", {}))}))
    except Exception as error:  # as above
        raise damaged(folder) from error


def read_progress(folder: Path) -> Progress:
    """The progress of the run in `folder`; zero iterations if there is no readable checkpoint."""
    try:
        refuse_irregular(folder / FILE)
        state = torch.load(folder / FILE, map_location="cpu", weights_only=True, mmap=True)
        return _checked(Progress(**{**state["progress"], "curves": Curves()}))
    except Exception:  # as above; resuming the run reports what is wrong
        return Progress()


def _checked(progress: Progress) -> Progress:
    """Raises ValueError if a number of a training's progress is none that a training has."""
    counts = [progress.iteration, progress.images, progress.processes, progress.threads]
    counts += [] if progress.total is None else [progress.total]
    if not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError("its counts are no counts")
    if not isinstance(progress.seconds, int | float) or not 0 <= progress.seconds < math.inf:
        raise ValueError("its seconds are no time")
    return progress


def damaged(folder: Path) -> UserError:
    """The error for a checkpoint that cannot be resumed."""
    return UserError(f"The checkpoint {folder / FILE} is damaged; train anew without --resume in another --out.")
