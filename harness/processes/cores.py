"""How many cores this process may use: a machine may have more than a container or a job may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_MEMBERSHIP, _ROOT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def cores() -> int:
    """The number of cores that this process may use: by its affinity, and by the quotas of its control groups."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(bound, cpu_quota(_MEMBERSHIP, _ROOT))))


def cpu_quota(membership: Path, root: Path) -> float:
    """The processor time that a process gets, in cores; infinite without a quota.

    Args:
        membership: lists the control groups of the process, such as ``/proc/self/cgroup``.
        root: where the file systems of control groups (version 1 or 2) are mounted.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return math.inf
    quotas = [math.inf]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            quotas += [_version_2(folder) for folder in _folders(root, path)]
        elif "cpu" in controllers.split(","):
            for mount in ("cpu", controllers):  # one is often a link to the other
                quotas += [_version_1(folder) for folder in _folders(root / mount, path)]
    return min(quotas)


def _folders(mount: Path, path: str) -> Iterator[Path]:
    """A group's folder and those of the groups around it. In a container, the group itself may be the mount."""
    inner = Path(path.strip("/"))
    yield from (mount / each for each in (inner, *inner.parents))


def _version_2(folder: Path) -> float:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # there is none, or it is "max"
        return math.inf


def _version_1(folder: Path) -> float:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        return quota / int((folder / "cpu.cfs_period_us").read_text()) if quota > 0 else math.inf
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf
