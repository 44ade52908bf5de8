"""With what something was made: run.json for a run, and the card of trained weights."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridgebench.eval.records.run import DataSummary, FeatureSpace, Made, MethodRecord, RunRecord, WeightsRecord
from bridgebench.harness.benchmark.plan import JUDGES, Participant, file_sha256, judge_weights
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.weights.listing import parameter_count
from bridgebench.methods.core.weights import header

if TYPE_CHECKING:
    from bridgebench.harness.benchmark.workbench import Workbench
    from bridgebench.harness.data.base import ImageSet

_PACKAGES = ("numpy", "pillow", "resvg-py", "safetensors", "scipy", "torch", "torchmetrics", "torchvision", "clean-fid")


def run_record(
    bench: Workbench, profile: Profile, participants: Iterable[Participant], old: RunRecord | None, kept: bool = False
) -> RunRecord:
    """run.json.

    Args:
        bench: the workbench of the run.
        profile: as resolved.
        participants: the methods that take part.
        old: the run.json that is there. Under the same protocol its other methods stay, and so does its date if nothing
            else has changed.
        kept: whether there are cells that are not made again: what made them is kept in ``earlier``.
    """
    protocol = bench.protocol
    if old is not None and old.protocol_hash != protocol.hash:
        old = None
    made = Made(created=_now(), code=code(), packages=packages(), hardware=hardware())
    record = RunRecord(
        **vars(made),
        schema=1,
        profile_name=profile.name,
        profile=profile.model_dump(mode="json"),
        protocol=protocol.record(),
        protocol_hash=protocol.hash,
        earlier=_earlier(old, made) if old is not None and kept else (),
        limit=bench.setup.limit,
        data=DataSummary(
            name=protocol.data.name,
            digest=protocol.data.digest,
            n_test=protocol.data.n,
            image_size=protocol.data.image_size,
        ),
        attributes=protocol.attributes,
        columns=tuple(bench.columns),
        features=FeatureSpace(**protocol.features.model_dump()),
        judges={role: _weights(judge_weights(role, profile)) for role in JUDGES},
        methods=(old.methods if old is not None else {})
        | {participant.name: _method(participant) for participant in participants},
    )
    if old is not None:
        undated = record.model_copy(update={"created": old.created})
        return undated if undated.to_bytes() == old.to_bytes() else record
    return record


def _earlier(old: RunRecord, now: Made) -> tuple[Made, ...]:
    """What kept cells were made with, where it is not what makes the others."""
    found: list[Made] = []
    for made in (*old.earlier, old.made):
        known = [(one.code, one.packages, one.hardware) for one in (now, *found)]
        if (made.code, made.packages, made.hardware) not in known:
            found.append(made)
    return tuple(found)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def describe_training(
    method: str,
    profile: Profile,
    recipe: dict[str, Any],
    images: ImageSet,
    seed: int,
    processes: int,
    threads: int,
) -> dict[str, Any]:
    """The card that trained weights carry: what they were made from. The loop adds how long it trained.

    Args:
        method: the method, or variant of one, that is trained.
        profile: its profile.
        recipe: the profile's for it.
        images: the training images.
        seed: of networks, draws and the order of the data.
        processes, threads: how many shared every batch when the run began, and how many threads each of them had: both
            decide how sums are rounded.
    """
    together = f" --devices {processes}" if processes > 1 else ""
    return {
        "origin": f"bridgebench train {method} --profile {profile.name}{together}",
        "profile": profile.name,
        "recipe": recipe,
        "data": {
            "name": images.name,
            "digest": images.digest,
            "n": len(images.labels),
            "image_size": images.image_size,
        },
        "seed": seed,
        "processes": processes,
        "threads": threads,
        "code": code(),
        "packages": packages(),
        "hardware": hardware(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def code() -> dict[str, Any]:
    """Version and git state of bridgebench; the git state is None where it was installed from a wheel."""
    try:
        installed: str | None = version("bridgebench")
    except PackageNotFoundError:
        installed = None
    root = Path(__file__).resolve().parents[2]
    commit = dirty = None
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is not None and Path(top).resolve() == root:  # not some other repository around an installed wheel
        commit = _git(root, "rev-parse", "HEAD")
        status = _git(root, "status", "--porcelain", "--untracked-files=no")
        dirty = None if status is None else bool(status)
    return {"version": installed, "git_commit": commit, "git_dirty": dirty}


def packages() -> dict[str, str]:
    """Versions of the packages that can move a number."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """The machine: ``{"cpu", "cores", "gpu", "memory_gib", "python", "os"}``."""
    import torch

    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "memory_gib": _memory_gib(),
        "python": platform.python_version(),
        "os": platform.platform(terse=True),
    }


def _method(participant: Participant) -> MethodRecord:
    card, variant = participant.card, participant.variant
    different: dict[str, Any] = {}
    if variant is not None:
        different = {"variant_of": variant.method, "seed": variant.seed, "changes": variant.recipe}
    return MethodRecord(
        title=card.title,
        kind=card.kind,
        modes=tuple(sorted(card.modes)),
        parameters=parameter_count(participant.weights) if participant.weights is not None else 0,
        paper=card.paper,
        summary=card.summary,
        quirks=card.quirks,
        groups=participant.groups,
        weights=_weights(participant.weights) if participant.weights is not None else None,
        **different,
    )


def _weights(path: Path) -> WeightsRecord:
    return WeightsRecord(file=path.name, sha256=file_sha256(path), card=header(path)["card"])


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None
