"""Refuses a tree that nobody likes to clone: a file over 8 MB, a published page over 6 MB, more than 90 MB in all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LARGEST, PAGE, WHOLE = 8 * 10**6, 6 * 10**6, 90 * 10**6  # bytes
PAGES = "reports/published/"


def complaints(sizes: dict[str, int]) -> list[str]:
    """What is too heavy in a tree, a sentence each; `sizes`: the bytes of each file by its path."""
    found = []
    for name, size in sizes.items():
        largest = PAGE if name.startswith(PAGES) and name.endswith(".html") else LARGEST
        if size > largest:
            found.append(f"{name} has {size / 1e6:.1f} MB, more than {largest / 1e6:.0f}.")
    if sum(sizes.values()) > WHOLE:
        found.append(f"The tree has {sum(sizes.values()) / 1e6:.1f} MB, more than {WHOLE / 1e6:.0f}.")
    return found


def main() -> int:
    """Returns 1 and says why, if something is too heavy."""
    names = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout.split("\0")
    sizes = {name: Path(name).stat().st_size for name in names if name and Path(name).is_file()}
    found = complaints(sizes)
    print("\n".join(found) or f"{len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB: light enough.")
    if found:
        print("Heavy weights and pages belong into a release archive: see .ci/archive.py.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
