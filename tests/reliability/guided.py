"""Bad input guided by coverage: atheris goes on from inputs that reached lines of ours that no other had reached.

    python tests/reliability/guided.py [--seconds 60] [--seed 0] [--only "profile"] [--keep FOLDER]

So many seconds for each reader of ``READERS``. Inputs that reached new lines are kept in the cache's folder, and the
next call begins with them. The counts are added to those in ``figures.json``; the exit code is 1 if an input ends in
anything but a clear sentence.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bridgebench"]):
    import fuzz

from figures import add

from bridgebench.harness.processes.user_cache import default_cache_dir

# Readers whose format is decoded by our own code.
READERS = (
    "profile", "weights file", "CelebA labels", "CelebA labels, CSV", "CelebA partition", "TorchScript file",
    "record archive", "manifest", "cell", "cache of images: blocks.jsonl", "lock", "outcomes of single edits",
)  # fmt: skip
_LARGEST = 65536  # bytes of an input


def feed(reader: str, seconds: int, seed: int, counts: Path, keep: Path | None) -> None:
    """Feeds one reader, and never returns; the counts are written every half a second."""
    folder = Path(tempfile.mkdtemp(dir=counts.parent))
    target = next(each for each in fuzz.targets(folder) if each.name == reader)
    corpus = default_cache_dir() / "soak" / "corpus" / reader.replace(" ", "-").replace(":", "")
    corpus.mkdir(parents=True, exist_ok=True)
    for number, good in enumerate(target.good):
        (corpus / f"good-{number}").write_bytes(good)
    path, found, written = folder / f"input{target.suffix}", Counter[str](), 0.0

    def take(data: bytes) -> None:
        nonlocal written
        path.write_bytes(data)
        outcome = fuzz.feed(target, path)
        found["inputs"] += 1
        found[outcome] += 1
        if outcome == "bug" and keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"guided-{seed}-{found['inputs']}{target.suffix}").write_bytes(data)
        if outcome == "bug" or time.monotonic() > written + 0.5:
            written = time.monotonic()
            counts.write_text(json.dumps(found))

    options = [f"-max_total_time={seconds}", f"-seed={seed + 1}", f"-max_len={_LARGEST}"]
    atheris.Setup(["guided.py", *options, "-rss_limit_mb=0", "-verbosity=0", str(corpus)], take)
    atheris.Fuzz()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=READERS)
    parser.add_argument("--counts", type=Path, help=argparse.SUPPRESS)  # of the process for one reader
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    if given.counts is not None:
        feed(given.only, given.seconds, given.seed, given.counts, given.keep)
    bugs = 0
    for reader in [given.only] if given.only else READERS:
        with tempfile.TemporaryDirectory() as name:
            counts = Path(name) / "counts.json"
            command = [sys.executable, __file__, "--only", reader, "--counts", str(counts)]
            command += ["--seconds", str(given.seconds), "--seed", str(given.seed)]
            command += ["--keep", str(given.keep)] if given.keep else []
            subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)
            found = dict.fromkeys(("inputs", "taken", "refused", "bug"), 0) | json.loads(counts.read_text())
        add("guided", {"readers": {reader: found}})
        bugs += found["bug"]
    return int(bugs > 0)


if __name__ == "__main__":
    sys.exit(main())
