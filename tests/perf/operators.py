"""What the steps of the StarGANs spend their time on, ours and the straightforward ones: torch's profiler, by operator.

Convolutions, forward and backward, are what both must do; the rest is what sharing and layouts can save.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from tools.page import Section
from torch.profiler import ProfilerActivity, profile
from training import Contest, Terms, stargan_contests, starganv2_contests

GROUPS = {
    "convolutions": ("convolution", "addmm", "mkldnn"),
    "norms": ("batch_norm", "instance_norm", "var_mean"),
    "resizing": ("upsample", "avg_pool", "interpolate"),
    "Adam": ("adam",),
}


def group_of(operator: str) -> str:
    """The group that an operator's name belongs to."""
    found = [group for group, parts in GROUPS.items() if any(part in operator.lower() for part in parts)]
    return found[0] if found else "everything else"


def milliseconds(step: Callable[[], Terms]) -> Counter[str]:
    """Of one step, by group, each operator's own time."""
    step()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        step()
    spent: Counter[str] = Counter()
    for event in found.key_averages():
        spent[group_of(event.key)] += round(event.self_cpu_time_total / 1000)
    return spent


def rows_of(contest: Contest) -> list[list[object]]:
    """A row a side: its total and the groups' shares."""
    rows: list[list[object]] = []
    for name, step in {"ours": contest.ours, **contest.others}.items():
        spent = milliseconds(step)
        shares = [f"{spent[group] / spent.total():.0%}" for group in (*GROUPS, "everything else")]
        rows.append([contest.title, name, spent.total(), *shares])
    return rows


def main() -> None:
    """Profiles both sides of both contests."""
    torch.set_num_threads(1)
    section = Section("operators")
    rows = [row for contest in (*stargan_contests(), *starganv2_contests()) for row in rows_of(contest)]
    section.table(["step", "side", "ms of the clock", *GROUPS, "everything else"], rows)
    section.finish()


if __name__ == "__main__":
    main()
