"""Memory of measuring a test set of CelebA's size: 20,000 photos at 128 px, through the command line, in whole numbers.

Photos are drawn faces, enlarged, shifted and brightened, in CelebA's layout. What grows with their number is the same
for all networks (images, readings, features of 2,048 numbers), so it is taken with narrow ones, and what the networks
of the profile need beside it, which does not grow, on few photos. Weights are random; memory does not ask for more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from tools.page import Section
from torch import nn

from eval.classifier import AttributeClassifier, save_classifier
from harness.data.faces.dataset import load_faces
from methods.bridgegan.editor import BridgeGAN
from methods.stargan.editor import StarGAN
from methods.weights import save_editor

ATTRIBUTE = "Smiling"
WANTED_GIB = 4
PROFILE = f"""
attributes = ["{ATTRIBUTE}"]
methods = ["bridgegan", "stargan", "copy"]
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
bootstrap = 1000
[weights]
"""


class StandIn(nn.Module):
    """To the eye of the harness clean-fid's Inception: ``layers`` maps (N, 3, 299, 299) to (N, 2048)."""

    def __init__(self, layers: nn.Module | None = None) -> None:
        super().__init__()
        self.layers = layers or nn.Sequential(nn.AdaptiveAvgPool2d(26), nn.Flatten(), nn.Linear(2028, 2048), nn.SiLU())


@dataclass
class Peak:
    """MiB: the largest process, and all processes of a command together (a page that several map counts once)."""

    process: float = 0
    together: float = 0


def write_root(folder: Path, count: int) -> None:
    """`count` photos, all of the test split."""
    faces = load_faces("test", 200, 64, progress=False)
    large = [np.asarray(Image.fromarray(image).resize((178, 218))) for image in faces.images]
    draw = np.random.default_rng(0)
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06d}.jpg" for number in range(1, count + 1)]
    for number, name in enumerate(names):
        photo = np.roll(large[number % len(large)], draw.integers(-9, 10, 2), axis=(0, 1)).astype(np.int16)
        photo = np.clip(photo + draw.integers(-40, 41), 0, 255).astype(np.uint8)
        Image.fromarray(photo).save(folder / "img_align_celeba" / name, quality=80)
    column = faces.attributes.index(ATTRIBUTE)
    values = [1 if faces.labels[number % len(large), column] else -1 for number in range(count)]
    rows = [f"{name} {value}" for name, value in zip(names, values, strict=True)]
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(count), ATTRIBUTE, *rows, ""]))
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} 2\n" for name in names))


def write_profile(folder: Path, narrow: bool) -> Path:
    """A profile with its weights: narrow networks, or those of the paper with the whole of Inception."""
    torch.manual_seed(0)
    width = 4 if narrow else 32
    for name, architecture in (("classifier", "resnet"), ("judge", "plain")):
        save_classifier(AttributeClassifier([ATTRIBUTE], architecture, width), folder / f"{name}.safetensors", {})
    save_editor(BridgeGAN(attributes=[ATTRIBUTE], image_size=128), folder / "bridgegan.safetensors", {})
    star = {"width": 4, "blocks": 1} if narrow else {}
    save_editor(StarGAN(attributes=[ATTRIBUTE], image_size=128, **star), folder / "stargan.safetensors", {})
    torch.jit.script(StandIn(None if narrow else _inception())).save(str(folder / "inception.pt"))
    names = ("classifier", "judge", "bridgegan", "stargan")
    lines = [f'{name} = "{name}.safetensors"' for name in names] + ['inception = "inception.pt"', ""]
    path = folder / "tables.toml"
    path.write_text(PROFILE + "\n".join(lines))
    return path


def measure(folder: Path, count: int, systems: str, narrow: bool) -> Peak:
    """The peak of `bridgebench benchmark` with one worker."""
    write_root(folder / "data", count)
    profile = write_profile(folder, narrow)
    arguments = ["benchmark", "--profile", profile, "--methods", systems, "--data-root", folder / "data"]
    arguments += ["--out", folder / "run", "--workers", 1]
    environment = {**os.environ, "BRIDGEBENCH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    peak, done = Peak(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, done))
    watcher.start()
    code = process.wait()
    done.set()
    watcher.join()
    assert code == 0, f"the benchmark ended with {code}"
    return peak


def _watch(root: int, peak: Peak, done: threading.Event) -> None:
    while not done.wait(2):
        together = 0.0
        for pid in _family(root):
            try:
                status, rollup = (Path(f"/proc/{pid}/{name}").read_text() for name in ("status", "smaps_rollup"))
            except OSError:  # it has just ended
                continue
            peak.process = max(peak.process, _kib(status, "VmHWM") / 1024)
            together += _kib(rollup, "Pss") / 1024
        peak.together = max(peak.together, together)


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


def _inception() -> nn.Module:
    from torchvision.models import inception_v3

    network = inception_v3(weights=None, init_weights=False, aux_logits=False).eval()
    network.fc = nn.Identity()
    return torch.jit.trace(network, torch.zeros(1, 3, 299, 299), check_trace=False)


def main() -> None:
    """The table."""
    section = Section("whole_test_set")
    rows: list[list[object]] = []
    parts = [(20_000, "stargan,copy", True), (128, "stargan,copy", True), (128, "stargan", False)]
    parts.append((128, "bridgegan", False))
    for count, systems, narrow in parts:
        with TemporaryDirectory() as folder:
            peak = measure(Path(folder), count, systems, narrow)
        rows.append([f"{count:,}", systems, "narrow" if narrow else "the profile's", peak.process, peak.together])
    section.table(["photos", "methods", "networks", "largest process, MiB", "all processes, MiB"], rows)
    section.finish()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
