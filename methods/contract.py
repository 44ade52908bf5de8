"""The contract that every method keeps, ours and plug-ins: the checks of `bridgebench contract METHOD`.

The checks run on small random images. Deterministic functions stand in for the classifier and for the true edits, so
that no data set and no judge is needed. The labels are valid for attributes and for domains: one column of each row is
set, and an edit sets another one instead. If a method can edit some attributes only, an edit flips one of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bridgebench.methods.core.errors import UnsupportedMode, UserError
from bridgebench.methods.editor import Editor

BATCH = 3
BATCH_TOLERANCE = 2e-3  # a quarter of a grey level of 8 bits: room for float rounding, not for batch statistics
NULL_EDIT_LIMIT = 0.1  # mean absolute change in [-1, 1]; a trained method stays well below


@dataclass(frozen=True)
class ContractResult:
    """The result of one check.

    Attributes:
        name: the point, e.g. ``"label: shape kept"``.
        passed: whether it holds.
        detail: what was measured, or what went wrong.
        required: False for a point that is only reported (an untrained network may miss it): it fails no check.
    """

    name: str
    passed: bool
    detail: str
    required: bool = True


def run_contract(editor: Editor) -> list[ContractResult]:
    """Checks every point of the contract; the editor is moved to the CPU and put into eval mode.

    Args:
        editor: any method; what was attached to it is attached again afterwards.

    Returns:
        One result for each point and mode, in a fixed order. A method keeps the contract if all `required` ones passed.
    """
    editor = editor.cpu().eval()
    results = [result_of("config rebuilds the method", partial(_config, editor))]
    with _stand_ins(editor):
        probe = _probe(editor)
        for mode in ("label", "reference"):
            if mode not in editor.modes:
                check = partial(_missing_mode, editor, probe, mode)
                results.append(result_of(f"{mode}: a missing mode is refused", check))
                continue
            for name, point in _IN_EACH_MODE.items():
                check = partial(point, editor, probe, mode)
                results.append(result_of(f"{mode}: {name}", check, required=point is not _null_edit))
        results.append(result_of("a missing target is refused", partial(_no_target, editor, probe)))
    return results


def result_of(name: str, point: Callable[[], str], required: bool = True) -> ContractResult:
    """The result of a check, which says what it measured, or raises `BrokenError` or whatever a plug-in raises."""
    try:
        return ContractResult(name, True, point(), required)
    except BrokenError as broken:
        return ContractResult(name, False, str(broken), required)
    except Exception as error:  # a plug-in is somebody else's code: whatever it raises is a result, not our crash
        return ContractResult(name, False, f"{type(error).__name__}: {_first_line(error)}", required)


def _probe(editor: Editor) -> Probe:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(2 * BATCH, 3, 4, 4, generator=generator) * 1.6 - 0.8
    images = F.interpolate(coarse, size=editor.image_size, mode="bilinear")
    columns = len(editor.attributes)
    source = torch.eye(columns)[torch.arange(BATCH) % columns]
    if set(editor.editable) == set(editor.attributes) and columns > 1:
        target = source.roll(1, dims=1)
    else:
        target, column = source.clone(), editor.attributes.index(editor.editable[0])
        target[:, column] = 1 - target[:, column]
    return Probe(images[:BATCH], images[BATCH:], source, target)


@contextmanager
def _stand_ins(editor: Editor) -> Iterator[None]:
    """Attaches a linear classifier, and a truth that darkens a little; afterwards attaches what was there before."""
    columns = len(editor.attributes)
    weights = torch.randn(48, columns, generator=torch.Generator().manual_seed(1))

    def classifier(images: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(images, 4).flatten(1) @ weights

    def truth(images: Tensor, labels: Tensor, reference: Tensor | None) -> Tensor:
        return (images - 0.05 * labels.mean(dim=1).view(-1, 1, 1, 1)).clamp(-1, 1)

    before: dict[str, Any] = dict(editor._attached)
    editor.attach(classifier=classifier, truth=truth)
    try:
        yield
    finally:
        editor._attached.clear()
        editor._attached.update(before)


class BrokenError(Exception):
    """A point of the contract that does not hold; the message says how."""


@dataclass(frozen=True)
class Probe:
    """Inputs of the checks: images and references (N, 3, S, S), source and target labels (N, A)."""

    images: Tensor
    reference: Tensor
    source: Tensor
    target: Tensor

    def given(self, mode: str, rows: slice = slice(None), *, null: bool = False) -> dict[str, Any]:
        """New arguments for ``edit`` in a mode; `null`: the target is what the source already shows."""
        inputs: dict[str, Any] = {
            "images": self.images[rows].clone(),
            "labels": (self.source if null else self.target)[rows].clone(),
            "source_labels": self.source[rows].clone(),
        }
        if mode == "reference":
            inputs["reference"] = (self.images if null else self.reference)[rows].clone()
        return inputs


# The points of the contract, a function each. It returns what it measured, or raises `BrokenError`.


def _edit(editor: Editor, inputs: dict[str, Any], seed: int = 0) -> Tensor:
    return editor.edit(**inputs, generator=torch.Generator().manual_seed(seed))


def _config(editor: Editor) -> str:
    """The constructor takes the editor's `config` after a round trip through JSON, and makes the same tensors."""
    again = type(editor)(**json.loads(json.dumps(editor.config)))
    ours, theirs = ({name: tuple(t.shape) for name, t in made.state_dict().items()} for made in (editor, again))
    if ours != theirs:
        raise BrokenError("type(editor)(**editor.config) has other tensors: saved weights could not be loaded")
    return f"{len(ours)} tensors"


def _runs(editor: Editor, probe: Probe, mode: str) -> str:
    """An edit on the CPU raises nothing."""
    _edit(editor, probe.given(mode))
    return f"{len(probe.images)} images"


def _shape(editor: Editor, probe: Probe, mode: str) -> str:
    """The output has the shape of the input images."""
    out = _edit(editor, probe.given(mode))
    if out.shape != probe.images.shape:
        raise BrokenError(f"images of shape {tuple(probe.images.shape)} became {tuple(out.shape)}")
    return "x".join(map(str, out.shape))


def _value_range(editor: Editor, probe: Probe, mode: str) -> str:
    """Finite values in [-1, 1]."""
    out = _edit(editor, probe.given(mode))
    if not bool(out.isfinite().all()):
        raise BrokenError("the edit holds values that are not finite")
    low, high = float(out.min()), float(out.max())
    if low < -1 or high > 1:
        raise BrokenError(f"the edit lies in [{low:.3f}, {high:.3f}], not in [-1, 1]")
    return f"[{low:.3f}, {high:.3f}]"


def _dtype(editor: Editor, probe: Probe, mode: str) -> str:
    """float32 in, float32 out, without gradients."""
    out = _edit(editor, probe.given(mode))
    if out.dtype != probe.images.dtype:
        raise BrokenError(f"images of {probe.images.dtype} became {out.dtype}")
    if out.requires_grad:
        raise BrokenError("the edit carries gradients, and with them the activations of the whole network")
    return str(out.dtype)


def _inputs_unchanged(editor: Editor, probe: Probe, mode: str) -> str:
    """The caller's tensors are not changed, and none of them is returned as the edit."""
    inputs, before = probe.given(mode), probe.given(mode)
    out = _edit(editor, inputs)
    changed = [name for name in inputs if not torch.equal(inputs[name], before[name])]
    if changed:
        raise BrokenError(f"the edit changed its input {', '.join(changed)} in place")
    shared = [name for name in inputs if inputs[name].data_ptr() == out.data_ptr()]
    if shared:
        raise BrokenError(f"the edit is its input {', '.join(shared)} itself, not a copy")
    return ", ".join(inputs)


def _repeatable(editor: Editor, probe: Probe, mode: str) -> str:
    """All randomness comes from the generator that the caller gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = _edit(editor, probe.given(mode))
        torch.manual_seed(2)  # draws from the global generator would show
        second = _edit(editor, probe.given(mode))
    if not torch.equal(first, second):
        raise BrokenError("two edits with the same generator state differ: draw from `generator` alone")
    other = _edit(editor, probe.given(mode), seed=1)
    return "and another state, other images" if not torch.equal(first, other) else "no randomness"


def _batch_independent(editor: Editor, probe: Probe, mode: str) -> str:
    """An image edited alone gives the same as in a batch."""
    together = _edit(editor, probe.given(mode))
    generator = torch.Generator().manual_seed(0)  # goes on from image to image, as within the batch
    alone = [editor.edit(**probe.given(mode, slice(i, i + 1)), generator=generator) for i in range(BATCH)]
    difference = float((torch.cat(alone) - together).abs().max())
    if not difference <= BATCH_TOLERANCE:  # nor NaN
        raise BrokenError(f"an image edited alone differs by up to {difference:.4f} from the same image in a batch")
    return f"largest difference {difference:.1e}"


def _null_edit(editor: Editor, probe: Probe, mode: str) -> str:
    """An edit whose target is the source itself (its labels, its picture) changes little."""
    change = float((_edit(editor, probe.given(mode, null=True)) - probe.images).abs().mean())
    said = f"mean change {change:.3f} of a range of 2 (reported only; trained methods stay below {NULL_EDIT_LIMIT})"
    if change > NULL_EDIT_LIMIT:
        raise BrokenError(said)
    return said


def _unlabelled(editor: Editor, probe: Probe, mode: str) -> str:
    """Missing source labels are predicted by the attached classifier; without a classifier there is a UserError."""
    inputs = probe.given(mode) | {"source_labels": None}
    if _edit(editor, inputs).shape != probe.images.shape:
        raise BrokenError("the edit without source labels has another shape")
    attached = dict(editor._attached)
    editor._attached.pop("classifier")
    try:
        _edit(editor, inputs)
    except UserError as error:
        return str(error)
    finally:
        editor._attached.update(attached)
    return "not needed"


def _wrong_images(editor: Editor, probe: Probe, mode: str) -> str:
    """Images of a wrong shape, type or range are refused, and references of another shape than the images."""
    inputs = probe.given(mode)
    images = inputs["images"]
    for wrong in (images[0], images[:, :1], (images * 127).to(torch.uint8), images * 127.5):
        _refused(editor, inputs | {"images": wrong}, f"images {wrong.dtype} of shape {tuple(wrong.shape)}")
    if mode == "reference":
        _refused(editor, inputs | {"reference": inputs["reference"][:1]}, "one reference for several images")
    return "refused with a clear sentence"


def _wrong_labels(editor: Editor, probe: Probe, mode: str) -> str:
    """Labels of a wrong shape, or with other values than 0 and 1, are refused."""
    inputs = probe.given(mode)
    for key in ("labels", "source_labels"):
        labels = inputs[key]
        for wrong in (F.pad(labels, (0, 1)), labels[:1], labels - 0.5):
            _refused(editor, inputs | {key: wrong}, f"{key} of shape {tuple(wrong.shape)} or not 0 and 1")
    return "refused with a clear sentence"


def _missing_mode(editor: Editor, probe: Probe, mode: str) -> str:
    """A mode that the card lacks is refused."""
    try:
        _edit(editor, probe.given(mode))
    except UnsupportedMode as error:
        return str(error)
    raise BrokenError(f"the method's card has no {mode} mode, yet the edit did not raise UnsupportedMode")


def _no_target(editor: Editor, probe: Probe) -> str:
    """A call with neither labels nor a reference is refused."""
    return _refused(editor, {"images": probe.images, "source_labels": probe.source}, "an edit without a target")


def _refused(editor: Editor, inputs: dict[str, Any], what: str) -> str:
    try:
        _edit(editor, inputs)
    except UserError as error:
        return str(error)
    except Exception as error:
        raise BrokenError(f"{what}: {type(error).__name__} instead of a UserError ({_first_line(error)})") from error
    raise BrokenError(f"{what}: accepted without a word")


def _first_line(error: Exception) -> str:
    """The first line of an error's message: it has to fit into a row of a table."""
    return (str(error).splitlines() or ["no message"])[0]


_IN_EACH_MODE: dict[str, Callable[[Editor, Probe, str], str]] = {
    "runs on the CPU": _runs,
    "shape kept": _shape,
    "range [-1, 1]": _value_range,
    "dtype kept": _dtype,
    "inputs unchanged": _inputs_unchanged,
    "same generator state, same images": _repeatable,
    "an edit does not depend on its batch": _batch_independent,
    "null edit close to the source": _null_edit,
    "missing source labels": _unlabelled,
    "wrong images are refused": _wrong_images,
    "wrong labels are refused": _wrong_labels,
}
