"""Joins runs of one protocol into one run directory, and keeps who made what.

Numbers may share a table only if they were measured by one protocol: runs of another are refused. A cell that two runs
have must be the same in both. A method that two runs have with other weights, or two methods of one name, are both
kept, the later one under another name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bridgebench.eval.records.archive import opened
from bridgebench.eval.records.details import Details
from bridgebench.eval.records.differences import Difference, differences
from bridgebench.eval.records.directory import TRUTH, Place, RunDirectory
from bridgebench.eval.records.intact import check_whole
from bridgebench.eval.records.manifest import changes, read_manifest, write_manifest
from bridgebench.eval.records.marks import mark
from bridgebench.eval.records.measured import Baselines, CellRecord, CostRecord, Measured
from bridgebench.eval.records.record import MODES, Mode
from bridgebench.eval.records.run import MethodRecord, RunRecord
from bridgebench.eval.records.seal import hash_of
from bridgebench.eval.records.sources import Sources, makers
from bridgebench.eval.records.summary import summary_csv
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import new_folder, quote, read_bytes, real_path, write_bytes

# Numbers that agree to so much are the same: sums on another processor differ in their last digits.
_RELATIVE, _ABSOLUTE = 1e-5, 1e-7
_MANY = 8  # differing keys of two protocols that a sentence names
_TAG = 8  # hex digits that tell two methods of one name apart
# What makes a method the same method: its texts may change from version to version.
_ALIKE = ("kind", "modes", "parameters", "groups", "variant_of", "seed", "changes")


@dataclass(frozen=True)
class Merged:
    """What a merge has made.

    Attributes:
        record: run.json.
        cells: how many cells it has.
        twice: how many of them several runs have, alike.
        renamed: methods that bear another name now: (run as the user named it, old name, new name).
        left_out: cells of runs that were measured by another protocol than their run.json says, and stay out.
    """

    record: RunRecord
    cells: int
    twice: int
    renamed: list[tuple[str, str, str]]
    left_out: int


def merge(paths: Sequence[Path], out: Path, busy: Callable[[Path], str | None] = lambda folder: None) -> Merged:
    """Writes a run directory with the cells of all runs, all of it or nothing.

    Args:
        paths: run directories and archives of records. Where two have the same, the first one's is taken.
        out: the run directory to be made.
        busy: who is writing into a run directory just now, in words; None: nobody.

    Raises:
        UserError: a run is missing, damaged, being written or of another protocol; the same cell has other numbers in
            two runs; `out` exists.
        CannotWrite: the folder cannot be written.
    """
    with new_folder(out) as folder:
        return merge_into(paths, folder, busy)


def merge_into(
    paths: Sequence[Path],
    folder: Path,
    busy: Callable[[Path], str | None] = lambda folder: None,
    *,
    keep_both: bool = False,
) -> Merged:
    """The same into an empty folder that is there already, and is left as it is where something is wrong.

    Args:
        keep_both: where two runs have other numbers in the same cell, keep the method of both, the later one under
            another name.
    """
    if len({real_path(path) for path in paths}) < len(paths):
        raise UserError("One of the runs is named twice; name each of them once.")
    with ExitStack() as stack:
        runs = [_Run(str(path), stack.enter_context(opened(path)), busy) for path in paths]
        for run in runs[1:]:
            _check_alike(runs[0], run)
        merger = _Merger(RunDirectory(folder), runs, keep_both)
        merger.write()
        return merger.merged


class _Run:
    """A run that is merged.

    Attributes:
        title: as the user named it.
        directory, record: its files, and its run.json.
        cells: by method, its cells by mode and column.
        strays: how many cells are of another protocol.
    """

    def __init__(self, title: str, folder: Path, busy: Callable[[Path], str | None]) -> None:
        self.title, self.directory = title, RunDirectory(folder)
        self.record = record = self.directory.read_run()
        check_record(title, record)
        by = busy(folder)
        if by is not None:
            raise UserError(f"{title} is being written by {by}: wait until its benchmark has ended.")
        check_whole(self.directory, record)
        if self.directory.manifest_file.exists():
            altered = [one for one in changes(folder, read_manifest(folder, folder)) if one.kind == "changed"]
            if altered:
                raise UserError(
                    f"{title} is not as its benchmark left it ({altered[0]}): `bridgebench records verify` tells all. "
                    "Let its benchmark end, or get the records anew."
                )
        self.cells: dict[str, dict[tuple[Mode, str], CellRecord]] = {name: {} for name in record.methods}
        self.strays = 0
        columns = [*(record.columns or record.attributes), *record.kinds]
        for name in record.methods:
            for mode in MODES:
                for column in columns:
                    path = self.directory.cell_file(name, mode, column)
                    if not path.is_file():
                        continue
                    cell = CellRecord.read(path)
                    if cell.protocol_hash == record.protocol_hash:
                        self.cells[name][mode, column] = cell
                    else:
                        self.strays += 1


def check_record(title: str, record: RunRecord) -> None:
    """Refuses a run.json that contradicts its own protocol: a stranger may have written it.

    Args:
        title: what the run is called in the message.
        record: run.json.

    Raises:
        UserError: it does.
    """
    if record.protocol_hash != hash_of(record.protocol):
        raise UserError(f"{title} is damaged: its protocol is not the one that its protocol_hash was made of.")
    plain, decided = record.plain(), record.protocol
    others, data, features = (decided.get(key) for key in ("others", "data", "features"))
    said: dict[str, Any] = {key: plain.get(key) for key in ("attributes",) if key in decided}
    wanted: dict[str, Any] = {key: decided[key] for key in said}
    if isinstance(features, dict):
        said["features"] = {key: plain["features"].get(key) for key in features}
        wanted["features"] = features
    if isinstance(others, dict):
        said["kinds"], wanted["kinds"] = plain.get("kinds", {}), others.get("cells")
    if isinstance(data, dict):
        theirs = {"name": "name", "digest": "digest", "n_test": "n", "image_size": "image_size"}
        said["data"] = {key: plain["data"][key] for key in theirs}
        wanted["data"] = {key: data.get(name) for key, name in theirs.items()}
    found = differences(wanted, said)
    if found:
        raise UserError(f"{title} is damaged: it says otherwise than its own protocol: {_listed(found)}.")


def _check_alike(one: _Run, two: _Run) -> None:
    """Refuses a run whose numbers may not stand beside those of the first."""
    if one.record.protocol_hash != two.record.protocol_hash:
        found = differences(one.record.protocol, two.record.protocol)
        raise UserError(
            f"{two.title} was measured by another protocol than {one.title}, so that their numbers may not share a "
            f"table: {_listed(found)}."
        )
    for key in ("attributes", "columns", "kinds", "features", "data"):
        mine, theirs = ({key: record.plain().get(key)} for record in (one.record, two.record))
        found = [each for each in differences(mine, theirs) if each.key != "data.photos_stay"]
        if found:
            raise UserError(f"{two.title} says otherwise than {one.title} under the same protocol: {_listed(found)}.")


def _listed(found: Sequence[Difference]) -> str:
    named = [f"{each.key} ({each.first[:60]} and {each.second[:60]})" for each in found[:_MANY]]
    return ", ".join(named) + (f" and {len(found) - _MANY} more keys" if len(found) > _MANY else "")


class _Merger:
    """Decides what the merged run has, and writes it.

    Attributes:
        merged: what was made; after `write`.
    """

    merged: Merged

    def __init__(self, out: RunDirectory, runs: Sequence[_Run], keep_both: bool) -> None:
        self._out, self._runs, self._keep_both = out, runs, keep_both
        self._methods: dict[str, MethodRecord] = {}
        self._names: list[dict[str, str]] = []  # of each run, its methods' names in the merged run
        self._taken: dict[Place, list[tuple[_Run, str, CellRecord]]] = {}  # with the method's name in that run
        for run in runs:
            self._names.append({name: self._take(run, name) for name in run.record.methods})
        if not self._taken:
            raise UserError("None of the runs has a finished cell: there is nothing to merge.")

    def _take(self, run: _Run, old: str) -> str:
        """Takes the cells of a method; returns its name in the merged run."""
        record = run.record.methods[old]
        identity, base = _identity(old, record), record.measured_as or old
        free = [old, f"{base}-{_tag(identity)}", f"{base}-{run.record.id[:_TAG]}"]
        for name, known in self._methods.items():
            if _identity(name, known) == identity:
                clash = self._clash(run, old, name)
                if clash is None:
                    return self._add(run, old, name)
                if not self._keep_both:
                    raise UserError(clash)
                free = free[-1:]
        taken = {name.casefold() for name in self._methods}  # archives tell no capital letters from small ones
        new = next((name for name in free if name.casefold() not in taken), None)
        if new is None:
            raise UserError(f"{run.title} has one method '{old}' too many: no name is left for it.")
        self._methods[new] = record if new == old else _renamed(old, record, new)
        return self._add(run, old, new)

    def _add(self, run: _Run, old: str, name: str) -> str:
        for (mode, column), cell in run.cells[old].items():
            self._taken.setdefault((name, mode, column), []).append((run, old, cell))
        return name

    def _clash(self, run: _Run, old: str, name: str) -> str | None:
        """A sentence on the first cell that has other numbers here than in the runs before; None: there is none."""
        for (mode, column), cell in run.cells[old].items():
            for other, _, known in self._taken.get((name, mode, column), ()):
                found = _other_numbers(known, cell)
                if found:
                    return (
                        f"{other.title} and {run.title} have the cell {old}/{mode}/{column} with other numbers ("
                        f"{found}). Both cannot stand for one method: leave it out of one of them "
                        "(`bridgebench records pack RUN --methods ... --out FILE` takes the methods that you name), or "
                        "measure it under another name."
                    )
        return None

    def write(self) -> None:
        """Writes the merged run."""
        sources = Sources()
        for place, found in sorted(self._taken.items()):
            for run, old, _ in found:
                for source in makers(run.record, (old, *place[1:])):
                    sources.add(source, place)
            run, old, cell = max(found, key=lambda each: len(_own_files(each[0].directory, (each[1], *place[1:]))))
            self._write_cell(run.directory, (old, *place[1:]), place, cell)
        for run, names in zip(self._runs, self._names, strict=True):
            self._write_rest(run, names)
        self._write_baselines()
        record = self._record(sources)
        record.write(self._out.run_file)
        kinds = {name: method.kind for name, method in record.methods.items()}
        write_bytes(self._out.summary_file, summary_csv(kinds, self._out.cells()).encode())
        mark(self._out.root, "benchmark")
        write_manifest(self._out)
        self.merged = Merged(
            record,
            len(self._taken),
            sum(len(found) > 1 for found in self._taken.values()),
            [
                (run.title, old, new)
                for run, names in zip(self._runs, self._names, strict=True)
                for old, new in names.items()
                if old != new
            ],
            sum(run.strays for run in self._runs),
        )

    def _write_cell(self, run: RunDirectory, old: Place, new: Place, cell: CellRecord) -> None:
        """Copies a cell with its files; of a renamed method, the records say the new name."""
        if old == new:
            for path in [*_own_files(run, old), run.cell_file(*old)]:
                self._copy_missing(run, path)
            return
        hashes = {_moved(name, old[0], new[0]): found for name, found in cell.files.items()}
        for path in _own_files(run, old):
            content = read_bytes(path, follow=False)
            name = _moved(path.relative_to(run.root).as_posix(), old[0], new[0])
            if path == run.details_file(*old):
                content = Details.read(path).model_copy(update={"method": new[0]}).to_bytes()
                if name in hashes:
                    hashes[name] = sha256(content).hexdigest()
            write_bytes(self._out.root / name, content, durable=False)
        record = cell.model_copy(update={"method": new[0], **({"files": hashes} if hashes else {})})
        write_bytes(self._out.cell_file(*new), record.to_bytes(), durable=False)

    def _write_rest(self, run: _Run, names: Mapping[str, str]) -> None:
        """Copies what cells share, the costs, and why cells failed, where no run before has it."""
        columns = [*(run.record.columns or run.record.attributes), *run.record.kinds]
        for mode in MODES:
            for column in columns:
                shared = run.directory.shared_file(mode, column)
                if self._out.shared_file(mode, column).is_file():
                    continue
                for path in [shared, *run.directory.shared_files(mode, column)]:
                    self._copy_missing(run.directory, path)
            for old, new in names.items():
                self._write_cost(run.directory, old, new, mode)
                for column in columns:
                    if (new, mode, column) not in self._taken:
                        error = run.directory.error_file(old, mode, column)
                        self._copy_missing(run.directory, error, self._out.error_file(new, mode, column))

    def _write_cost(self, run: RunDirectory, old: str, new: str, mode: Mode) -> None:
        path, target = run.cost_file(old, mode), self._out.cost_file(new, mode)
        if old == new or not path.is_file() or target.exists():
            self._copy_missing(run, path, target)
        else:
            write_bytes(target, CostRecord.read(path).model_copy(update={"method": new}).to_bytes(), durable=False)

    def _copy_missing(self, run: RunDirectory, path: Path, target: Path | None = None) -> None:
        target = target or self._out.root / path.relative_to(run.root)
        if path.is_file() and not target.exists():
            write_bytes(target, read_bytes(path, follow=False), durable=False)

    def _write_baselines(self) -> None:
        """Distances between real images are the protocol's own: they must be alike."""
        first: tuple[_Run, Baselines] | None = None
        for run in self._runs:
            path = run.directory.baselines_file
            found = Baselines.read(path) if path.is_file() else None
            if found is None or found.protocol_hash not in (None, run.record.protocol_hash):
                continue
            if first is None:
                first = run, found
                self._copy_missing(run.directory, path)
                continue
            differing = _first_other(_numbers(first[1]), _numbers(found))
            if differing and not self._keep_both:
                raise UserError(
                    f"{first[0].title} and {run.title} have other distances between the same real images ({differing}):"
                    " one of them is not of the protocol that it says."
                )

    def _record(self, sources: Sources) -> RunRecord:
        """run.json: the first run's, with the methods and sources of all."""
        brought = sources.records()
        newest = max(brought, key=lambda source: (source.created, source.id))
        first = self._runs[0].record
        changed: dict[str, Any] = {key: getattr(newest, key) for key in ("created", "code", "packages", "hardware")}
        changed |= {"methods": self._methods, "profile": self._profile(), "sources": brought}
        changed |= {"earlier": ()} | ({"by": ""} if first.by else {})
        measures = {name: one for run in reversed(self._runs) for name, one in run.record.measures.items()}
        changed |= {"measures": measures} if measures else {}
        if any(run.record.data.photos_stay is not None for run in self._runs):
            stay = any(run.record.data.keeps_photos for run in self._runs)
            changed["data"] = first.data.model_copy(update={"photos_stay": stay})
        return first.model_copy(update=changed)

    def _profile(self) -> dict[str, Any]:
        """The first run's profile, with what the others' say of their methods. Strangers may have written them."""
        profile = dict(self._runs[0].record.profile)
        methods, tables = [], {key: dict(_table(profile, key)) for key in ("weights", "variants", "train")}
        for run, names in zip(self._runs, self._names, strict=True):
            wanted = run.record.profile.get("methods")
            listed = [name for name in wanted if name in names] if isinstance(wanted, list | tuple) else []
            methods += [names[name] for name in [*listed, *names]]
            for key, table in tables.items():
                theirs = _table(run.record.profile, key)
                for old, new in names.items():
                    if old in theirs:
                        table.setdefault(new, theirs[old])
        return (
            profile | {"methods": list(dict.fromkeys(methods))} | {key: found for key, found in tables.items() if found}
        )


def _table(profile: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = profile.get(key)
    return found if isinstance(found, dict) else {}


def _identity(name: str, record: MethodRecord) -> dict[str, Any]:
    """What makes a method the same method in two runs."""
    plain = record.plain()
    title, base = record.title, record.measured_as or name
    if record.measured_as:
        title = title.removesuffix(_telling(base, name))
    weights = record.weights.sha256 if record.weights else None
    return {key: plain.get(key) for key in _ALIKE} | {"name": base, "title": title, "weights": weights}


def _tag(identity: Mapping[str, Any]) -> str:
    """What tells a method from another one of its name: its weights, or else all that it says of itself."""
    return str(identity["weights"] or hash_of(identity))[:_TAG]


def _renamed(old: str, record: MethodRecord, new: str) -> MethodRecord:
    base = record.measured_as or old
    title = record.title.removesuffix(_telling(base, old)) + _telling(base, new)
    return record.model_copy(update={"title": title, "measured_as": base})


def _telling(base: str, name: str) -> str:
    """What the title of a renamed method ends with."""
    return f" ({name.removeprefix(f'{base}-')})"


def _moved(name: str, old: str, new: str) -> str:
    """The path of a cell's file after its method was renamed."""
    parts = name.split("/")
    # Of pictures that only this method's cell has, the method's folder is in another one.
    start = 3 if parts[1:2] == [TRUTH] else 2 if parts[:2] == ["samples", "reference"] else 1
    if quote(old) in parts[start:-1]:
        parts[parts.index(quote(old), start)] = quote(new)
    return "/".join(parts)


def _other_numbers(one: CellRecord, two: CellRecord) -> str:
    """The first number in which two records of a cell differ, in words; empty where they are the same."""
    for key in ("n", "kind", "reason"):
        if getattr(one, key) != getattr(two, key):
            return f"{key}: {getattr(one, key)} and {getattr(two, key)}"
    return _first_other(dict(_measured(one.measures)), dict(_measured(two.measures)))


def _numbers(found: Baselines) -> dict[str, Any]:
    return dict(
        _measured({"floor": found.floor or Measured(), **{f"null.{key}": one for key, one in found.null.items()}})
    )


def _measured(measures: Mapping[str, Measured]) -> Iterator[tuple[str, Any]]:
    for key, measure in measures.items():
        for part, value in measure.plain().items():
            if isinstance(value, dict):
                yield from ((f"{key}.{part}.{name}", one) for name, one in value.items())
            elif part != "reason":  # a text, which may be said otherwise from version to version
                yield key if part == "value" else f"{key}.{part}", value


def _first_other(one: Mapping[str, Any], two: Mapping[str, Any]) -> str:
    for key in sorted(one.keys() | two.keys()):
        mine, theirs = one.get(key), two.get(key)
        if isinstance(mine, int | float) and isinstance(theirs, int | float):
            same = math.isclose(mine, theirs, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
        else:
            same = mine == theirs
        if not same:
            return f"{key}: {mine} and {theirs}"
    return ""


def _own_files(run: RunDirectory, place: Place) -> list[Path]:
    return [path for path in run.own_files(*place) if path.is_file()]
