"""Plans a run: which methods take part, with which weights, and the key of each cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bridgebench import methods
from bridgebench.eval.records.details import is_kept
from bridgebench.eval.records.directory import Place, RunDirectory
from bridgebench.eval.records.intact import is_whole
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.protocol import hash_of
from bridgebench.eval.records.record import MODES, CellKind, Mode, modes_of
from bridgebench.harness.benchmark.handed_in import Elsewhere
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.profiles.variants import Variant
from bridgebench.harness.weights.find import file_sha256, find_weights, how_to_get
from bridgebench.methods import MethodCard
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import real_path
from bridgebench.methods.core.weights import attributes_of, header


@dataclass(frozen=True)
class Participant:
    """A method, or a variant of a method, that takes part in a run.

    Attributes:
        card: static facts of the method.
        weights: the weights file; None if the method has none.
        sha256: hash of the weights file.
        config: constructor arguments stored in the weights file.
        distribution: the installed package that provides the method, with its version.
        variant: how the variant differs from the method; None for the method itself.
        elsewhere: its edits, of a method whose edits were made elsewhere.
    """

    card: MethodCard
    weights: Path | None
    sha256: str | None
    config: dict[str, Any] | None
    distribution: str
    variant: Variant | None = None
    elsewhere: Elsewhere | None = None

    @property
    def name(self) -> str:
        """The name that users type."""
        return self.card.name

    @property
    def method(self) -> str:
        """The registered method."""
        return self.card.name if self.variant is None else self.variant.method

    @property
    def groups(self) -> list[list[str]]:
        """Groups of attributes that the method changes together, as stored in its weights file."""
        found = (self.config or {}).get("groups", [])
        whole = isinstance(found, list) and all(isinstance(group, list) for group in found)
        return [[str(name) for name in group] for group in found] if whole else []


@dataclass(frozen=True)
class Cell:
    """A cell to be made, mostly for an attribute or conversion, and the key under which its result is valid."""

    participant: Participant
    mode: Mode
    attribute: str
    key: str
    kind: CellKind = "flip"

    @property
    def place(self) -> Place:
        """Method, mode and attribute."""
        return self.participant.name, self.mode, self.attribute


def select(
    profile: Profile, wanted: Sequence[str] | None, *, has_truth: bool
) -> tuple[list[Participant], dict[str, str]]:
    """The methods of a run, and the methods of the profile that cannot take part, each with the reason.

    Args:
        profile: the profile.
        wanted: names of the methods that the user asked for; None: the profile's list.
        has_truth: whether the data set can draw true edits.

    Raises:
        UserError: a method is unknown, a method asked for by name cannot take part, or no method is left.
    """
    names = list(dict.fromkeys(profile.methods if wanted is None else wanted))
    if not names:
        raise UserError("No method to run: give --methods a,b or name some under 'methods' in the profile.")
    participants: list[Participant] = []
    left_out: dict[str, str] = {}
    for name in names:
        try:
            card = profile.card(name)
        except UserError as error:
            if wanted is not None or profile.variant(name).method not in methods.names():
                raise
            left_out[name] = str(error).rstrip(".")  # a plug-in that cannot be imported
            continue
        participant, reason = _participant(card, profile, has_truth)
        if participant is not None:
            participants.append(participant)
        elif wanted is None:
            left_out[card.name] = reason
        else:
            raise UserError(f"{card.title} cannot run: {reason}.")
    if not participants:
        raise UserError(f"No method of the profile '{profile.name}' can run: {'; '.join(left_out.values())}.")
    return participants, left_out


def _participant(card: MethodCard, profile: Profile, has_truth: bool) -> tuple[Participant | None, str]:
    if "truth" in card.needs and not has_truth:
        return None, f"the data set '{profile.data.name}' has no true edits"
    weights, method = find_weights(card.name, profile), profile.variant(card.name).method
    if weights is None:
        if card.kind != "control" and card.trainable:
            return None, (
                f"there are no weights of '{card.name}' for the profile '{profile.name}' "
                f"({how_to_get(card.name, profile)})"
            )
        return Participant(card, None, None, None, _distribution(method)), ""
    found = header(weights)
    if found["method"] != method:
        return None, f"{weights} holds weights of '{found['method']}', not of '{method}'"
    config = found["config"]
    if config.get("image_size") != profile.data.image_size:
        has = config.get("image_size")
        return None, f"{weights} is made for images of {has} px, the profile has {profile.data.image_size}"
    if attributes_of(config) != profile.attributes:
        return None, f"{weights} knows other attributes than the profile: {', '.join(attributes_of(config)) or 'none'}"
    variant = profile.variants.get(card.name)
    return Participant(card, real_path(weights), file_sha256(weights), config, _distribution(method), variant), ""


@lru_cache
def _distribution(method: str) -> str:
    found = entry_points(group=methods.GROUP, name=method)
    dist = next(iter(found)).dist if found else None
    return f"{dist.name} {dist.version}" if dist else "unknown"


def key_of(participant: Participant, mode: str, attribute: str | None, protocol_hash: str) -> str:
    """The hash of everything that decides a cell; with attribute None, the key of the cost of a mode."""
    decisive = {
        "protocol": protocol_hash,
        "method": participant.name,
        "mode": mode,
        "attribute": attribute,
        "weights": participant.sha256,
        "config": participant.config,
        "distribution": participant.distribution,
    }
    if participant.card.command:
        decisive["command"] = _state_of_command(participant.card.command)
    if participant.elsewhere is not None:
        decisive["edits"] = participant.elsewhere.cells.get(f"{mode}/{attribute}")
    return hash_of(decisive)


@lru_cache
def _state_of_command(command: tuple[str, ...]) -> dict[str, str]:
    """The words of a command; of those that name a file its hash, so that another program makes its cells anew."""
    return {word: file_sha256(Path(word)) if Path(word).is_file() else "" for word in command}


def all_cells(
    participants: Iterable[Participant],
    columns: Sequence[str],
    protocol_hash: str,
    others: Mapping[str, CellKind] = MappingProxyType({}),
) -> list[Cell]:
    """All cells of a run: for each mode and name, one cell per method that has the mode.

    Args:
        participants: the methods.
        columns: the attributes or conversions.
        protocol_hash: hash of the protocol.
        others: the names of the cells of other kinds, with their kinds.
    """
    participants = list(participants)
    flip: CellKind = "flip"
    kinds = {**dict.fromkeys(columns, flip), **others}
    return [
        Cell(participant, mode, name, key_of(participant, mode, name, protocol_hash), kind)
        for mode in MODES
        for name, kind in kinds.items()
        if mode in modes_of(kind)
        for participant in participants
        if mode in participant.card.modes
    ]


def is_done(cell: Cell, run: RunDirectory) -> bool:
    """Whether the run directory has the cell's result with the right key, and all its files as they were written.

    A cell in which a measure of a plug-in failed is not done: the plug-in may have been repaired.
    """
    record = CellRecord.find(run.cell_file(*cell.place))
    if record is None or record.key != cell.key or record.failed_measures:
        return False
    if record.reason is not None:
        return True
    if Outcomes.find(run.outcomes_file(*cell.place), cell.key) is None:
        return False
    if cell.kind == "flip" and not is_kept(run, cell.place, cell.key):
        return False
    return is_whole(run.root, record)


def groups(cells: Iterable[Cell]) -> dict[tuple[Mode, str], list[Cell]]:
    """Groups cells by (mode, attribute). The cells of a group share references, true edits and real statistics."""
    found: dict[tuple[Mode, str], list[Cell]] = {}
    for cell in cells:
        found.setdefault((cell.mode, cell.attribute), []).append(cell)
    return found
