"""The contract that every method keeps, ours and plug-ins alike: what `bridgebench check METHOD` runs.

It runs on small random images with deterministic stand-ins for the classifier and the truth, so that it needs no data
and no judge. Labels are legal for faces and for domains alike: one column of each row is set, and an edit moves it; for
a method that edits some attributes only, it flips one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from bridgebench.methods import contract_points as points
from bridgebench.methods.contract_points import BATCH, BrokenError, Probe, first_line
from bridgebench.methods.editor import Editor
from torch import Tensor


@dataclass(frozen=True)
class ContractResult:
    """One point of the contract.

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
    """Holds an editor against every point of the contract; moves it to the CPU, in eval mode.

    Args:
        editor: any method; what was attached to it is put back afterwards.

    Returns:
        One result a point and mode, in a fixed order. A method keeps the contract when all `required` ones passed.
    """
    editor = editor.cpu().eval()
    results = [_result("config rebuilds the method", partial(points.config, editor))]
    with _stand_ins(editor):
        probe = _probe(editor)
        for mode in ("label", "reference"):
            if mode not in editor.modes:
                check = partial(points.missing_mode, editor, probe, mode)
                results.append(_result(f"{mode}: a missing mode is refused", check))
                continue
            for name, point in points.IN_EACH_MODE.items():
                check = partial(point, editor, probe, mode)
                results.append(_result(f"{mode}: {name}", check, required=point is not points.null_edit))
        results.append(_result("a missing target is refused", partial(points.no_target, editor, probe)))
    return results


def _result(name: str, point: Callable[[], str], required: bool = True) -> ContractResult:
    try:
        return ContractResult(name, True, point(), required)
    except BrokenError as broken:
        return ContractResult(name, False, str(broken), required)
    except Exception as error:  # a plug-in is somebody else's code: whatever it raises is a result, not our crash
        return ContractResult(name, False, f"{type(error).__name__}: {first_line(error)}", required)


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
    """Attaches a linear classifier, and a truth that darkens a little; puts back what was there."""
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
