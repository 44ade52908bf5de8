"""Cores by affinity and by quotas of control groups, as containers and clusters set them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from bridgebench.harness.processes.cores import cores, cpu_quota


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("0::/jobs/7", 1.5),  # its own group
        ("0::/jobs/8", 4.0),  # the group around it
        ("0::/", math.inf),
        ("0::/../../elsewhere", math.inf),
        ("4:memory:/jobs/7\n3:cpu,cpuacct:/docker/abc", 2.0),  # version 1; in a container the mount is the group
        ("3:cpuset:/docker/abc\nnonsense::", math.inf),
        ("", math.inf),
    ],
)
def test_the_narrowest_quota_counts(tmp_path: Path, lines: str, expected: float) -> None:
    root = tmp_path / "cgroup"
    group(root, cpu__max="max 100000\n")
    group(root / "jobs", cpu__max="400000 100000\n")
    group(root / "jobs/7", cpu__max="150000 100000\n")
    group(root / "jobs/8", cpu__max="max 100000\n")
    group(root / "cpu,cpuacct", cpu__cfs_quota_us="200000\n", cpu__cfs_period_us="100000\n")
    group(root / "cpu", cpu__cfs_quota_us="-1\n", cpu__cfs_period_us="100000\n")
    (tmp_path / "membership").write_text(lines)
    assert cpu_quota(tmp_path / "membership", root) == expected


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path / "none", tmp_path) == math.inf


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_the_affinity_counts() -> None:
    one = min(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, [one])
        assert cores() == 1
    except OSError:
        pytest.skip("this system forbids it")
    finally:
        os.sched_setaffinity(0, before)
    assert 1 <= cores() <= (os.cpu_count() or 1)
