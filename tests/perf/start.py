"""How long the command line and the package take to start, and that neither imports torch: the least of five runs."""

from __future__ import annotations

import resource
import subprocess
import sys

from tools.page import Section

RUNS = 5
STARTS = {
    "`python -c pass`": (["-c", "pass"], ""),
    "`import bridgebench.methods`": (["-c", "import bridgebench.methods"], 0.1),
    "`bridgebench --help`": (["-m", "bridgebench", "--help"], 0.3),
    "`bridgebench methods`": (["-m", "bridgebench", "methods"], ""),
}
NO_TORCH = "import sys, bridgebench.methods, bridgebench.harness.commands.main; sys.exit('torch' in sys.modules)"


def cpu_seconds(arguments: list[str]) -> float:
    """Of a Python process of its own, start and end included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Starts each of them, in turns."""
    section = Section("start")
    subprocess.run([sys.executable, "-c", NO_TORCH], check=True)
    runs = [[cpu_seconds(arguments) for arguments, _ in STARTS.values()] for _ in range(RUNS)]
    best = [min(column) for column in zip(*runs, strict=True)]
    rows = [
        [name, took, wanted and f"≤ {wanted}"] for (name, (_, wanted)), took in zip(STARTS.items(), best, strict=True)
    ]
    section.table(["what", "CPU s", "wanted"], rows)
    section.say(
        "Neither `bridgebench.methods` nor `bridgebench.harness.commands.main` imports torch (checked by this script)."
    )
    section.finish()


if __name__ == "__main__":
    main()
