"""The page that says where the numbers come from: data, code, weights, judges, protocol, commands to repeat the run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from bridgebench.eval.records.differences import flatten
from bridgebench.eval.records.run import Made, RunRecord, WeightsRecord
from bridgebench.reports.pages.html import Page
from bridgebench.reports.pages.layout import Layout
from bridgebench.reports.read.run import Run
from bridgebench.reports.words.protocol import lines
from bridgebench.reports.words.text import Fact

NOT_NAMED = "not named"
_TITLES = {"primary": "First judge", "second": "Second judge"}
Share = Annotated[float, Field(ge=0, le=1)]

_UNSEALED = "{} cells were written by a version whose records carry no hash: a later change would not be found"


def provenance_page(run: Run, layout: Layout, downloads: list[str]) -> Page:
    """The page that says where the numbers come from; `downloads` are the records that lie beside it."""
    context = {
        "facts": facts(run),
        "protocol": lines(run.record.protocol),
        "downloads": downloads,
        "packages": packages(run),
        "makers": maker_lines(run),
        "weights": weights(run),
        "judges": judge_tables(run),
        "commands": commands(run),
    }
    return Page(layout.provenance, "provenance.html.j2", context)


def facts(run: Run) -> list[Fact]:
    """What was run, on what, by which code."""
    record, code, hardware = run.record, run.record.code, run.record.hardware
    memory = hardware.get("memory_gib")
    return [
        Fact("Made", record.created),
        *([Fact("Hashes", _UNSEALED.format(run.unsealed))] if run.unsealed else []),
        *[Fact("Kept from", f"{made.created}, {_differs(made, record)}") for made in record.earlier],
        Fact("Profile", record.profile_name),
        Fact("Data", f"{record.data.name}, {record.data.n_test:,} test images of {record.data.image_size} px"),
        *_choice(record),
        Fact("Data digest", record.data.digest),
        Fact("Features", f"{record.features.title}, {record.features.name}, {record.features.dimension} dimensions"),
        Fact("Features digest", record.features.digest),
        Fact("Protocol hash", record.protocol_hash),
        *([Fact("Made by", record.by)] if record.by else []),
        Fact("Code", code_words(code)),
        Fact("Machine", machine_words(hardware)),
        Fact("Memory", f"{memory} GiB" if memory else "not recorded"),
        Fact("System", f"{hardware.get('os', 'not recorded')}, Python {hardware.get('python', 'not recorded')}"),
    ]


def _choice(record: RunRecord) -> list[Fact]:
    """On whose images the numbers are, and on whose the recipes were chosen, where the run says it."""
    split = (record.protocol.get("data") or {}).get("split")
    chosen = str(record.profile.get("chosen_on") or "")
    found = [Fact("Split", f"{split} images are edited")] if split else []
    return [*found, *([Fact("Recipes", f"chosen on {chosen}")] if chosen else [])]


def code_words(code: Mapping[str, Any]) -> str:
    """Version and commit, in words."""
    commit = str(code.get("git_commit") or "not recorded")
    changed = ", with uncommitted changes" if code.get("git_dirty") else ""
    return f"bridgebench {code.get('version', 'of unknown version')}, commit {commit}{changed}"


def machine_words(hardware: Mapping[str, Any]) -> str:
    """Processor, cores and GPU, in words."""
    machine = [hardware.get("cpu"), f"{hardware.get('cores')} cores", hardware.get("gpu")]
    return ", ".join(str(part) for part in machine if part)


def _differs(made: Made, record: RunRecord) -> str:
    """What differs between the making of cells that were kept from an earlier run and that of the others."""
    found = [code_words(made.code)] if made.code != record.code else []
    found += [
        f"{name} {version}" for name, version in sorted(made.packages.items()) if record.packages.get(name) != version
    ]
    found += [machine_words(made.hardware)] if made.hardware != record.hardware else []
    return ", ".join(found) or "by the same code"


@dataclass(frozen=True)
class MakerLine:
    """A run that a merged run has cells of: who made it, when, with what, and the methods that it brought."""

    by: str
    id: str
    created: str
    code: str
    machine: str
    packages: str
    methods: list[str]


def maker_lines(run: Run) -> list[MakerLine]:
    """A line for each run that the run was merged of; none of a run that was made at one place."""
    return [
        MakerLine(
            source.by or NOT_NAMED,
            source.id,
            source.created,
            code_words(source.code),
            machine_words(source.hardware),
            ", ".join(f"{name} {version}" for name, version in sorted(source.packages.items())),
            [
                f"{run.record.methods[name].title}{f' ({len(cells)} cells)' if cells else ''}"
                for name, cells in source.methods.items()
                if name in run.record.methods
            ],
        )
        for source in run.record.sources
    ]


def packages(run: Run) -> str:
    """The packages and their versions in one line."""
    return ", ".join(f"{name} {version}" for name, version in sorted(run.record.packages.items()))


@dataclass(frozen=True)
class WeightsLine:
    """A method or a judge, and its weights file."""

    title: str
    about: str
    paper: str
    parameters: str
    file: str
    sha256: str
    card: list[Fact]


def weights(run: Run) -> list[WeightsLine]:
    """The methods and the judges with their weights files."""
    lines = []
    for name in run.methods:
        method = run.record.methods[name]
        count = (
            "not known here" if method.parameters is None else f"{method.parameters:,}" if method.parameters else "none"
        )
        lines.append(_line(method.title, method.summary, method.paper, count, method.weights))
    for name, file in sorted(run.record.judges.items()):
        lines.append(_line(f"Judge: {name}", "Reads the attributes of the edits.", "", "", file))
    return lines


def _line(title: str, about: str, paper: str, count: str, file: WeightsRecord | None) -> WeightsLine:
    if file is None:
        return WeightsLine(title, about, paper, count, "", "", [])
    card = [Fact(name, value) for name, value in flatten(file.card or {}) if name]
    if file.labels:
        card.insert(0, Fact("trained on", f"{file.labels} labels"))
    return WeightsLine(title, about, paper, count, file.file, file.sha256, card)


def commands(run: Run) -> str:
    """What to type to repeat the run; names that users chose are quoted for the shell."""
    record, folder = run.record, f"runs/{run.record.profile_name}"
    if not record.sources:
        lines = _benchmark(record, record.code, run.methods, folder)
    else:
        lines, parts = [], []
        for number, source in enumerate(record.sources, 1):
            measured = [record.methods[name].measured_as or name for name in run.methods if name in source.methods]
            parts.append(f"{folder}-{number}")
            lines += [f"# run {source.id}"]
            lines += _benchmark(record, source.code, measured, parts[-1])
        lines += [f"bridgebench merge {' '.join(map(shlex.quote, parts))} --out {shlex.quote(folder)}"]
    return "\n".join([*lines, f"bridgebench report {shlex.quote(folder)}"])


def _benchmark(record: RunRecord, code: Mapping[str, Any], methods: Sequence[str], folder: str) -> list[str]:
    """The lines that measure some methods again."""
    commit = str(code.get("git_commit") or "")
    photos = (record.protocol.get("data") or {}).get("preparation") is not None
    options = f" --limit {record.limit}" if record.limit is not None else ""
    options += " --data-root DIR" if photos else ""
    options += " --split validation" if (record.protocol.get("data") or {}).get("split") == "validation" else ""
    device = record.protocol.get("device")
    options += f" --device {shlex.quote(str(device))}" if device else ""
    return [
        *([f"git checkout {shlex.quote(commit)}"] if commit else []),
        "pip install .",
        f"bridgebench benchmark --profile {shlex.quote(record.profile_name)} "
        f"--methods {shlex.quote(','.join(methods))}{options} --out {shlex.quote(folder)}",
    ]


class _Bins(BaseModel):
    """Answers by their probability, in bins of equal width."""

    count: tuple[Annotated[int, Field(ge=0)], ...]
    predicted: tuple[Share | None, ...]
    observed: tuple[Share | None, ...]

    @model_validator(mode="after")
    def _one_length(self) -> _Bins:
        if not len(self.count) == len(self.predicted) == len(self.observed) > 0:
            raise ValueError("bins of different lengths")
        return self


class _Calibration(BaseModel):
    error: dict[str, Share]
    brier: dict[str, Share]
    mean_error: Share
    mean_brier: Share
    bins: _Bins


class _Scores(BaseModel):
    """``scores.test`` of a judge's card; a card of before calibration was measured has none."""

    n: Annotated[int, Field(ge=1)]
    mean: Share
    accuracy: dict[str, Share]
    balanced: dict[str, Share | None] = {}
    calibration: _Calibration


@dataclass(frozen=True)
class JudgeLine:
    """A line of a judge's table: an attribute or a bin, and its numbers as text."""

    name: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class JudgeTable:
    """A judge's reading of the test images.

    Attributes:
        title: which judge.
        n: test images.
        attributes: accuracy, balanced accuracy, calibration error, Brier score; the mean comes last.
        bins: answers, mean probability and share that is there, by probability.
    """

    title: str
    n: int
    attributes: tuple[JudgeLine, ...]
    bins: tuple[JudgeLine, ...]


def judge_tables(run: Run) -> list[JudgeTable]:
    """A table for each judge whose card says how well it is calibrated."""
    tables = []
    for role, weights in sorted(run.record.judges.items()):
        scores = ((weights.card if weights else None) or {}).get("scores")
        try:
            found = _Scores.model_validate(scores["test"] if isinstance(scores, dict) else None)
        except (ValidationError, KeyError):
            continue  # a card is what somebody wrote into a weights file: the facts below show what it says
        tables.append(_judge_table(run, _TITLES.get(role, role), found))
    return tables


def _judge_table(run: Run, title: str, scores: _Scores) -> JudgeTable:
    known = scores.calibration
    lines = [
        JudgeLine(
            run.spoken(name),
            (
                _percent(scores.accuracy[name]),
                _percent(scores.balanced.get(name)),
                _percent(known.error.get(name)),
                _score(known.brier.get(name)),
            ),
        )
        for name in run.record.attributes  # the card's own order was lost in sorted keys
        if name in scores.accuracy
    ]
    shares = [share for share in scores.balanced.values() if share is not None]
    balanced = fmean(shares) if shares else None
    mean = (_percent(scores.mean), _percent(balanced), _percent(known.mean_error), _score(known.mean_brier))
    width = 100 / len(known.bins.count)
    bins = [
        JudgeLine(f"{index * width:.0f} to {(index + 1) * width:.0f} %", (f"{count:,}", _percent(said), _percent(seen)))
        for index, (count, said, seen) in enumerate(
            zip(known.bins.count, known.bins.predicted, known.bins.observed, strict=True)
        )
    ]
    return JudgeTable(title, scores.n, (*lines, JudgeLine("Mean", mean)), tuple(bins))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"  # noqa: RUF001


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"  # noqa: RUF001
