"""Where the numbers come from, in words, and the commands that make them again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridgebench.eval.records.differences import flatten
from bridgebench.eval.records.run import Made, RunRecord, WeightsRecord
from bridgebench.reports.pages.html import Page
from bridgebench.reports.pages.layout import Layout
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.judges import judge_tables
from bridgebench.reports.words.facts import Fact
from bridgebench.reports.words.protocol import lines


def provenance_page(run: Run, layout: Layout, downloads: list[str]) -> Page:
    """The page that says where the numbers come from; `downloads` are the records that lie beside it."""
    context = {
        "facts": facts(run),
        "protocol": lines(run.record.protocol),
        "downloads": downloads,
        "packages": packages(run),
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
        *[Fact("Kept from", f"{made.created}, {_differs(made, record)}") for made in record.earlier],
        Fact("Profile", record.profile_name),
        Fact("Data", f"{record.data.name}, {record.data.n_test:,} test images of {record.data.image_size} px"),
        Fact("Data digest", record.data.digest),
        Fact("Features", f"{record.features.title}, {record.features.name}, {record.features.dimension} dimensions"),
        Fact("Features digest", record.features.digest),
        Fact("Protocol hash", record.protocol_hash),
        Fact("Code", _code(code)),
        Fact("Machine", _machine(hardware)),
        Fact("Memory", f"{memory} GiB" if memory else "not recorded"),
        Fact("System", f"{hardware.get('os', 'not recorded')}, Python {hardware.get('python', 'not recorded')}"),
    ]


def _code(code: Mapping[str, Any]) -> str:
    commit = str(code.get("git_commit") or "not recorded")
    changed = ", with uncommitted changes" if code.get("git_dirty") else ""
    return f"bridgebench {code.get('version', 'of unknown version')}, commit {commit}{changed}"


def _machine(hardware: Mapping[str, Any]) -> str:
    machine = [hardware.get("cpu"), f"{hardware.get('cores')} cores", hardware.get("gpu")]
    return ", ".join(str(part) for part in machine if part)


def _differs(made: Made, record: RunRecord) -> str:
    """What some cells that this run found done were made with, as far as it is not what made the others."""
    found = [_code(made.code)] if made.code != record.code else []
    found += [
        f"{name} {version}" for name, version in sorted(made.packages.items()) if record.packages.get(name) != version
    ]
    found += [_machine(made.hardware)] if made.hardware != record.hardware else []
    return ", ".join(found) or "by the same code"


def packages(run: Run) -> str:
    """The packages and their versions in one line."""
    return ", ".join(f"{name} {version}" for name, version in sorted(run.record.packages.items()))


@dataclass(frozen=True)
class WeightsLine:
    """Who is judged, or judges, with which numbers."""

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
        count = f"{method.parameters:,}" if method.parameters else "none"
        lines.append(_line(method.title, method.summary, method.paper, count, method.weights))
    for name, file in sorted(run.record.judges.items()):
        lines.append(_line(f"Judge: {name}", "Reads the attributes of the edits.", "", "", file))
    return lines


def _line(title: str, about: str, paper: str, count: str, file: WeightsRecord | None) -> WeightsLine:
    if file is None:
        return WeightsLine(title, about, paper, count, "", "", [])
    card = [Fact(name, value) for name, value in flatten(file.card or {}) if name]
    return WeightsLine(title, about, paper, count, file.file, file.sha256, card)


def commands(run: Run) -> str:
    """What to type to repeat the run; names that users chose are quoted for the shell."""
    record = run.record
    commit = str(record.code.get("git_commit") or "")
    folder = shlex.quote(f"runs/{record.profile_name}")
    lines = [f"git checkout {shlex.quote(commit)}"] if commit else []
    photos = (record.protocol.get("data") or {}).get("preparation") is not None
    options = f" --limit {record.limit}" if record.limit is not None else ""
    options += " --data-root DIR" if photos else ""
    device = record.protocol.get("device")
    options += f" --device {shlex.quote(str(device))}" if device else ""
    lines += [
        "pip install .",
        f"bridgebench benchmark --profile {shlex.quote(record.profile_name)} "
        f"--methods {shlex.quote(','.join(run.methods))}{options} --out {folder}",
        f"bridgebench report {folder}",
    ]
    return "\n".join(lines)
