"""A plug-in's method as its worker sees it: an editor whose every edit is made in a process of its own.

So whatever the plug-in does to its process reaches neither the measures nor other cells.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridgebench.harness.benchmark.failures import PluginFailed, plain
from bridgebench.harness.benchmark.foreign import ForeignProcess
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.processes.channel import Arrays
from bridgebench.harness.processes.messages import LOGGER
from bridgebench.methods import MethodCard
from bridgebench.methods.contract import ContractResult
from bridgebench.methods.editor import Editor
from bridgebench.methods.foreign import facts_of

_CONTRACT_SECONDS = 600.0
_MOST_NOISE = 2**16  # numbers an image
_COST = {
    "ms_per_image": (int, float),
    "batch": (int,),
    "parameters": (int, type(None)),  # a program need not tell it, and its memory
    "peak_memory_mib": (int, float, type(None)),
}


class RemoteEditor(Editor):
    """A method of a plug-in, in a process that starts here and ends with :meth:`end`.

    Args:
        participant: the method and its weights.
        attributes, image_size: constructor arguments of a method that has no weights.
        device: where the method computes.
        classifier: weights file of the first judge, for a method that needs one.
        time_limit: most seconds that loading the method, and every edit of a batch, may take.

    Raises:
        PluginFailed: the method cannot be loaded.
    """

    def __init__(
        self,
        participant: Participant,
        attributes: tuple[str, ...],
        image_size: int,
        device: str,
        classifier: Path,
        time_limit: float,
    ) -> None:
        super().__init__(attributes=attributes, image_size=image_size)
        self.card = participant.card  # type: ignore[misc]
        self._process = ForeignProcess("method", time_limit, self._draw_truth)
        self._folder: TemporaryDirectory[str] | None = None
        question: dict[str, Any] = {
            "do": "load",
            "editor": participant.card.editor,
            "weights": None if participant.weights is None else str(participant.weights),
            "attributes": list(attributes),
            "image_size": image_size,
            "device": device,
            "needs": sorted(participant.card.needs),
            "classifier": str(classifier),
        }
        if participant.card.command:
            self._folder = TemporaryDirectory(prefix="bridgebench-")  # not made there: that process is killed
            question |= _command_of(participant.card, self._folder.name, time_limit)
        try:
            about, _ = self._process.ask(question, {}, doing="load")
            self._editable = tuple(name for name in about["editable"] if name in attributes)
            self._options = frozenset(map(str, about["options"]))
            self.noise_size = None if about["noise_size"] is None else int(about["noise_size"])
            if self.noise_size is not None and not 0 < self.noise_size <= _MOST_NOISE:
                raise ValueError(f"a noise of {self.noise_size:,} numbers")
        except (KeyError, TypeError, ValueError) as error:
            self.end()
            raise self._process.nonsense(str(error)) from None
        except PluginFailed:
            self.end()
            raise

    @property
    def editable(self) -> tuple[str, ...]:
        """The attributes that an edit can change."""
        return self._editable

    @property
    def options(self) -> frozenset[str]:
        """Names of the options that only this method takes."""
        return self._options

    @torch.no_grad()
    def edit(
        self,
        images: Tensor,
        labels: Tensor | None = None,
        reference: Tensor | None = None,
        *,
        source_labels: Tensor | None = None,
        strength: float | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
        **method_options: Any,
    ) -> Tensor:
        """Edits a batch of images in the method's process; see :meth:`Editor.edit`.

        Raises:
            PluginFailed: the method failed, died or took too long.
            ValueError: the method returned another shape.
        """
        given = _arrays(images=images, labels=labels, reference=reference, source_labels=source_labels, noise=noise)
        given["generator"] = (torch.Generator() if generator is None else generator).get_state().numpy()
        options = method_options if strength is None else {**method_options, "strength": strength}
        question = {"do": "edit", "options": options}
        _, found = self._process.ask(question, given, doing="edit a batch", largest=8 * images.nbytes)
        edited = found.get("edited")
        if edited is None or edited.dtype != np.float32 or edited.shape != images.shape:
            shape = None if edited is None else edited.shape
            raise ValueError(f"{self.name} returned the shape {shape} for {tuple(images.shape)}")
        return torch.from_numpy(np.array(edited)).to(images.device).clamp(-1, 1)

    def measure_cost(
        self, images: Tensor, labels: Tensor | None, reference: Tensor | None, source_labels: Tensor | None
    ) -> dict[str, Any]:
        """The cost of an edit, measured in the method's process; see :func:`bridgebench.eval.cost.measure_cost`."""
        given = _arrays(images=images, labels=labels, reference=reference, source_labels=source_labels)
        found, _ = self._process.ask({"do": "cost"}, given, doing="edit a batch", times=10)
        cost = found.get("cost")
        if not isinstance(cost, dict) or not all(isinstance(cost.get(name), kinds) for name, kinds in _COST.items()):
            raise self._process.nonsense("the cost of an edit is missing")
        return {name: cost.get(name) for name in _COST}

    def end(self) -> None:
        """Ends the process of the method, with all that it has started."""
        self._process.end()
        if self._folder is not None:
            self._folder.cleanup()

    def _draw_truth(self, what: Any, given: Arrays) -> dict[str, Any]:
        """The true edits that the method asks for."""
        tensors = {name: torch.from_numpy(np.array(each)) for name, each in given.items()}
        if what != "truth" or not {"images", "labels"} <= tensors.keys():
            raise ValueError("it asked for true edits of nothing")
        truth = self.attached("truth")(tensors["images"], tensors["labels"], tensors.get("reference"))
        return {"truth": truth.numpy()}


def _arrays(**tensors: Tensor | None) -> dict[str, Any]:
    return {name: each.detach().float().cpu().numpy() for name, each in tensors.items() if each is not None}


def contract_of(card: MethodCard, weights: Path | None) -> list[ContractResult]:
    """The contract of a plug-in's method, checked in a process of its own.

    Args:
        card: the method's.
        weights: its weights file, if it has one.

    Raises:
        PluginFailed: the method failed as no contract foresees, died or took too long.
    """
    process = ForeignProcess("method", _CONTRACT_SECONDS, where="")
    folder = TemporaryDirectory(prefix="bridgebench-")
    question = {"do": "contract", "editor": card.editor, "weights": None if weights is None else str(weights)}
    if card.command:
        question |= _command_of(card, folder.name, _CONTRACT_SECONDS)
    try:
        found, _ = process.ask(question, {}, doing="go through its contract")
        return [
            ContractResult(
                _line(point["name"]), point["passed"] is True, _line(point["detail"]), point["required"] is True
            )
            for point in found["points"]
        ]
    except (KeyError, TypeError) as error:
        raise process.nonsense(str(error)) from None
    finally:
        process.end()
        folder.cleanup()


def _command_of(card: MethodCard, folder: str, limit: float) -> dict[str, Any]:
    """What the process needs of a method whose card names a command."""
    return {"card": facts_of(card), "folder": folder, "limit": limit, "level": LOGGER.getEffectiveLevel()}


def _line(text: Any) -> str:
    return " ".join(plain(str(text)).split())
