"""The loaded methods of a process. Several methods stay loaded as long as they are small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridgebench import methods
from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.harness.benchmark.plan import Participant

if TYPE_CHECKING:
    from bridgebench.methods.editor import Editor

_MOST_WEIGHTS = 256 * 2**20  # total bytes of the weights files of loaded editors
Key = tuple[str, str | None]


class LoadedMethods:
    """Loads methods on first use. Networks as large as the paper's (0.9 GiB) are not kept together.

    Args:
        attributes, image_size: constructor arguments of methods that have no weights.
        device: where the methods compute.
        classifier: attached to methods that need one.
    """

    def __init__(
        self, attributes: tuple[str, ...], image_size: int, device: str, classifier: AttributeClassifier
    ) -> None:
        self._attributes, self._image_size = attributes, image_size
        self._device, self._classifier = device, classifier
        self.loaded: dict[Key, Editor] = {}
        self._sizes: dict[Key, int] = {}

    def of(self, participant: Participant) -> Editor:
        """The method of `participant` with its weights."""
        key = (participant.name, participant.sha256)
        if key not in self.loaded:
            self._make_room(_size(participant))
            self.loaded[key], self._sizes[key] = self._load(participant), _size(participant)
        return self.loaded[key]

    def _make_room(self, size: int) -> None:
        while self.loaded and size + sum(self._sizes.values()) > _MOST_WEIGHTS:
            oldest = next(iter(self.loaded))
            del self.loaded[oldest]
            self._sizes.pop(oldest, None)

    def _load(self, participant: Participant) -> Editor:
        if participant.weights is None:
            cls = methods.editor_class(participant.method)
            editor = cls(attributes=self._attributes, image_size=self._image_size).to(self._device).eval()
        else:
            editor = methods.load(participant.method, participant.weights, device=self._device).eval()
        if "classifier" in participant.card.needs:
            editor.attach(classifier=self._classifier)
        return editor


def _size(participant: Participant) -> int:
    return participant.weights.stat().st_size if participant.weights is not None else 0
