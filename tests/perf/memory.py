"""Peak memory of processes of their own: evaluation by its number of cells, BridgeGAN's step by its parts.

The largest resident size of a process, with Python and torch themselves in it. On a GPU the tensors alone count.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from tools.page import Section

COLUMNS = (1, 2, 4)
IMAGES = 64
WANTED_GIB = 12
# Batch, micro_batch at 128 pixels and the paper's widths; what 48 take is reckoned from the first two, which are whole.
STEPS = ((2, 0), (4, 0), (8, 4))


def in_own_process(*arguments: object) -> dict[str, float]:
    """What this script prints, called with arguments of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def peak_mib() -> float:
    """Of this process, until now."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def evaluate(columns: int) -> None:
    """Measures two methods by label, in so many columns."""
    from tools.benches import SmallBench

    from bridgebench.methods.core.labels import CELEBA14

    with TemporaryDirectory() as folder:
        small = SmallBench(Path(folder), ("bridgegan", "stargan"), IMAGES)
        small.open()
        for attribute in CELEBA14[:columns]:
            small.run("label", attribute)
    print(json.dumps({"peak": peak_mib()}))


def step(batch: int, micro_batch: int) -> None:
    """One update of each side by the paper's recipe."""
    from bridgebench.methods.bridgegan.recipe import BridgeGANRecipe
    from bridgebench.methods.bridgegan.training import BridgeGANTraining
    from bridgebench.methods.core.labels import CELEBA14
    from bridgebench.methods.training.base import Batch

    training = BridgeGANTraining(BridgeGANRecipe(batch_size=batch, micro_batch=micro_batch), CELEBA14, 128, batch, 0)
    images = torch.rand(batch, 3, 128, 128) * 2 - 1
    labels = (torch.rand(batch, len(CELEBA14)) < 0.4).float()
    pairing = training.pair(Batch(images, labels, torch.arange(batch)), torch.Generator().manual_seed(0))
    before = peak_mib()
    training.update_discriminator(pairing)
    critic = peak_mib()
    training.update_generator(pairing)
    print(json.dumps({"before": before, "critic": critic, "peak": peak_mib()}))


def main() -> None:
    """Both tables."""
    section = Section("memory")
    peaks = [in_own_process("evaluate", columns)["peak"] for columns in COLUMNS]
    section.table(
        ["cells measured", *(str(2 * columns) for columns in COLUMNS)], [["peak of the process, MiB", *peaks]]
    )
    section.say(f"BridgeGAN and StarGAN on {IMAGES} faces of 64 pixels, column after column in one process.")
    rows: list[list[object]] = []
    found = {given: in_own_process("step", *given) for given in STEPS}
    for (batch, micro), each in found.items():
        rows.append([batch, micro or "", each["critic"] / 1024, each["peak"] / 1024, ""])
    (small, _), (large, _) = STEPS[:2]
    slope = (found[STEPS[1]]["peak"] - found[STEPS[0]]["peak"]) / (large - small)
    whole = (found[STEPS[0]]["peak"] + slope * (48 - small)) / 1024
    rows.append([48, "", "", whole, "reckoned from the first two"])
    # A part more adds its share of the inputs only.
    inputs = 48 * 2 * 3 * 128 * 128 * 4 / 2**30
    rows.append(
        [48, STEPS[2][1], "", found[STEPS[2]]["peak"] / 1024 + inputs, "as above with 48 images and references"]
    )
    section.table(["batch", "micro_batch", "after D's update, GiB", "after G's, GiB", ""], rows)
    section.say(
        f"BridgeGAN at 128 pixels and the paper's widths, single precision. Wanted: batch 48 in {WANTED_GIB} GiB. The "
        "gradients are those of the whole batch (tests/methods/bridgegan/test_bridgegan_parts.py)."
    )
    section.finish()


if __name__ == "__main__":
    torch.set_num_threads(1)
    kind, *rest = sys.argv[1:] or [""]
    if kind == "evaluate":
        evaluate(*map(int, rest))
    elif kind == "step":
        step(*map(int, rest))
    else:
        main()
