"""A method whose edits were made elsewhere, as the cells see it: an editor that looks its edits up in a folder."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.records.record import CellKind, Mode
from bridgebench.harness.benchmark.handed_in import Elsewhere, within
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.benchmark.tasks import TaskKey, chain_of, keys_of, task_list
from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import read_bytes
from bridgebench.methods.core.png import most_bytes, png_pixels
from bridgebench.methods.editor import Editor

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.case import Case
    from bridgebench.harness.benchmark.workbench import Workbench

NO_DRAWS = "its edits were made elsewhere, one for each request: there are no repeated draws"


def editor_of(bench: Workbench, participant: Participant) -> Editor:
    """The method of a participant, loaded, or with its edits at hand."""
    if participant.elsewhere is None:
        return bench.editor(participant)
    return HandedInEditor(bench, participant.card, participant.elsewhere)


class HandedInEditor(Editor):
    """An editor that looks its edits up.

    Args:
        bench: where the images are.
        card: the method's card.
        elsewhere: its edits.
    """

    def __init__(self, bench: Workbench, card: MethodCard, elsewhere: Elsewhere) -> None:
        super().__init__(attributes=bench.attributes, image_size=bench.test.image_size)
        self.card = card  # type: ignore[misc]
        self._bench, self._elsewhere = bench, elsewhere

    @property
    def options(self) -> frozenset[str]:
        """Whether it weighs the label against the reference."""
        return frozenset({"mix"} if self._elsewhere.mixes else ())

    @property
    def _names(self) -> dict[TaskKey, str]:
        return _names(self._bench, self._elsewhere.modes, self._elsewhere.kinds)

    def cannot(self, case: Case) -> str | None:
        """Why the edits of a case cannot be measured; None if all of them are there."""
        wanted = {each for key in keys_of(case) for each in chain_of(key)}
        lacking = sum(self._names.get(key) not in self._elsewhere.hashes for key in wanted)
        if not lacking:
            return None
        if lacking == len(wanted):
            return "its edits were made elsewhere, and none of these was made"
        return f"its edits were made elsewhere, and {lacking:,} of the {len(wanted):,} that this takes were not made"

    def edits_of(self, case: Case) -> NDArray[np.uint8]:
        """The edits of a case, uint8 (P, H, W, 3).

        Raises:
            UserError: a file is not what it was when the edits were looked at.
        """
        return np.stack([self._read(self._names[key]) for key in keys_of(case)])

    def _read(self, name: str) -> NDArray[np.uint8]:
        path = self._elsewhere.folder / within(name)
        try:
            data = read_bytes(path, most_bytes(self.image_size), follow=False)
        except (OSError, ValueError) as error:
            raise UserError(f"{path} can no longer be read ({getattr(error, 'strerror', None) or error}).") from error
        if sha256(data).hexdigest() != self._elsewhere.hashes[name]:
            raise UserError(f"{path} was changed while it was measured: give the same command again.")
        return png_pixels(data, self.image_size)


@lru_cache(maxsize=1)
def _names(bench: Workbench, modes: tuple[Mode, ...], kinds: tuple[CellKind, ...]) -> dict[TaskKey, str]:
    """The path of each edit that was asked for; all cells of a worker ask for the same."""
    return {key: task.edit for key, task in task_list(bench, modes, kinds).tasks.items()}
