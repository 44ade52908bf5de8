"""Whether a benchmark has nothing left to do, found without torch: a second call then takes a second.

It has nothing left to do if it was finished, and since then neither the files of its run directory have changed nor
anything that they were made from: profile, weights, code, packages. Photos may change unseen, so that a run on photos
is always opened.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from bridgebench.eval.measures.own import own_measure
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.seal import hash_of
from bridgebench.harness.benchmark.plan import Participant, key_of, select
from bridgebench.harness.benchmark.summary import summary_lines
from bridgebench.harness.benchmark.weak_judges import weak_judges
from bridgebench.harness.processes.messages import LOGGER
from bridgebench.harness.processes.unchanged import Note, state_of, state_of_code
from bridgebench.harness.profiles.hub_file import is_hub_address
from bridgebench.harness.profiles.profile import DRAWN_HERE, Profile
from bridgebench.harness.weights.find import file_sha256, files_for

NO_RESULTS = ("aside", "cache", "report", "report.html")  # of a run directory: they decide nothing
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def usual_folder(profile: Profile, limit: int | None) -> Path:
    """Where a benchmark is kept if nobody says otherwise: ``runs/PROFILE``, of a part of the images with more to it."""
    name = profile.name if profile.evaluation.split == "test" else f"{profile.name}-{profile.evaluation.split}"
    return Path("runs") / (name if limit is None else f"{name}-limit{limit}")


def run_unless_finished(
    profile: Profile,
    out: Path,
    *,
    methods: Sequence[str] | None = None,
    limit: int | None = None,
    device: str = "cpu",
    **rest: Any,
) -> list[str]:
    """Runs a benchmark that has something left to do; else torch is not even imported.

    Args:
        profile, out, methods, limit, device: as for :func:`harness.benchmark.runner.run_benchmark`.
        rest: its other arguments.

    Returns:
        The cells that failed, as ``method/mode/attribute``.

    Raises:
        UserError: as by `run_benchmark`.
    """
    finished, failed = FinishedBenchmark(profile, out, methods, limit, device), list[str]()
    if not finished.tell():
        from bridgebench.harness.benchmark.runner import run_benchmark

        failed = run_benchmark(profile, out, methods=methods, limit=limit, device=device, **rest)
        if not failed:
            finished.keep()
    return failed


class FinishedBenchmark:
    """What a call of `bridgebench benchmark` would make, to be compared with what an earlier call made.

    Args:
        profile, out, methods, limit, device: as for :func:`harness.benchmark.runner.run_benchmark`.

    Raises:
        UserError: names are wrong, or weights are missing.
    """

    def __init__(
        self, profile: Profile, out: Path, methods: Sequence[str] | None, limit: int | None, device: str
    ) -> None:
        self._run, self._profile = RunDirectory(out), profile
        self._note = Note("benchmark", out)
        drawn = profile.data.name in DRAWN_HERE
        self._participants, self._left_out = select(profile, methods, has_truth=drawn)
        self._inputs = self._state_of_inputs(limit, device) if drawn else None

    def tell(self) -> bool:
        """Whether there is nothing left to do; then it says what the benchmark would say at its end."""
        if self._inputs is None or not self._note.fits(self._inputs, self._files()):
            return False
        record = self._run.read_run()
        for name, reason in self._left_out.items():
            LOGGER.info(f"Left out {name}: {reason}.")
        for line in weak_judges(self._profile):
            LOGGER.warning(line)
        LOGGER.info(f"{record.planned} cells, all of them done before; protocol {record.protocol_hash[:12]}.")
        for line in summary_lines(self._run, self._participants):
            LOGGER.info(line)
        return True

    def keep(self) -> None:
        """Notes that the benchmark is finished; to be called when no cell failed."""
        if self._inputs is not None and all(self._has_costs(each) for each in self._participants):
            self._note.keep(self._inputs, self._files())

    def _has_costs(self, participant: Participant) -> bool:
        return all(self._run.cost_file(participant.name, mode).is_file() for mode in participant.card.modes)

    def _files(self) -> str:
        return state_of(self._run.root, NO_RESULTS)

    def _state_of_inputs(self, limit: int | None, device: str) -> str:
        name, plain = self._profile.name, self._profile.model_dump(mode="json")
        weights = [*files_for(name)]
        named = [Path(each) for each in self._profile.weights.values() if not is_hub_address(each)]
        weights += [path for path in named if path.is_file()]  # an address has the hash in it
        return hash_of(
            {
                "profile": plain,
                "measures": [own_measure(each).record.plain() for each in self._profile.evaluation.measures],
                "methods": [key_of(each, "", None, "") for each in self._participants],
                "limit": limit,
                "device": device,
                "weights": {str(path): file_sha256(path) for path in weights},
                "code": state_of_code(),
                "packages": _packages(),
            }
        )


def _packages() -> dict[str, str | None]:
    """The versions of all packages that bridgebench may use."""
    named = {match[0] for text in requires("bridgebench") or () if (match := _NAME.match(text))}
    return {name: _version(name) for name in sorted(named)}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
