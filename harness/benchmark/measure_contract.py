"""The contract that every measure of a plug-in keeps: the checks of `bridgebench contract --measure NAME`.

The measure is taken in a real cell: a few drawn faces (or animals), with the shipped judges, of three made-up methods.
One changes nothing (identity), one draws the true edit (oracle), and one stops half-way to it. Where the measure looks
through a network that has to be fetched, fixed random weights stand in for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bridgebench.eval.cell import Tally
from bridgebench.eval.judges.networks import Network
from bridgebench.eval.measures.card import MeasureCard, MeasureFailed, Record
from bridgebench.eval.measures.own import OwnMeasure, plain_record, with_function
from bridgebench.eval.records.record import Mode, modes_of
from bridgebench.harness.benchmark.cells import CellMaker
from bridgebench.harness.benchmark.remote_measures import sound_record
from bridgebench.harness.benchmark.workbench import Setup, Workbench
from bridgebench.harness.processes.state import restored_state
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.methods.contract import BrokenError, ContractResult, result_of

_FEW = {"n": 12, "minimum_n": 4}
_TOLERANCE = 1e-6  # room for float sums, relative to the largest value
_Given = tuple[Any, ...]  # the arguments of one call of the measure's function


@dataclass(frozen=True)
class _Cell:
    """A cell of one of the made-up methods.

    Attributes:
        calls: what the measure's function was given.
        record: the cell's record of the measure.
        changed: the parts of the process's state that the function has changed.
    """

    calls: list[_Given]
    record: Record | None
    changed: list[str]


def run_measure_contract(measure: OwnMeasure, folder: Path) -> list[ContractResult]:
    """Checks every point of the contract. The code of the plug-in runs in this process.

    Args:
        measure: a measure of a plug-in.
        folder: a new folder for what a run keeps on disk.

    Returns:
        One result for each point, in a fixed order. A measure keeps the contract if all `required` ones passed.

    Raises:
        UserError: the measure cannot be imported.
    """
    card = with_function(measure)
    cells: dict[str, _Cell] = {}
    results = [result_of("is taken in a cell", partial(_taken, card, folder, cells))]
    if not results[0].passed:
        return results
    points: dict[str, Callable[[MeasureCard, dict[str, _Cell]], str]] = {
        "a value for each edit, or a record": _shape,
        "numbers, or a dash with a reason": _numbers,
        "same edits, same numbers": _repeatable,
        "inputs unchanged": _inputs_unchanged,
        "state of the process unchanged": _state_unchanged,
    }
    if card.of_images:
        points["a value does not depend on the batch"] = _batch_independent
    results += [result_of(name, partial(point, card, cells)) for name, point in points.items()]
    if card.better is not None and "oracle" in cells:
        # A measure that is held against the true edit must find it best; others may well prefer an untouched image.
        check = partial(_direction, card, cells)
        results.append(result_of("the true edit is at least as good as none", check, required="truth" in card.needs))
    return results


def _taken(card: MeasureCard, folder: Path, cells: dict[str, _Cell]) -> str:
    """Takes the measure in a cell of each made-up method, as a benchmark does it; fills `cells`."""
    bench = _bench(card, folder)
    kind = card.kinds[0]
    name = bench.columns[0] if kind == "flip" else next(each for each in bench.others if bench.others[each] == kind)
    mode: Mode = modes_of(kind)[0]
    maker = CellMaker(bench, mode, name)
    case = maker.case
    if case.reason is not None:
        raise BrokenError(f"the cell {name} has no edits here ({case.reason})")
    source, truth = bench.images(case.sources), maker.truth(case)
    edits = {"identity": source, "half-way": _half_way(source, truth)} | ({} if truth is None else {"oracle": truth})
    for method, edited in edits.items():
        calls, changed = list[_Given](), list[str]()
        instruments = replace(bench.instruments, measures=[_listening(card, calls, changed)])
        tally = Tally(instruments, maker.task(case))
        tally.add(source, edited, truth)
        cells[method] = _Cell(calls, tally.measures().records.get(card.key), changed)
    if not cells["half-way"].calls:
        record = cells["half-way"].record
        raise BrokenError(f"its function was never called{'' if record is None else ': ' + str(record.get('reason'))}")
    return f"{len(source)} edits of the cell {name} of {bench.setup.profile.name}, by {mode}"


def _bench(card: MeasureCard, folder: Path) -> Workbench:
    bench = Workbench(Setup(_profile("domains" in card.needs), None, None, folder))
    if card.network and card.network not in bench.networks:
        bench.networks[card.network] = Network("stand-in", _stand_in)
        bench.missing_networks.pop(card.network, None)
    return bench


def _profile(domains: bool) -> Profile:
    """A shipped profile with a few images."""
    found = load_profile("animals64" if domains else "smoke")
    data = found.data.model_copy(update={"train": 48, "validation": 12, "test": 48})
    several, probes = found.evaluation.several, found.evaluation.probes
    few = {"several": several.model_copy(update={"n": 12, "k": 2}), "probes": probes.model_copy(update={"n": 12})}
    return found.model_copy(update={"data": data, "evaluation": found.evaluation.model_copy(update={**_FEW, **few})})


def _stand_in(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    flat = images.reshape(len(images), -1).astype(np.float32) / 255
    weights = np.random.default_rng(0).standard_normal((flat.shape[1], 16), dtype=np.float32)
    return np.asarray(flat @ weights, np.float32)


def _half_way(source: NDArray[np.uint8], truth: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Edits that change every image: half the way to the true edit, and lighter."""
    aim = source if truth is None else truth
    return ((source.astype(np.uint16) + aim) // 2 + 16).clip(0, 255).astype(np.uint8)


def _listening(card: MeasureCard, calls: list[_Given], changed: list[str]) -> MeasureCard:
    """The card with a function that notes what it is given, and what it changes in the process."""
    function = card.of_images or card.of_cell
    assert function is not None

    def listen(*given: Any) -> Any:
        calls.append(_copied(given))
        with restored_state() as parts:
            found = function(*given)
        changed.extend(parts)
        return found

    return replace(card, of_images=listen) if card.of_images else replace(card, of_cell=listen)


def _function(card: MeasureCard) -> Callable[..., Any]:
    """The measure's function; what it changes in the process is changed back after each call."""
    function = card.of_images or card.of_cell
    assert function is not None

    def call(*given: Any) -> Any:
        with restored_state():
            return function(*given)

    return call


def _copied(given: Any) -> Any:
    """Arguments whose arrays are copies; the real images are shared."""
    if isinstance(given, np.ndarray):
        return given.copy()
    if isinstance(given, tuple):
        return tuple(_copied(each) for each in given)
    if is_dataclass(given) and not isinstance(given, type):
        arrays = {f.name: getattr(given, f.name) for f in fields(given) if f.init}
        return replace(given, **{name: each.copy() for name, each in arrays.items() if isinstance(each, np.ndarray)})
    return given


# The points of the contract, a function each. It returns what it measured, or raises `BrokenError`.


def _shape(card: MeasureCard, cells: dict[str, _Cell]) -> str:
    """A value (or a pair of them) for each edit; of a whole cell also a record, or None."""
    (given,) = cells["half-way"].calls
    found = _function(card)(*_copied(given))
    if card.of_cell and (found is None or isinstance(found, dict)):
        return "nothing" if found is None else ", ".join(map(str, found))
    count = len(given[1]) if card.of_images else len(given[0].target_labels)
    wanted = (count, 2) if card.against else (count,)
    if np.shape(found) != wanted:
        raise BrokenError(f"{np.shape(found)} for {count} edits: {wanted} is wanted")
    return "x".join(map(str, np.shape(found)))


def _numbers(card: MeasureCard, cells: dict[str, _Cell]) -> str:
    """Finite numbers, or NaN where an edit has no value and the card says why."""
    for method, cell in cells.items():
        (given,) = cell.calls
        found = _function(card)(*_copied(given))
        if isinstance(found, dict):
            try:
                sound_record(plain_record(found))
            except MeasureFailed as failed:
                raise BrokenError(str(failed)) from None
        elif found is not None:
            values = np.asarray(found, np.float64)
            if np.isinf(values).any():
                raise BrokenError(f"infinite values for the edits of {method}")
            if np.isnan(values).any() and not card.without:
                raise BrokenError(f"no value for some edits of {method}, and the card does not say why (`without`)")
    said = {method: "-" if cell.record is None else _text(cell.record) for method, cell in cells.items()}
    return ", ".join(f"{method} {text}" for method, text in said.items())


def _repeatable(card: MeasureCard, cells: dict[str, _Cell]) -> str:
    """Two calls with the same edits give the same, whatever the random numbers of the process are."""
    (given,) = cells["half-way"].calls
    with restored_state():
        found = []
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
            found.append(_function(card)(*_copied(given)))
    if not _equal(*found):
        raise BrokenError("two calls with the same edits differ: draw from a generator with a fixed seed")
    return ""


def _inputs_unchanged(card: MeasureCard, cells: dict[str, _Cell]) -> str:
    """What the function is given is not changed: other measures are given the same."""
    (given,) = cells["half-way"].calls
    mine = _copied(given)
    _function(card)(*mine)
    before, after = (_arrays(one) for one in (given, mine))
    if not all(
        np.array_equal(one, two, equal_nan=one.dtype.kind == "f") for one, two in zip(before, after, strict=True)
    ):
        raise BrokenError("the function changes its inputs in place: copy them first")
    return ""


def _state_unchanged(card: MeasureCard, cells: dict[str, _Cell]) -> str:
    """Random numbers, environment, working directory, warnings, threads, ... are as before."""
    changed = dict.fromkeys(part for cell in cells.values() for part in cell.changed)
    if changed:
        raise BrokenError(f"the function changes the state of the process: {', '.join(changed)}")
    return ""


def _batch_independent(card: MeasureCard, cells: dict[str, _Cell]) -> str:
    """An edit measured alone has the same value as in a batch: a cell is measured batch by batch."""
    (given,) = cells["half-way"].calls
    function, count = _function(card), len(given[1])
    together = np.asarray(function(*_copied(given)), np.float64)
    rows = [tuple(None if each is None else each[i : i + 1].copy() for each in given) for i in range(count)]
    alone = np.concatenate([np.asarray(function(*row), np.float64) for row in rows])
    room = _TOLERANCE * max(1.0, float(np.nanmax(np.abs(together), initial=0.0)))
    if not np.allclose(alone, together, rtol=0, atol=room, equal_nan=True):
        raise BrokenError(
            f"an edit alone differs by {np.nanmax(np.abs(alone - together)):.3g} from the same in a batch"
        )
    return ""


def _direction(card: MeasureCard, cells: dict[str, _Cell]) -> str:
    """The oracle is not worse than the identity."""
    idle, drawn = ((cells[method].record or {}).get("value") for method in ("identity", "oracle"))
    if idle is None or drawn is None:
        return "no value to compare"
    said = f"identity {idle:.4g}, oracle {drawn:.4g}, {card.direction}"
    if (drawn < idle) if card.better == "higher" else (drawn > idle):
        raise BrokenError(said)
    return said


def _text(record: Record) -> str:
    if record.get("value") is not None:
        return f"{record['value']:.4g}"
    return f"- ({record['reason']})" if record.get("reason") else f"{len(record.get('values', {}))} values"


def _equal(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
        return np.array_equal(one, two, equal_nan=one.dtype.kind == "f")
    return bool(one == two)


def _arrays(given: Any) -> list[NDArray]:
    if isinstance(given, np.ndarray):
        return [given]
    if isinstance(given, tuple):
        return [array for each in given for array in _arrays(each)]
    if is_dataclass(given) and not isinstance(given, type):
        return [array for f in fields(given) if f.init for array in _arrays(getattr(given, f.name))]
    return []
