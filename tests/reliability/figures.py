"""Figures of the reliability scripts, kept in ``figures.json``, and ``tests/RELIABILITY.md`` made of them.

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
PARTS = ("training", "benchmark", "benchmark on Dask", "training by two processes")
ENOUGH = 100  # kills
REPORT = Path(__file__).parent.parent / "RELIABILITY.md"


def record(section: str, found: dict[str, Any]) -> None:
    """Keeps the figures of one script, with the day and the machine."""
    figures = _figures()
    made = {"date": datetime.now(UTC).date().isoformat(), "python": platform.python_version()}
    figures[section] = {**found, **made}
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")


def known(section: str) -> dict[str, Any]:
    """The figures that one script has kept."""
    return _figures().get(section, {})


def _figures() -> dict[str, Any]:
    return json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}


def report(figures: dict[str, Any]) -> str:
    """The page."""
    kills, fuzz, same = figures["kills"], figures["fuzz"], figures["determinism"]
    rows = [(name, found) for name, found in kills.items() if isinstance(found, dict)]
    total = sum(found["kills"] for _, found in rows)
    lines = [
        "# Reliability, measured",
        "",
        "Made by `tests/reliability/kills.py`, `pods.py`, `plugins.py`, `fuzz.py`, `determinism.py` and `figures.py`; "
        "the tests hold a small share of each.",
        "",
        "## Killed at random instants",
        "",
        f"{total} kills ({kills['date']}): the whole run by SIGKILL, SIGTERM or Ctrl-C, or one "
        "of its workers by SIGKILL; the same command was then given again until the run was done. Compared with an "
        "undisturbed run: of benchmarks every cell, sample, detail, the baselines and summary.csv, byte for byte; of "
        "trainings every tensor of the last checkpoint (networks, buffers, optimizers, generator, place in the data, "
        "curves), bit for bit. Of the benchmarks on local processes and the trainings by one process, eleven starts of "
        "twelve were forked off a process that had imported everything (and their workers off them), which saves "
        "seconds of importing; all else, and all others, are the command as users give it.",
        "",
        "| what | kills | of them | runs done | identical | workers left over | stops by signal: median, slowest | "
        "files half written after them |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, found in rows:
        kinds = ", ".join(f"{count} {kind}" for kind, count in found["kinds"].items())
        stop = f"{found['median_clean_stop_seconds']} s, {found['slowest_clean_stop_seconds']} s"
        lines.append(
            f"| {name} | {found['kills']} | {kinds} | {found['runs']} | {found['identical']} | {found['orphans']} | "
            f"{stop} | {found['half_written_after_clean_stops']} |"
        )
    lines += [
        "",
        *_missing(total, rows),
        "Stops are timed from the signal to the end of the process, in whatever phase it came, on two cores that "
        "a dozen other processes kept busy. A benchmark ends by itself, or after a second by force: two seconds in all "
        "where the machine is not overloaded. A training that is stopped finishes its iteration and saves first, so "
        "its stop lasts as long as these two; a second Ctrl-C ends it at once, and the checkpoint before is kept.",
        "",
        "Left over are processes that are there five seconds after the end of their run: a worker watches for the end "
        "of its parent, but while it imports PyTorch on an overloaded machine that may take longer. What a SIGKILL "
        "leaves half written is removed as soon as the next run opens the folder; a stop before that leaves it for the "
        "one after.",
        "",
        *_pods(figures["pods"]),
        *_plugins(figures["plugins"]),
        "## Bad input",
        "",
        f"{sum(each['inputs'] for each in fuzz['runs']):,} damaged files ({fuzz['date']}, seeds "
        f"{', '.join(str(each['seed']) for each in fuzz['runs'])}), every one read or refused with one sentence:",
        "",
        "| reader | read | refused | uncaught exceptions |",
        "| --- | --- | --- | --- |",
    ]
    for reader in fuzz["runs"][0]["readers"]:
        counts = [sum(each["readers"][reader][kind] for each in fuzz["runs"]) for kind in ("taken", "refused", "bug")]
        lines.append(f"| {reader} | {' | '.join(f'{count:,}' for count in counts)} |")
    lines += [
        "",
        "(A reader that takes damaged label lists names the damaged lines; a cell that cannot be read is measured "
        "again.)",
        "",
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
    return "\n".join(lines)


def _pods(pods: dict[str, Any]) -> list[str]:
    """Restarts under other host names."""
    found = {"benchmark": pods["benchmark"], "training": pods["train"]}
    hit = " and ".join(f"{each['kills']} times in one {name}" for name, each in found.items())
    came = " and ".join(
        f"the {name} {'to the undisturbed bytes' if each['identical'] else 'TO OTHER BYTES'}"
        for name, each in found.items()
    )
    return [
        f"A pod was killed by SIGKILL {hit} ({pods['date']}), and each time restarted under another host name with the "
        f"same command (`train`: with `--resume auto`), without a hand on its lock: {came}.",
        "",
    ]


def _plugins(plugins: dict[str, Any]) -> list[str]:
    """Misbehaving plug-ins."""
    ends = ", ".join(f"{count} {end}" for end, count in plugins["ends"].items())
    kept = "kept every byte" if plugins["identical"] else "DID NOT KEEP THEIR BYTES"
    return [
        "## Misbehaving plug-ins",
        "",
        f"{plugins['variants']} variants ({plugins['date']}, seed {plugins['seed']}) of a zoo of plug-ins: what each "
        "does wrong (errors of all kinds, ends of its process, endless work, a changed process, processes and threads "
        "left behind), and when (import, constructor, property, an edit, a thread). All took part in one benchmark "
        f"with one worker, in which `identity` came last. Its cells {kept}. The {plugins['cells']} cells of the "
        f"variants: {ends}. ('failed': with a reason in words, and nothing else failed.)",
        "",
    ]


def _missing(total: int, rows: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """What the figures do not show."""
    lines = []
    if total < ENOUGH:
        lines += [f"Fewer than {ENOUGH} kills in all: a whole run of `kills.py` has not been done yet."]
    absent = [part for part in PARTS if part not in dict(rows)]
    if absent:
        lines += [f"Not killed here yet: {', '.join(absent)}; the tests kill a worker of each back end."]
    return [*lines, ""] if lines else []


if __name__ == "__main__":
    REPORT.write_text(report(_figures()))
    sys.exit(0)
