"""`bridgebench status`: how far benchmarks and trainings are, seen from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from bridgebench.harness.commands.options import AsJson
from bridgebench.harness.commands.output import show, show_json
from bridgebench.harness.processes.holder import Holder
from bridgebench.harness.processes.progress import spoken
from bridgebench.methods.core.errors import UserError

JSON_FIELDS = (
    "runs, each with folder, kind (benchmark or training), state (running, finished, stopped or killed), process "
    "(host, pid and alive, as the lock names it; or null), seconds_left and seconds_since, the time since it last "
    "wrote something (each or null); a benchmark also has profile, protocol, planned, done and failed (error by cell), "
    "a training progress (iteration, total, seconds, images, images_per_second, losses, complete; or null)."
)
_FEW = 5  # failed cells that are told one by one


def status(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN_DIR", help="Run directories, trainings, or folders of them; by default runs."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Says how far benchmarks and trainings are.

    It only reads: what runs is not disturbed. The time left is an estimate, by the speed of the last minutes.
    """
    found = [one for folder in folders or [Path("runs")] for one in _in(folder)]
    if as_json:
        show_json({"runs": found})
        return
    for one in found:
        for line in _lines(one):
            show(line)


def _in(folder: Path) -> Iterator[dict[str, Any]]:
    """The runs in a folder: itself, or those in it and, of trainings, in its folder `train`.

    Raises:
        UserError: there is none.
    """
    from bridgebench.harness.benchmark.status import benchmark_status
    from bridgebench.harness.train.status import is_training, training_status

    def is_run(place: Path) -> bool:
        return (place / "run.json").is_file() or is_training(place)

    places = [folder] if is_run(folder) else sorted([*folder.glob("*"), *folder.glob("train/*")])
    known = [place for place in places if is_run(place)]
    if not known:
        raise UserError(
            f"{folder} is neither a run directory nor a training, and there is none in it: `bridgebench benchmark` "
            "and `bridgebench train` write into runs/, or where --out says."
        )
    for place in known:
        if is_training(place):
            training = training_status(place)
            progress = training.progress and training.progress.model_dump()
            left = progress.pop("seconds_left") if progress else None
            yield {
                "folder": str(place),
                "kind": "training",
                "state": training.state,
                "process": training.by and vars(training.by),
                "seconds_left": left if training.state == "running" else None,
                "seconds_since": training.seconds_since,
                "progress": progress,
            }
        else:
            benchmark = benchmark_status(place)
            yield {
                "folder": str(place),
                "kind": "benchmark",
                "state": benchmark.state,
                "process": benchmark.by and vars(benchmark.by),
                "seconds_left": benchmark.seconds_left,
                "seconds_since": benchmark.seconds_since,
                "profile": benchmark.profile,
                "protocol": benchmark.protocol,
                "planned": benchmark.planned,
                "done": benchmark.done,
                "failed": benchmark.failed,
            }


def _lines(one: dict[str, Any]) -> Iterator[str]:
    said = [_process(one["state"], one["process"] and Holder(**one["process"]))]
    if one["kind"] == "benchmark":
        said.append(f"{one['done']} of {one['planned']} cells done")
        said += [f"{len(one['failed'])} failed"] if one["failed"] else []
    elif one["progress"] is None:
        said.append("its progress is not noted yet")
    else:
        progress = one["progress"]
        goal = "" if progress["total"] is None else f" of {progress['total']:,}"
        said.append(f"iteration {progress['iteration']:,}{goal}")
        said += [f"{progress['images_per_second']:,.0f} images/s"] if one["state"] == "running" else []
    said += [] if one["seconds_left"] is None else [f"about {spoken(one['seconds_left'])} left"]
    said += [] if one["seconds_since"] is None else [f"last written {spoken(one['seconds_since'])} ago"]
    yield f"{one['folder']} ({one['kind']}): {', '.join(said)}"
    failed = list(one.get("failed", {}).items())
    for place, reason in failed[:_FEW]:
        yield f"    FAILED {place}: {reason}"
    if len(failed) > _FEW:
        yield f"    ... and {len(failed) - _FEW} more"


def _process(state: str, by: Holder | None) -> str:
    if by is None or state == "finished":
        return state
    return f"{state} (process {by.pid} on {by.host})"
