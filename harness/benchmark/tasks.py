"""The edits of a benchmark as tasks: every edit once, however many cells ask for it, in an order in which to make them.

A task edits a test image, or the edit of an earlier task (cells that edit an image several times in a row). Two cells
that ask for the same edit share its task.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.records.record import MODES, CellKind, Mode, modes_of
from bridgebench.harness.benchmark.case import Case
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.draws import seed_of
from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.files import quote
from bridgebench.methods.core.tasks import EditTask
from bridgebench.methods.editor import Editor

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench

DEFAULT = 1.0  # the share of its way that a method goes by itself


class TaskKey(NamedTuple):
    """What decides an edit.

    Attributes:
        source: index of the test image at its beginning.
        before: the edit whose output is edited; None: the image itself is.
        targets: the target labels (A,) as bytes.
        reference: index of the reference; -1: an edit by label.
        strength: share of the way from no edit to the method's default.
        mix: weight of the label against the reference; None: no weighing is asked for.
    """

    source: int
    before: TaskKey | None
    targets: bytes
    reference: int
    strength: float
    mix: float | None


def keys_of(case: Case) -> list[TaskKey]:
    """The key of each edit of a case; the edits before it in a row are its `before`."""
    found: list[TaskKey] = []
    for row, source in enumerate(case.sources.tolist()):
        key: TaskKey | None = None
        for step in case.earlier:
            reference = -1 if step.references is None else int(step.references[row])
            key = TaskKey(source, key, step.targets[row].tobytes(), reference, DEFAULT, None)
        reference = -1 if case.references is None else int(case.references[row])
        strength, mix = DEFAULT, None
        if case.shares is not None:
            share = float(case.shares[row])
            if case.kind == "strength":
                strength = share
            elif share == 1:  # an end of the way: the edit by label
                reference = -1
            elif share != 0:
                mix = share
        found.append(TaskKey(source, key, case.targets[row].tobytes(), reference, strength, mix))
    return found


def chain_of(key: TaskKey) -> Iterator[TaskKey]:
    """A key with all that come before it, the first one first."""
    if key.before is not None:
        yield from chain_of(key.before)
    yield key


@dataclass
class TaskList:
    """The tasks of some cells.

    Attributes:
        bench: where the images are.
        modes, kinds: of which cells.
        cells: for each task, by its key, the cells that need it, as (mode, name, kind); the first one names its folder.
        needed: the keys that each cell needs, by (mode, name).
    """

    bench: Workbench
    modes: tuple[Mode, ...]
    kinds: tuple[CellKind, ...]
    cells: dict[TaskKey, list[tuple[Mode, str, CellKind]]] = field(default_factory=dict)
    needed: dict[tuple[Mode, str], list[TaskKey]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        every = {**dict.fromkeys(self.bench.columns, "flip"), **self.bench.others}
        anybody = Anybody(attributes=self.bench.attributes, image_size=self.bench.test.image_size)
        for mode in self.modes:
            for name, kind in every.items():
                if kind not in self.kinds or mode not in modes_of(kind):
                    continue
                keys = keys_of(case_of(self.bench, mode, name, anybody))
                wanted = list(dict.fromkeys(each for key in keys for each in chain_of(key)))
                self.needed[mode, name] = wanted
                for each in wanted:
                    self.cells.setdefault(each, []).append((mode, name, kind))

    @cached_property
    def tasks(self) -> dict[TaskKey, EditTask]:
        """All tasks by their keys, in the order in which they can be made."""
        found: dict[TaskKey, EditTask] = {}
        width = max(6, len(str(len(self.cells))))
        for number, key in enumerate(self.cells):
            mode, name, _ = self.cells[key][0]
            label = f"{number:0{width}}"
            found[key] = EditTask(
                task=label,
                mode="label" if key.reference < 0 else "reference",
                source=image_name(key.source) if key.before is None else found[key.before].edit,
                reference=None if key.reference < 0 else image_name(key.reference),
                source_labels=self._names(self.labels_before(key)),
                target_labels=self._names(np.frombuffer(key.targets, np.uint8)),
                strength=None if key.strength == DEFAULT else key.strength,
                mix=key.mix,
                seed=seed_of("generator", self.bench.settings.seed, self.id_of(key.source), 0) % 2**31,
                edit=f"edits/{mode}/{quote(name)}/{label}.png",
            )
        return found

    @property
    def images(self) -> list[int]:
        """Indices of the test images that are sources or references, sorted."""
        sources = {key.source for key in self.cells}
        return sorted(sources | {key.reference for key in self.cells if key.reference >= 0})

    def id_of(self, image: int) -> str:
        """The id of a test image."""
        return str(self.bench.test.ids[image])

    def labels_before(self, key: TaskKey) -> NDArray[np.uint8]:
        """The labels (A,) of what is edited."""
        if key.before is not None:
            return np.frombuffer(key.before.targets, np.uint8)
        return self.bench.labels[key.source]

    def _names(self, labels: NDArray[np.uint8]) -> tuple[str, ...]:
        return tuple(name for name, on in zip(self.bench.attributes, labels.tolist(), strict=True) if on)


def task_list(bench: Workbench, modes: Sequence[Mode] | None, kinds: Sequence[CellKind] | None) -> TaskList:
    """The tasks of a benchmark.

    Args:
        bench: the workbench.
        modes, kinds: of the cells that are wanted; None: all.
    """
    there: list[CellKind] = list(dict.fromkeys(["flip", *bench.others.values()]))
    found_modes = tuple(mode for mode in MODES if modes is None or mode in modes)
    return TaskList(bench, found_modes, tuple(kind for kind in there if kinds is None or kind in kinds))


def image_name(index: int) -> str:
    """The file of a test image in a folder of tasks. Its id may be anybody's, and is no name of a file."""
    return f"images/{index:06d}.png"


class Anybody(Editor):
    """A method that can do all that can be asked for, once: who makes edits elsewhere says by what comes back."""

    card = MethodCard(
        name="anybody",
        title="The method",
        modes=frozenset(MODES),
        kind="method",
        paper="",
        summary="",
        editor="",
        strength=(0.0, DEFAULT, 1.25),
    )

    @property
    def options(self) -> frozenset[str]:
        """It can weigh the label against the reference."""
        return frozenset({"mix"})
