"""What the steps of the StarGANs spend their time on, ours and the straightforward ones, by operator.

Convolutions, forward and backward, are what both must do; the rest is what sharing and layouts can save. In CPU time,
read before and after each operator: torch's profiler goes by the clock, on a busy machine that of all who use it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from tools.clock import seconds_of
from tools.page import Section
from torch.utils._python_dispatch import TorchDispatchMode
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


class Watch(TorchDispatchMode):
    """Within, the milliseconds of every operator are added to its group's."""

    def __init__(self) -> None:
        super().__init__()
        self.spent: Counter[str] = Counter()

    def __torch_dispatch__(
        self, operator: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        result, seconds = seconds_of(lambda: operator(*args, **(kwargs or {})))
        self.spent[group_of(str(operator))] += 1000 * seconds  # type: ignore[assignment]
        return result


def milliseconds(step: Callable[[], Terms]) -> Counter[str]:
    """Of one step, by group."""
    step()
    with Watch() as watch:
        step()
    return watch.spent


def rows_of(contest: Contest) -> list[list[object]]:
    """A row a side: its total and the groups' shares."""
    rows: list[list[object]] = []
    for name, step in {"ours": contest.ours, **contest.others}.items():
        spent = milliseconds(step)
        shares = [f"{spent[group] / spent.total():.0%}" for group in (*GROUPS, "everything else")]
        rows.append([contest.title, name, round(spent.total()), *shares])
    return rows


def main() -> None:
    """Profiles both sides of both contests."""
    torch.set_num_threads(1)
    section = Section("operators")
    rows = [row for contest in (*stargan_contests(), *starganv2_contests()) for row in rows_of(contest)]
    section.table(["step", "side", "ms of CPU in operators", *GROUPS, "everything else"], rows)
    section.finish()


if __name__ == "__main__":
    main()
