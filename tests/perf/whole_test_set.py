"""Memory of measuring a test set of CelebA's size: 20,000 photos at 128 px, through the command line, in whole numbers.

Photos are drawn faces, enlarged, 200 of them over and over, in CelebA's layout. Networks are the profile's own with
random weights; memory does not ask for more. They compute the first photos alone (tools/first_photos.py).
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tools.first_photos import FIRST
from tools.page import Section

from bridgebench import methods
from bridgebench.eval.judges.classifier import AttributeClassifier, save_classifier
from bridgebench.eval.judges.inception import NAME, Inception
from bridgebench.harness.data.faces.dataset import load_faces
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods import editor_class
from bridgebench.methods.core.weights import save_tensors

ATTRIBUTE = "Smiling"
METHOD, TITLE = "bridgegan", "BridgeGAN"
PROFILE = f"""
attributes = ["{ATTRIBUTE}"]
methods = ["{METHOD}"]
[data]
name = "celeba"
image_size = 128
train = 0
validation = 0
test = 0
[evaluation]
n = 0
batch = 16
features = "inception"
minimum_n = 50
diversity_images = 8
[weights]
"""
COUNT = 20_000
WANTED = "4,096"
CELLS = 2  # by label and by reference
STAGES = ("preparing and planning", "edits", "distances of the edits", "costs and the page")
COMMAND = Path(__file__).parent / "tools" / "first_photos.py"


@dataclass
class Peak:
    """MiB: the largest process, and all processes of a command together (a page that several map counts once)."""

    process: float = 0
    together: float = 0


def write_root(folder: Path, count: int) -> None:
    """`count` photos, all of the test split."""
    faces = load_faces("test", 200, 64)
    large = [_jpeg(image) for image in faces.images]
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06d}.jpg" for number in range(1, count + 1)]
    for number, name in enumerate(names):
        (folder / "img_align_celeba" / name).write_bytes(large[number % len(large)])
    column = faces.attributes.index(ATTRIBUTE)
    values = [1 if faces.labels[number % len(large), column] else -1 for number in range(count)]
    rows = [f"{name} {value}" for name, value in zip(names, values, strict=True)]
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(count), ATTRIBUTE, *rows, ""]))
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} 2\n" for name in names))


def write_profile(folder: Path) -> Path:
    """A profile with its weights: the networks of celeba128 and the whole of Inception."""
    torch.manual_seed(0)
    recipes = load_profile("celeba128").train
    for name in ("classifier", "judge"):
        model = AttributeClassifier([ATTRIBUTE], recipes[name]["architecture"])
        save_classifier(model, folder / f"{name}.safetensors", {})
    editor = editor_class(METHOD)(attributes=[ATTRIBUTE], image_size=128)
    methods.save(editor, folder / f"{METHOD}.safetensors", {})
    save_tensors(folder / "inception.safetensors", Inception().state_dict(), NAME, {}, {})
    lines = [f'{name} = "{name}.safetensors"' for name in ("classifier", "judge", METHOD)]
    path = folder / "tables.toml"
    path.write_text(PROFILE + "\n".join([*lines, 'inception = "inception.safetensors"', ""]))
    return path


def measure(folder: Path, count: int) -> list[Peak]:
    """The peaks of `bridgebench benchmark` with one worker, stage by stage."""
    write_root(folder / "data", count)
    profile, run = write_profile(folder), folder / "run"
    arguments = ["benchmark", "--profile", profile, "--data-root", folder / "data", "--out", run, "--workers", 1]
    environment = {**os.environ, "BRIDGEBENCH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, COMMAND, *map(str, arguments)], env=environment)
    peaks, done = [Peak() for _ in STAGES], threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, run, peaks, done))
    watcher.start()
    code = process.wait()
    done.set()
    watcher.join()
    assert code == 0, f"the benchmark ended with {code}"
    return peaks


def _watch(root: int, run: Path, peaks: list[Peak], done: threading.Event) -> None:
    while not done.wait(0.5):
        sizes = []
        for pid in _family(root):
            try:
                status, rollup = (Path(f"/proc/{pid}/{name}").read_text() for name in ("status", "smaps_rollup"))
            except OSError:  # it has just ended
                continue
            sizes.append((_kib(status, "VmRSS") / 1024, _kib(rollup, "Pss") / 1024))
        peak = peaks[_stage(run)]
        peak.process = max([peak.process, *(rss for rss, _ in sizes)])
        peak.together = max(peak.together, sum(pss for _, pss in sizes))


def _stage(run: Path) -> int:
    """Which of STAGES the benchmark is at, by what stands in its folder; a cell's details come before its distances."""
    if not (run / "baselines.json").is_file():
        return 0
    measured, edited = (len(list(run.glob(f"{kind}/*/*/*.json"))) for kind in ("cells", "details"))
    return 3 if measured == CELLS else 1 + (edited > measured)


def _family(root: int) -> list[int]:
    """A process and all that it has started, and these have."""
    found = [root]
    for pid in found:
        try:
            found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except OSError:
            continue
    return found


def _kib(text: str, key: str) -> float:
    return next((float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{key}:")), 0.0)


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).resize((178, 218)).save(buffer, format="JPEG", quality=80)
    return buffer.getvalue()


def main() -> None:
    """The table."""
    section = Section("whole_test_set")
    with TemporaryDirectory() as folder:
        peaks = measure(Path(folder), COUNT)
    rows = [[stage, peak.process, peak.together] for stage, peak in zip(STAGES, peaks, strict=True)]
    section.table(["stage", "largest process, MiB", "all processes, MiB"], rows)
    section.say(
        f"{TITLE} by label and by reference, one attribute, one worker. In each process every network computes its "
        f"first {FIRST} photos; later ones get random numbers (tools/first_photos.py). Wanted: below {WANTED} MiB."
    )
    section.finish()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
