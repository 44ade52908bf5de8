"""Figures of the reliability scripts, kept in ``figures.json``, and ``tests/RELIABILITY.md`` made of them.

Counts of kills, inputs and plug-ins are added up over all calls; those of `determinism.py` are of its last call.

python tests/reliability/figures.py        writes tests/RELIABILITY.md anew
"""

from __future__ import annotations

import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).with_name("figures.json")
REPORT = Path(__file__).parent.parent / "RELIABILITY.md"
PARTS = {  # what is killed, as the page calls it
    "benchmark": "benchmark",
    "dask": "benchmark on Dask",
    "training": "training",
    "two": "training by two processes",
    "prepare": "preparing a data set",
    "report": "drawing the pages",
    "publish": "publishing a run",
    "merge": "merging runs",
    "pack": "packing an archive",
    "unpack": "unpacking an archive",
}


# How the tests of issue 22 were tried on the code before it: by hand, once (2026-11-29).
_OLD_CODE = [
    "## The tests fail on the old code",
    "",
    "The core cases of the tests were run, by the interface of that time, on the code before the mends. Of another "
    "program's folder and of another protocol (on 38bfca9, before records were put aside): the other program's files "
    "were deleted, and so were the finished cells. On 2d4d986, the commit before the other mends: TorchScript that a "
    "profile could name ran; a run named `../f/evil` was published outside of its folder; a plug-in that raised "
    "SystemExit left the run hanging (for longer than the 200 seconds that it was given); a sample cut to its half was "
    "taken as it was, and a folder in the place of a cell ended the run with IsADirectoryError. Two cases did not fail "
    "there in the form in which they were tried: a changed number in a cell, which was made again, "
    "and a folder below `cells/` of a made-up run that is published.",
    "",
]


def record(section: str, found: dict[str, Any]) -> None:
    """Keeps the figures of one script in place of those of its last call, with the day."""
    made = {"date": _today(), "python": platform.python_version()}
    _keep(known() | {section: {**found, **made}})


def add(section: str, counts: dict[str, Any]) -> None:
    """Adds counts to those of all calls before, with the first and the last day."""
    figures = known()
    kept = figures.setdefault(section, {"since": _today()})
    kept["until"] = _today()
    _add(kept, counts)
    _keep(figures)


def known() -> dict[str, Any]:
    """All figures."""
    return json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}


def _keep(figures: dict[str, Any]) -> None:
    text = json.dumps(figures, indent=1, sort_keys=True) + "\n"
    temporary = FIGURES.with_suffix(".new")
    temporary.write_text(text)
    temporary.replace(FIGURES)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _add(kept: dict[str, Any], counts: dict[str, Any]) -> None:
    for name, count in counts.items():
        if isinstance(count, dict):
            _add(kept.setdefault(name, {}), count)
        else:
            kept[name] = kept.get(name, 0) + count


def _days(found: dict[str, Any]) -> str:
    return found["since"] if found["since"] == found["until"] else f"{found['since']} to {found['until']}"


def report(figures: dict[str, Any]) -> str:
    """The page."""
    return "\n".join(
        [
            "# Reliability, measured",
            "",
            "`nox -s soak -- --hours H` kills our commands, feeds damaged files to our readers and runs plug-ins that "
            "misbehave, by other random numbers each time, and adds its counts to "
            "`tests/reliability/figures.json`, from which this page is made. A workflow runs it every night; the tests "
            "hold a small share of each.",
            "",
            "The counts are of all versions of the code between their first and last day, and stops before 2026-11-29 "
            "are not among the times of stops.",
            "",
            *_kills(figures.get("kills", {})),
            *_pods(figures.get("pods", {})),
            *_plugins(figures.get("plugins", {})),
            *_inputs(figures.get("inputs", {})),
            *_guided(figures.get("guided", {})),
            *_findings(figures.get("findings", [])),
            *_OLD_CODE,
            *_same(figures["determinism"]),
        ]
    )


def _kills(found: dict[str, Any]) -> list[str]:
    parts = found.get("parts", {})
    lines = ["## Killed at random instants", ""]
    if parts:
        total = sum(each["kills"] for each in parts.values())
        runs, identical = (sum(each[key] for each in parts.values()) for key in ("runs", "identical"))
        lines += [
            f"{total:,} kills ({_days(found)}): the whole command by SIGKILL, SIGTERM or Ctrl-C, or one of its workers "
            f"by SIGKILL. The same command was then given again until it came to its end, {runs:,} times in all; "
            f"{identical:,} of these ends were the same as that of an undisturbed one. Compared are, of benchmarks, "
            "every cell, sample, detail, the baselines and summary.csv, byte for byte; of trainings, every tensor of "
            "the last checkpoint (networks, buffers, optimizers, generator, place in the data, curves), bit for bit; "
            "of prepared data sets, every pixel; of all else, every file, byte for byte. Most "
            "starts were forked off a process that had imported everything (and their workers off them), "
            "which saves seconds of importing; those on Dask and by two processes, and all else, are the command as "
            "users give it.",
            "",
            "| what | kills | of them | ends | identical | processes left over | stops by signal: median, slowest | "
            "files half written after them |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for name, title in PARTS.items():
            if name in parts:
                each = parts[name]
                kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(each["kinds"].items()))
                stops = sorted(float(key) for key, count in each.get("stops", {}).items() for _ in range(count))
                shown = f"{stops[len(stops) // 2]} s, {stops[-1]} s" if stops else "none"
                lines.append(
                    f"| {title} | {each['kills']} | {kinds} | {each['runs']} | {each['identical']} | "
                    f"{each['orphans']} | {shown} | {each['half_written']} |"
                )
        lines += [""]
    absent = [title for name, title in PARTS.items() if name not in parts]
    if absent:
        lines += [f"Not killed here yet: {', '.join(absent)}.", ""]
    return [
        *lines,
        "Stops are timed from the signal to the end of the process, in whatever phase it came, on a machine of two "
        "cores that other work keeps busy. A benchmark ends by itself, or after a second by force. A training that is "
        "stopped finishes its iteration and saves first, so its stop lasts as long as these two; a second Ctrl-C ends "
        "it at once, and the checkpoint before is kept.",
        "",
        "Left over are processes that are there five seconds after the end of their command: a worker watches for the "
        "end of its parent, but while it imports PyTorch on an overloaded machine that may take longer. What a SIGKILL "
        "leaves half written is removed as soon as the next run opens the folder; a stop before that leaves it for the "
        "one after.",
        "",
    ]


def _inputs(found: dict[str, Any]) -> list[str]:
    lines = ["## Bad input", ""]
    if not found:
        return [*lines, "Not fed here yet.", ""]
    total = sum(sum(each.values()) for each in found["readers"].values())
    bugs = sum(each["bug"] for each in found["readers"].values())
    lines += [
        f"{total:,} damaged files ({_days(found)}{_seeds(found)}): good files with random bytes changed, cut, doubled "
        "or exchanged, and hostile words put in; half of them since 2026-11-29 with checksums, lengths and seals that "
        f"fit, so that what is behind the first check is reached (`spoiling.py`). {_ended(bugs)}",
        "",
        "| reader | read | refused | uncaught exceptions |",
        "| --- | --- | --- | --- |",
    ]
    for reader, counts in sorted(found["readers"].items()):
        lines.append(f"| {reader} | {' | '.join(f'{counts[kind]:,}' for kind in ('taken', 'refused', 'bug'))} |")
    return [
        *lines,
        "",
        "(A reader that takes damaged label lists names the damaged lines; a record that cannot be read is made again, "
        "and so are the blocks of a cache whose pixels are not those of their hash.)",
        "",
    ]


def _seeds(found: dict[str, Any]) -> str:
    """The seeds of the inputs, as far as they were noted."""
    seeds = ", ".join(f"{seed} for {count:,}" for seed, count in sorted(found.get("seeds", {}).items()))
    return f"; seeds {seeds}" if seeds else ""


def _ended(bugs: int) -> str:
    if not bugs:
        return "Every one was read or refused with one sentence."
    return f"{bugs:,} ended in an uncaught exception or took too long; all that was found is mended, and told below."


def _guided(found: dict[str, Any]) -> list[str]:
    if not found:
        return ["Inputs guided by coverage (atheris): not fed here yet.", ""]
    total, bugs = (sum(each[key] for each in found["readers"].values()) for key in ("inputs", "bug"))
    names = ", ".join(sorted(found["readers"]))
    return [
        f"{total:,} more ({_days(found)}) were made by atheris, which sees which lines of our code an input reaches "
        f"and goes on from those that reached new ones; the readers were: {names}. {_ended(bugs)}",
        "",
    ]


def _pods(found: dict[str, Any]) -> list[str]:
    if not found:
        return []
    return [
        f"Pods ({_days(found)}) were killed by SIGKILL "
        + " and ".join(f"{each['kills']} times in {each['runs']} {name}" for name, each in found["parts"].items())
        + ", and each time restarted under another host name with the same command (`train`: with `--resume auto`), "
        "without a hand on its lock; "
        + " and ".join(f"{each['identical']} {name}" for name, each in found["parts"].items())
        + " ended with the undisturbed bytes.",
        "",
    ]


def _plugins(found: dict[str, Any]) -> list[str]:
    lines = ["## Misbehaving plug-ins", ""]
    if not found:
        return [*lines, "Only those of the tests so far.", ""]
    ends = ", ".join(f"{count:,} {end}" for end, count in sorted(found["ends"].items()))
    return [
        *lines,
        f"{found['variants']:,} variants ({_days(found)}) of a zoo of plug-ins: what each does wrong (errors of all "
        "kinds, ends of its process, endless work, a changed process, processes and threads left behind), and when "
        f"(import, constructor, property, an edit, a thread). They took part in {found['benchmarks']:,} benchmarks "
        f"with one worker, in which `identity` came last; in {found['identical']:,} of these its cells kept every "
        f"byte. The {found['cells']:,} cells of the variants: {ends}. ('failed': with a reason in words, and nothing "
        "else failed.)",
        "",
    ]


def _findings(found: list[dict[str, str]]) -> list[str]:
    if not found:
        return []
    return ["## What was found", "", *(f"- {each['date']}: {each['what']}" for each in found), ""]


def _same(same: dict[str, Any]) -> list[str]:
    """Whether the same run gives the same numbers."""
    lines = [
        "## The same numbers",
        "",
        "Every method of the shipped profiles with its shipped weights; compared are all cells, samples, details, "
        f"grids and caches of the run directory, byte for byte ({same['date']}).",
        "",
        "| profile | columns | images | changed | files | identical |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for profile, found in same["profiles"].items():
        for change, files in found["changes"].items():
            lines.append(
                f"| {profile} | {', '.join(found['columns'])} | {found['images']} | {change} | {files['files']} | "
                f"{files['identical']} |"
            )
    lines += [
        "",
        "Stated exception: the batch of an edit call (`evaluation.batch`) is part of the protocol and of every cell's "
        "key, because PyTorch's kernels may sum in another order for another batch; cells of two batches never share a "
        "table. What it changes, method by method:",
        "",
        "| profile | method | batch | cells | the same numbers | largest difference of a measure, relative |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for profile, found in same["profiles"].items():
        batches = f"{found['other_batch']} instead of {min(found['batch'], found['images'])}"
        for method, each in found["batches"].items():
            largest = f"{each['largest']:.1e} ({each['measure']})" if each["measure"] else "0"
            lines.append(f"| {profile} | {method} | {batches} | {each['cells']} | {each['identical']} | {largest} |")
    lines += [
        "",
        "Another processor, PyTorch or BLAS may round otherwise; `bridgebench verify RUN_DIR` tells whether this "
        "machine gives the stored bytes. Times under `cost/` are measurements, and never repeat.",
        "",
        "Two processes that train together have the losses of one process on the whole batch, by every method, up to "
        "the order of sums in single precision: within 1e-4 of each loss and 3e-3 of the way that the weights moved "
        "(`test_shared_batches.py`, with plain gradient descent; measured: at most 1e-5 and 1.5e-3, "
        "the latter where rounding tips a value over a rectifier's kink, as it does in one process). Adam makes whole "
        "steps of the rounding noise of gradients that are zero, so that weights to which nothing is sensitive may "
        "drift further apart.",
        "",
    ]
    return lines


if __name__ == "__main__":
    REPORT.write_text(report(known()))
    sys.exit(0)
