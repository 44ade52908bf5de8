"""The loaded methods of a worker: ours in its own process, those of plug-ins each in another one.

Several methods of ours stay loaded as long as they are small. A method of a plug-in is loaded anew for every cell.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bridgebench import methods
from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.benchmark.remote import RemoteEditor
from bridgebench.methods.core.labels import LabelSpace

if TYPE_CHECKING:
    from bridgebench.methods.editor import Editor

_MOST_WEIGHTS = 256 * 2**20  # total bytes of the weights files of loaded editors
Key = tuple[str, str | None]


class LoadedMethods:
    """Loads methods on first use. Networks as large as the paper's (0.9 GiB) are not kept together.

    Args:
        space: the label columns, and what they are.
        image_size: side of the images, for methods that have no weights.
        device: where the methods compute.
        classifier: attached to methods that need one.
        classifier_file: its weights file, which a plug-in that needs one loads itself.
        time_limit: most seconds that a plug-in may take to load its method, or to edit a batch.
    """

    def __init__(
        self,
        space: LabelSpace,
        image_size: int,
        device: str,
        classifier: AttributeClassifier,
        *,
        classifier_file: Path,
        time_limit: float,
    ) -> None:
        self._space, self._image_size = space, image_size
        self._device, self._classifier = device, classifier
        self._classifier_file, self._time_limit = classifier_file, time_limit
        self._foreign: dict[Key, RemoteEditor] = {}
        self.loaded: dict[Key, Editor] = {}
        self._sizes: dict[Key, int] = {}

    def of(self, participant: Participant) -> Editor:
        """The method of `participant` with its weights.

        Raises:
            PluginFailed: the method of a plug-in cannot be loaded.
        """
        key = (participant.name, participant.sha256)
        if methods.is_foreign(participant.method):
            if key not in self._foreign:
                self._foreign[key] = RemoteEditor(
                    participant,
                    self._space.columns,
                    self._image_size,
                    self._device,
                    self._classifier_file,
                    self._time_limit,
                )
                self._foreign[key].space = self._space
            return self._foreign[key]
        if key not in self.loaded:
            self._make_room(_size(participant))
            self.loaded[key], self._sizes[key] = self._load(participant), _size(participant)
        return self.loaded[key]

    def end_foreign(self) -> None:
        """Ends the processes of plug-ins' methods, after a cell."""
        while self._foreign:
            self._foreign.popitem()[1].end()

    def _make_room(self, size: int) -> None:
        while self.loaded and size + sum(self._sizes.values()) > _MOST_WEIGHTS:
            oldest = next(iter(self.loaded))
            del self.loaded[oldest]
            self._sizes.pop(oldest, None)

    def _load(self, participant: Participant) -> Editor:
        if participant.weights is None:
            cls = methods.editor_class(participant.method)
            editor = cls(attributes=self._space.columns, image_size=self._image_size).to(self._device).eval()
        else:
            editor = methods.load(participant.method, participant.weights, device=self._device).eval()
        editor.space = self._space
        if "classifier" in participant.card.needs:
            editor.attach(classifier=self._classifier)
        return editor


def _size(participant: Participant) -> int:
    return participant.weights.stat().st_size if participant.weights is not None else 0
