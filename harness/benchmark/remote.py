"""A plug-in's method as its worker sees it: an editor whose every edit is made in a process of its own.

So whatever the plug-in does to its process (`harness.processes.nursery`) reaches neither the measures nor other cells.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridgebench.harness.benchmark.failures import TOO_LONG, MethodFailed, plain
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.processes.channel import Arrays, Channel, Closed, Silent
from bridgebench.harness.processes.nursery import nursery
from bridgebench.harness.processes.pool import how_it_ended
from bridgebench.methods.editor import Editor

_WORK = "bridgebench.harness.benchmark.guest:serve"
_NO_PROCESS = "NoProcess: no process could be started for the method"
_COST = ("ms_per_image", "parameters", "peak_memory_mib", "batch")


class RemoteEditor(Editor):
    """A method of a plug-in, in a process that starts here and ends with :meth:`end`.

    Args:
        participant: the method and its weights.
        attributes, image_size: constructor arguments of a method that has no weights.
        device: where the method computes.
        classifier: weights file of the first judge, for a method that needs one.
        time_limit: most seconds that loading the method, and every edit of a batch, may take.

    Raises:
        MethodFailed: the method cannot be loaded.
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
        self._limit, self._questions = time_limit, 0
        mine, theirs = socket.socketpair()
        self._channel, self._nursery = Channel(mine), nursery(_WORK)
        try:
            self._process = self._nursery.fork(theirs)
        except OSError as error:
            raise MethodFailed(_NO_PROCESS) from error
        question = {
            "do": "load",
            "editor": participant.card.editor,
            "weights": None if participant.weights is None else str(participant.weights),
            "attributes": list(attributes),
            "image_size": image_size,
            "device": device,
            "needs": sorted(participant.card.needs),
            "classifier": str(classifier),
        }
        try:
            about, _ = self._ask(question, {}, 0, time_limit)
            self._editable = tuple(name for name in about["editable"] if name in attributes)
            self._options = frozenset(map(str, about["options"]))
            self.noise_size = None if about["noise_size"] is None else int(about["noise_size"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._nonsense(str(error)) from None
        except MethodFailed:
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
            MethodFailed: the method failed, died or took too long.
            ValueError: the method returned another shape.
        """
        given = _arrays(images=images, labels=labels, reference=reference, source_labels=source_labels, noise=noise)
        given["generator"] = (torch.Generator() if generator is None else generator).get_state().numpy()
        options = method_options if strength is None else {**method_options, "strength": strength}
        _, found = self._ask({"do": "edit", "options": options}, given, 8 * images.nbytes, self._limit)
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
        found, _ = self._ask({"do": "cost"}, given, 0, 10 * self._limit)
        cost = found.get("cost")
        if not isinstance(cost, dict) or not all(isinstance(cost.get(name), int | float) for name in _COST):
            raise self._nonsense("the cost of an edit is missing")
        return {name: cost[name] for name in _COST}

    def end(self) -> None:
        """Ends the process of the method, with all that it has started."""
        self._finish(by_itself=False)

    def _ask(
        self, question: dict[str, Any], arrays: dict[str, Any], largest: int, limit: float
    ) -> tuple[dict[str, Any], Arrays]:
        """Asks the process; meanwhile draws the true edits that it asks for."""
        self._questions += 1
        until = time.monotonic() + limit
        try:
            self._channel.send({**question, "question": self._questions}, arrays, until=until)
            while True:
                facts, found = self._channel.receive(largest=max(largest, 2**20), until=until)
                if facts.get("call") != "truth":
                    break
                self._draw_truth(found, until)
        except Silent:
            self._finish(by_itself=False)
            doing = "load" if question["do"] == "load" else "edit a batch"
            raise MethodFailed(
                f"{TOO_LONG}: the method did not {doing} within {limit:g} seconds (time_limit under [evaluation] in "
                "the profile)"
            ) from None
        except Closed:
            raise self._died() from None
        except (ValueError, TypeError) as error:
            raise self._nonsense(str(error)) from None
        if facts.get("answer") != self._questions:
            raise self._nonsense("it answered what was not asked")
        if "failed" in facts:
            raise MethodFailed(plain(str(facts["failed"])) or "the method failed and did not say why")
        return facts, found

    def _draw_truth(self, given: Arrays, until: float) -> None:
        tensors = {name: torch.from_numpy(np.array(each)) for name, each in given.items()}
        if not {"images", "labels"} <= tensors.keys():
            raise ValueError("it asked for true edits of nothing")
        truth = self.attached("truth")(tensors["images"], tensors["labels"], tensors.get("reference"))
        self._channel.send({}, {"truth": truth.numpy()}, until=until)

    def _died(self) -> MethodFailed:
        code = self._finish(by_itself=True)
        if code is None:
            return MethodFailed("MethodDied: the process of the method, and the one that watches it, were killed")
        ended = how_it_ended(code)
        memory = ", likely for want of memory: try --workers 1" if ended == "SIGKILL" else ""
        return MethodFailed(f"MethodDied: the process of the method ended in the middle of its work ({ended}){memory}")

    def _nonsense(self, why: str) -> MethodFailed:
        self._finish(by_itself=False)
        return MethodFailed(f"Nonsense: the process of the method answered something else than edits ({plain(why)})")

    def _finish(self, *, by_itself: bool) -> int | None:
        """Ends the process; its exit code, or None where that is not known."""
        self._channel.close()
        process, self._process = self._process, 0
        if not process:
            return None
        try:
            return self._nursery.end(process, by_itself=by_itself)
        except OSError:
            return None


def _arrays(**tensors: Tensor | None) -> dict[str, Any]:
    return {name: each.detach().float().cpu().numpy() for name, each in tensors.items() if each is not None}
