"""The code of a plug-in in a process of its own: a method edits what the worker sends, a measure measures it.

    worker (`remote.RemoteEditor`)             ── images, targets, references ──►  this process
                                               ◄── edits, or why there are none ──
    worker (`remote_measures.RemoteMeasures`)  ── sources, edits, readings ──►     another process
                                               ◄── numbers, or why there are none ──

The worker believes nothing that comes from here but numbers. This process ends with its cell.
"""

from __future__ import annotations

import importlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridgebench.eval.cost import measure_cost
from bridgebench.eval.judges.classifier import load_classifier
from bridgebench.eval.measures.card import MeasureCard
from bridgebench.eval.measures.own import plain_record
from bridgebench.harness.benchmark.failures import plain, report
from bridgebench.harness.benchmark.packed_edits import unpacked
from bridgebench.harness.processes.channel import Arrays, Channel
from bridgebench.harness.processes.messages import Loudness, start_messages
from bridgebench.methods import restore_space
from bridgebench.methods.command import CommandEditor, command_editor
from bridgebench.methods.core.foreign import import_object
from bridgebench.methods.core.weights import build, header
from bridgebench.methods.editor import Editor
from bridgebench.methods.foreign import card_of

_EDIT = ("images", "labels", "reference", "source_labels", "noise")  # arguments of an edit that are arrays


def serve(end: socket.socket) -> None:
    """Answers what the worker asks, until its end of the connection is closed."""
    channel = Channel(end)
    guests = {"method": _Method(channel), "measure": _Measure()}
    while True:
        asked, arrays = channel.receive()
        facts: dict[str, Any]
        try:
            facts, found = getattr(guests[asked["of"]], asked["do"])(asked, arrays)
        except BaseException as error:  # whatever a method raises is told, and ends nothing else
            facts, found = {"failed": report(error)}, {}
        channel.send({**facts, "answer": asked["question"]}, found)


class _Method:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._editor: Editor
        self._device = "cpu"

    def load(self, asked: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Loads the method; the answer has what the worker needs to know of it."""
        kind, weights, self._device = self._kind(asked), asked["weights"], asked["device"]
        if weights is None:
            editor = kind(attributes=asked["attributes"], image_size=asked["image_size"])
        else:
            editor = restore_space(build(weights, kind, header(weights)["config"]), weights)
        _prepare(editor, asked)
        self._editor = editor.eval().to(self._device)
        if "classifier" in asked["needs"]:
            self._editor.attach(classifier=load_classifier(asked["classifier"], asked["attributes"], self._device))
        if "truth" in asked["needs"]:
            self._editor.attach(truth=self._truth)
        noise_size = getattr(editor, "noise_size", None)
        known = {
            "editable": [*map(str, editor.editable)],
            "options": [*map(str, editor.options)],
            "noise_size": None if noise_size is None else int(noise_size),
        }
        return known, {}

    def _kind(self, asked: dict[str, Any]) -> Callable[..., Editor]:
        """The class of the method."""
        if asked.get("card") is not None:
            start_messages(Loudness(asked["level"], aside=True))
            return command_editor(card_of(asked["card"]))
        module, _, name = asked["editor"].partition(":")
        found: Callable[..., Editor] = getattr(importlib.import_module(module), name)
        return found

    def contract(self, asked: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Checks every point of the contract on the method."""
        from bridgebench.methods.contract import run_contract

        kind, weights = self._kind(asked), asked["weights"]
        editor = kind() if weights is None else restore_space(build(weights, kind, header(weights)["config"]), weights)
        _prepare(editor, asked)
        found = run_contract(editor)
        return {"points": [vars(point) | {"detail": plain(point.detail)} for point in found]}, {}

    def edit(self, asked: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Edits a batch."""
        given: dict[str, Any] = {name: self._tensor(arrays[name]) for name in _EDIT if name in arrays}
        generator = torch.Generator()
        generator.set_state(torch.from_numpy(np.array(arrays["generator"])))
        edited = self._editor.edit(**given, **asked["options"], generator=generator)
        return {}, {"edited": edited.detach().float().cpu().numpy()}

    def cost(self, asked: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Measures the cost of editing a batch."""
        given = {name: self._tensor(arrays[name]) for name in _EDIT if name in arrays}
        return {"cost": measure_cost(self._editor, **given)}, {}

    def _tensor(self, array: Any) -> Tensor:
        return torch.from_numpy(np.array(array)).to(self._device)

    def _truth(self, images: Tensor, labels: Tensor, reference: Tensor | None) -> Tensor:
        """The true edits, which the worker draws."""
        given = {"images": images, "labels": labels, "reference": reference}
        arrays = {name: each.detach().float().cpu().numpy() for name, each in given.items() if each is not None}
        self._channel.send({"call": "truth"}, arrays)
        _, found = self._channel.receive()
        return self._tensor(found["truth"]).to(images.device)


def _prepare(editor: Editor, asked: dict[str, Any]) -> None:
    """Gives a method that runs as a command its time limit and its folder."""
    if isinstance(editor, CommandEditor):
        editor.time_limit = asked["limit"]
        editor.work_in(Path(asked["folder"]))


class _Measure:
    """A measure of a plug-in. Its arrays are its own: what it changes in them reaches nobody."""

    _card: MeasureCard

    def load(self, asked: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Imports the measure."""
        self._card = import_object(asked["card"])
        return {}, {}

    def of_images(self, asked: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Measures a batch of edits."""
        assert self._card.of_images is not None
        given = [arrays.get(name) for name in ("source", "edited", "truth")]
        return _measured(self._card.of_images(*given))

    def of_cell(self, asked: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Measures all edits of a cell."""
        assert self._card.of_cell is not None
        return _measured(self._card.of_cell(unpacked(asked["edits"], arrays)))


def _measured(found: Any) -> tuple[dict[str, Any], Arrays]:
    """What a measure has given, as it is sent: a record, nothing, or a value for each edit."""
    if found is None or isinstance(found, dict):
        return {"record": found and plain_record(found)}, {}
    return {}, {"values": np.asarray(found, dtype=np.float64)}
