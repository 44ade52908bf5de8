"""Records what a run was made with (code, packages, hardware, data, weights), for run.json."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridgebench import methods
from bridgebench.eval.records.directory import Place
from bridgebench.eval.records.run import DataSummary, FeatureSpace, Made, MethodRecord, RunRecord, WeightsRecord
from bridgebench.eval.records.sources import carried_on
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.data.open import drawn_labels
from bridgebench.harness.processes.environment import code, hardware, packages
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.weights.find import JUDGES, file_sha256, judge_weights
from bridgebench.harness.weights.show import parameter_count
from bridgebench.harness.weights.training_card import labels_of
from bridgebench.methods.core.weights import header

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench


def run_record(
    bench: Workbench,
    profile: Profile,
    participants: Iterable[Participant],
    old: RunRecord | None,
    kept: bool = False,
    goes_on: bool = True,
) -> RunRecord:
    """The content of run.json.

    Args:
        bench: the workbench of the run.
        profile: the resolved profile.
        participants: the methods that take part.
        old: the existing run.json, if any. With the same protocol, its other methods are kept, and its date too if
            nothing else has changed.
        kept: whether some cells are not made again; what they were made with is then kept in ``earlier``.
        goes_on: whether new cells will be made; else the run stays the one of those who made it.
    """
    protocol, participants = bench.protocol, list(participants)
    if old is not None and old.protocol_hash != protocol.hash:
        old = None
    plain = profile.model_dump(mode="json")
    if old is not None and all(participant.elsewhere is not None for participant in participants):
        plain = old.profile  # it names the weights of the methods that were loaded here
    made = Made(created=_now(), code=code(), packages=packages(), hardware=hardware())
    record = RunRecord(
        **vars(made),
        schema=1,
        profile_name=profile.name,
        profile=plain,
        protocol=protocol.record(),
        protocol_hash=protocol.hash,
        earlier=_earlier(old, made) if old is not None and kept else (),
        limit=bench.setup.limit,
        data=DataSummary(
            name=protocol.data.name,
            digest=protocol.data.digest,
            n_test=protocol.data.n,
            image_size=protocol.data.image_size,
            photos_stay=profile.data.photos_stay,
        ),
        attributes=protocol.attributes,
        columns=tuple(bench.columns),
        kinds=bench.others,
        correlations=_correlations(bench, profile),
        features=FeatureSpace(**protocol.features.model_dump()),
        judges={role: weights_record(judge_weights(role, profile)) for role in JUDGES},
        methods=(old.methods if old is not None else {})
        | {participant.name: _method(participant) for participant in participants},
    )
    if bench.own_measures:
        record = record.model_copy(update={"measures": {one.name: one.record for one in bench.own_measures}})
    if old is not None and (old.sources or old.by):
        whose: dict[str, Any] = {"profile": _with_others(record.profile, old, record.methods)}
        whose |= {"sources": carried_on(old, _places(bench))} if goes_on else {"sources": old.sources, "by": old.by}
        record = record.model_copy(update={key: value for key, value in whose.items() if value})
    if old is not None:
        undated = record.model_copy(update={"created": old.created})
        return undated if undated.to_bytes() == old.to_bytes() else record
    return record


def _earlier(old: RunRecord, now: Made) -> tuple[Made, ...]:
    """What the kept cells were made with, where it differs from what makes the new cells."""
    found: list[Made] = []
    for made in (*old.earlier, old.made):
        known = [(one.code, one.packages, one.hardware) for one in (now, *found)]
        if (made.code, made.packages, made.hardware) not in known:
            found.append(made)
    return tuple(found)


def _with_others(profile: dict[str, Any], old: RunRecord, taking_part: Container[str]) -> dict[str, Any]:
    """The profile, with what the run of others says of the methods that only they have brought."""
    found = dict(profile)
    for key in ("weights", "variants", "train"):
        theirs = old.profile.get(key)
        if isinstance(theirs, dict):
            found[key] = {name: said for name, said in theirs.items() if name in old.methods} | found.get(key, {})
    kept = old.profile.get("methods")
    kept = [name for name in kept if name in old.methods] if isinstance(kept, list) else []
    wanted = [name for name in found.get("methods", ()) if name in taking_part and name not in kept]
    return found | {"methods": [*kept, *wanted]}


def _places(bench: Workbench) -> list[Place]:
    """The cells that are on disk, and stay."""
    return [(cell.method, cell.mode, cell.attribute) for cell in bench.run.cells()]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _method(participant: Participant) -> MethodRecord:
    card, variant = participant.card, participant.variant
    different: dict[str, Any] = {}
    if variant is not None:
        different = {"variant_of": variant.method, "seed": variant.seed, "changes": variant.recipe}
    if participant.elsewhere is not None:
        different["elsewhere"] = participant.elsewhere.record
    return MethodRecord(
        title=card.title,
        kind=card.kind,
        modes=tuple(sorted(card.modes)),
        parameters=_parameters(participant),
        paper=card.paper,
        summary=card.summary,
        quirks=card.quirks,
        groups=participant.groups,
        times_shorter=_times_shorter(participant),
        weights=weights_record(participant.weights) if participant.weights is not None else None,
        **different,
    )


def _parameters(participant: Participant) -> int | None:
    """How many parameters a method has; None where nobody here can know."""
    if participant.elsewhere is not None or participant.card.command:
        return None
    return parameter_count(participant.weights) if participant.weights is not None else 0


def _times_shorter(participant: Participant) -> float | None:
    """How many times as many images the official recipe trains on; None if the card of the weights does not say."""
    if participant.weights is None:
        return None
    recipe = (header(participant.weights)["card"] or {}).get("recipe")
    iterations, batch = (recipe.get(key) if isinstance(recipe, dict) else None for key in ("iterations", "batch_size"))
    if not (isinstance(iterations, int) and isinstance(batch, int) and iterations * batch > 0):
        return None
    official = methods.official_images(participant.method)
    return None if official is None else official / float(iterations * batch)


def weights_record(path: Path) -> WeightsRecord:
    """The record of a weights file."""
    card = header(path)["card"]
    return WeightsRecord(file=path.name, sha256=file_sha256(path), card=card, labels=labels_of(card))


def _correlations(bench: Workbench, profile: Profile) -> tuple[tuple[float | None, ...], ...]:
    """Correlations of the labels to train on (drawings), or of the test labels (photos), to three digits."""
    if bench.space.exclusive:
        return ()
    labels = drawn_labels(profile) if bench.test.has_truth else bench.labels
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.corrcoef(np.asarray(labels, np.float64), rowvar=False)
    return tuple(tuple(None if np.isnan(one) else round(float(one), 3) for one in row) for row in np.atleast_2d(found))
