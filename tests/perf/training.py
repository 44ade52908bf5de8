"""Training steps against straightforward ones: images a second at the same widths, batch and precision, in one run.

The baselines (tests/perf/baselines) are the equations written down: BridgeGAN's with each image and each code computed
where a loss names it, and once more with each computed once an update; the two StarGANs' as the official code has
them. Before anything is timed, both sides make the same steps from the same weights and their losses are compared.

On a CPU in single precision, by its own seconds; where there is a GPU, there as well, in bfloat16, by the clock with
the GPU waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from baselines import bridgegan, stargan, starganv2
from tools.clock import alternate, gpu_clock
from tools.page import Section
from torch import Tensor

from bridgebench.methods.bridgegan.recipe import BridgeGANRecipe
from bridgebench.methods.bridgegan.training import BridgeGANTraining
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.stargan.recipe import StarGANRecipe
from bridgebench.methods.stargan.training import StarGANTraining
from bridgebench.methods.starganv2.objective import Conversion
from bridgebench.methods.starganv2.pairing import Pairing
from bridgebench.methods.starganv2.recipe import StarGANv2Recipe
from bridgebench.methods.starganv2.training import StarGANv2Training
from bridgebench.methods.training.base import Batch

SIZE, REPEATS = 64, 2
Terms = dict[str, Tensor]


@dataclass(frozen=True)
class Place:
    """Where steps are made, and how exactly."""

    device: str
    precision: Literal["32", "bf16"]

    def plainly(self, step: Callable[[], Terms]) -> Callable[[], Terms]:
        """A baseline's step in this precision."""

        def run() -> Terms:
            # Cast anew each time: an iteration changes its weights, and what autocast remembers would be the old ones.
            with torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16", cache_enabled=False):
                return step()

        return run


CPU, GPU = Place("cpu", "32"), Place("cuda", "bf16")


@dataclass(frozen=True)
class Contest:
    """A step of ours and the same step of its baselines, by name; `images`: real images that one reads."""

    title: str
    images: int
    ours: Callable[[], Terms]
    others: dict[str, Callable[[], Terms]]


def faces(count: int, place: Place) -> Batch:
    """Random images and labels: a step costs the same whatever it sees."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, SIZE, SIZE, generator=generator) * 2 - 1
    labels = (torch.rand(count, len(CELEBA14), generator=generator) < 0.4).float()
    return Batch(*(each.to(place.device) for each in (images, labels, torch.arange(count))))


def bridgegan_contests(place: Place = CPU) -> list[Contest]:
    """faces64's widths and batch; the supplement's losses."""
    sizes: dict[str, Any] = {
        "width": 16,
        "code_channels": 16,
        "spade_hidden": 32,
        "encoder_width": 8,
        "mapping_blocks": 3,
    }
    recipe = BridgeGANRecipe(**sizes, batch_size=12, precision=place.precision)
    ours = BridgeGANTraining(recipe, CELEBA14, SIZE, recipe.batch_size, seed=0).to(place.device)
    pairing = ours.pair(faces(recipe.batch_size, place), torch.Generator().manual_seed(0))
    named = bridgegan.Step(ours, bridgegan.Named)
    kept = bridgegan.Step(ours, bridgegan.Remembered)
    both = {"as named": named, "each once": kept}
    critic: dict[str, Callable[[], Terms]] = {
        name: place.plainly(partial(step.update_discriminator, pairing)) for name, step in both.items()
    }
    editors: dict[str, Callable[[], Terms]] = {
        name: place.plainly(partial(step.update_generator, pairing)) for name, step in both.items()
    }
    return [
        Contest("BridgeGAN, update of D and C", 12, lambda: ours.update_discriminator(pairing), critic),
        Contest("BridgeGAN, update of G, M and E", 12, lambda: ours.update_generator(pairing), editors),
    ]


def stargan_contests(place: Place = CPU) -> list[Contest]:
    """faces64's widths and batch."""
    sizes: dict[str, Any] = {"width": 24, "blocks": 4, "discriminator_width": 16, "batch_size": 16}
    recipe = StarGANRecipe(**sizes, n_critic=1, flip=False, precision=place.precision)
    ours = StarGANTraining(recipe, CELEBA14, SIZE, recipe.batch_size, seed=0).to(place.device)
    plain, batch = stargan.Step(ours), faces(recipe.batch_size, place)

    def step() -> Terms:
        # The draws of an iteration come from one generator: the order of the targets, then the places of the penalty.
        return ours.step(lambda: batch, torch.Generator().manual_seed(1))

    drawn = torch.Generator().manual_seed(1)
    order, mix = torch.randperm(16, generator=drawn), torch.rand(16, generator=drawn).to(place.device)
    images, labels = batch.images, batch.labels
    straight = place.plainly(lambda: plain.iteration(images, labels, labels[order.to(place.device)], mix, both=True))
    return [Contest("StarGAN, one update of D and of G", 16, step, {"straightforward": straight})]


def starganv2_contests(place: Place = CPU) -> list[Contest]:
    """faces64's widths and batch, the penalty in every update of D as officially."""
    sizes: dict[str, Any] = {"width": 16, "widest": 128, "mapping_width": 128}
    recipe = StarGANv2Recipe(attribute="Bangs", **sizes, crop=0.0, flip=False, precision=place.precision)
    ours = StarGANv2Training(recipe, CELEBA14, SIZE, 8, seed=0).to(place.device)
    plain, count = starganv2.Step(ours), recipe.batch_size
    x, one, other = faces(3 * count, place).images.chunk(3)
    generator = torch.Generator().manual_seed(0)
    domains, targets = (torch.randint(2, (count,), generator=generator).to(place.device) for _ in range(2))
    noise, second = (torch.randn(count, 16, generator=generator).to(place.device) for _ in range(2))
    pairing = Pairing(Conversion(x, domains, targets), (one, other), (noise, second))
    straight = {"straightforward": place.plainly(lambda: plain.iteration(pairing))}
    return [Contest("StarGAN v2, one iteration", count, lambda: ours.iterate(pairing), straight)]


def farthest(contest: Contest, least: float = 1e-3) -> float:
    """Makes one step on every side; the largest difference of a term that both name, relative to it or to `least`."""
    ours = contest.ours()
    worst = 0.0
    for other in contest.others.values():
        for name, term in other().items():
            if name in ours:
                worst = max(worst, float((ours[name].detach() - term).abs() / term.abs().clamp(min=least)))
    return worst


def measure(place: Place) -> list[list[object]]:
    """A row for each step and baseline."""
    rows: list[list[object]] = []
    spent: list[dict[str, float]] = []
    on_gpu = place.device == "cuda"
    for contest in [*bridgegan_contests(place), *stargan_contests(place), *starganv2_contests(place)]:
        off = farthest(contest) if place.precision == "32" else farthest(contest, 0.1)
        assert off < (1e-2 if place.precision == "32" else 5e-2), f"{contest.title}: a loss is off by {off}"
        sides = {"ours": contest.ours, **contest.others}
        seconds = alternate(sides, 20, 5, gpu_clock) if on_gpu else alternate(sides, REPEATS, warm_up=0)
        spent.append(seconds)
        for name in contest.others:
            ratio = seconds[name] / seconds["ours"]
            speeds = [contest.images / seconds[name], contest.images / seconds["ours"]]
            rows.append([contest.title, name, *speeds, ratio, off])
    critic, editors = spent[:2]
    for name in ("as named", "each once"):
        theirs, ours = (5 * critic[which] + editors[which] for which in (name, "ours"))
        rows.insert(0, ["BridgeGAN, iteration (5 and 1)", name, 72 / theirs, 72 / ours, theirs / ours, ""])
    return rows


def main() -> None:
    """Times every contest, on the CPU and where there is one on a GPU."""
    torch.set_num_threads(1)
    section = Section("training")
    head = ["step", "baseline", "its images/s", "ours, images/s", "ratio", "losses off by (relative)"]
    section.table(head, measure(CPU))
    if torch.cuda.is_available():
        section.say(f"On {torch.cuda.get_device_name()}, in bfloat16:")
        section.table(head, measure(GPU))
    else:
        section.say("On a GPU: skipped, torch sees none on this machine.")
    section.finish()


if __name__ == "__main__":
    main()
