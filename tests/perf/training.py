"""Training steps against straightforward ones: images a second at the same widths, batch and precision, in one run.

The baselines (tests/perf/baselines) are the equations written down: BridgeGAN's with each image and each code computed
where a loss names it, and once more with each computed once an update; the two StarGANs' as the official code has
them. Before anything is timed, both sides make the same steps from the same weights and their losses are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from baselines import bridgegan, stargan, starganv2
from tools.clock import alternate
from tools.page import Section
from torch import Tensor

from methods.attributes import CELEBA14
from methods.bridgegan.recipe import BridgeGANRecipe
from methods.bridgegan.training import BridgeGANTraining
from methods.stargan.training import StarGANRecipe, StarGANTraining
from methods.starganv2.objective import Conversion
from methods.starganv2.pairing import Pairing
from methods.starganv2.recipe import StarGANv2Recipe
from methods.starganv2.training import StarGANv2Training
from methods.training import Batch

SIZE, REPEATS = 64, 2
Terms = dict[str, Tensor]


@dataclass(frozen=True)
class Contest:
    """A step of ours and the same step of its baselines, by name; `images`: real images that one reads."""

    title: str
    images: int
    ours: Callable[[], Terms]
    others: dict[str, Callable[[], Terms]]


def faces(count: int) -> Batch:
    """Random images and labels: a step costs the same whatever it sees."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, SIZE, SIZE, generator=generator) * 2 - 1
    labels = (torch.rand(count, len(CELEBA14), generator=generator) < 0.4).float()
    return Batch(images, labels, torch.arange(count))


def bridgegan_contests() -> list[Contest]:
    """faces64's widths and batch, in single precision; the supplement's losses."""
    sizes = {"width": 16, "code_channels": 16, "spade_hidden": 32, "encoder_width": 8, "mapping_blocks": 3}
    recipe = BridgeGANRecipe(**sizes, batch_size=12)  # type: ignore[arg-type]
    ours = BridgeGANTraining(recipe, CELEBA14, SIZE, recipe.batch_size, seed=0)
    pairing = ours.pair(faces(recipe.batch_size), torch.Generator().manual_seed(0))
    named = bridgegan.Step(ours, bridgegan.Named)
    kept = bridgegan.Step(ours, bridgegan.Remembered)
    both = {"as named": named, "each once": kept}
    critic: dict[str, Callable[[], Terms]] = {
        name: partial(step.update_discriminator, pairing) for name, step in both.items()
    }
    editors: dict[str, Callable[[], Terms]] = {
        name: partial(step.update_generator, pairing) for name, step in both.items()
    }
    return [
        Contest("BridgeGAN, update of D and C", 12, lambda: ours.update_discriminator(pairing), critic),
        Contest("BridgeGAN, update of G, M and E", 12, lambda: ours.update_generator(pairing), editors),
    ]


def stargan_contests() -> list[Contest]:
    """faces64's widths and batch."""
    recipe = StarGANRecipe(width=24, blocks=4, discriminator_width=16, batch_size=16, n_critic=1, flip=False)
    ours = StarGANTraining(recipe, CELEBA14, SIZE, recipe.batch_size, seed=0)
    plain, batch = stargan.Step(ours), faces(recipe.batch_size)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    mix = torch.rand(16, generator=torch.Generator().manual_seed(1))

    def step() -> Terms:
        # The draws of an iteration come from one generator: the order of the targets, then the places of the penalty.
        return ours.step(lambda: batch, torch.Generator().manual_seed(1))

    drawn = torch.Generator().manual_seed(1)
    order, mix = torch.randperm(16, generator=drawn), torch.rand(16, generator=drawn)
    images, labels = batch.images, batch.labels
    straight = lambda: plain.iteration(images, labels, labels[order], mix, both=True)  # noqa: E731
    return [Contest("StarGAN, one update of D and of G", 16, step, {"straightforward": straight})]


def starganv2_contests() -> list[Contest]:
    """faces64's widths and batch, the penalty in every update of D as officially."""
    recipe = StarGANv2Recipe(attribute="Bangs", width=16, widest=128, mapping_width=128, crop=0.0, flip=False)
    ours = StarGANv2Training(recipe, CELEBA14, SIZE, 8, seed=0)
    plain, count = starganv2.Step(ours), recipe.batch_size
    x, one, other = (faces(3 * count).images.chunk(3)[k] for k in range(3))
    generator = torch.Generator().manual_seed(0)
    domains, targets = (torch.randint(2, (count,), generator=generator) for _ in range(2))
    noises = (torch.randn(count, 16, generator=generator), torch.randn(count, 16, generator=generator))
    pairing = Pairing(Conversion(x, domains, targets), (one, other), noises)
    straight = {"straightforward": lambda: plain.iteration(pairing)}
    return [Contest("StarGAN v2, one iteration", count, lambda: ours.iterate(pairing), straight)]


def farthest(contest: Contest) -> float:
    """Makes one step on every side; the largest relative difference of a term that both name."""
    ours = contest.ours()
    worst = 0.0
    for other in contest.others.values():
        for name, term in other().items():
            if name in ours:
                worst = max(worst, float((ours[name].detach() - term).abs() / term.abs().clamp(min=1e-3)))
    return worst


def main() -> None:
    """Times every contest."""
    torch.set_num_threads(1)
    section = Section("training")
    rows: list[list[object]] = []
    spent: list[dict[str, float]] = []
    for contest in [*bridgegan_contests(), *stargan_contests(), *starganv2_contests()]:
        off = farthest(contest)
        assert off < 1e-2, f"{contest.title}: a loss is off by {off}"
        seconds = alternate({"ours": contest.ours, **contest.others}, REPEATS, warm_up=0)
        spent.append(seconds)
        for name in contest.others:
            ratio = seconds[name] / seconds["ours"]
            speeds = [contest.images / seconds[name], contest.images / seconds["ours"]]
            rows.append([contest.title, name, *speeds, ratio, off])
    critic, editors = spent[:2]
    for name in ("as named", "each once"):
        theirs, ours = (5 * critic[which] + editors[which] for which in (name, "ours"))
        rows.insert(0, ["BridgeGAN, iteration (5 and 1)", name, 72 / theirs, 72 / ours, theirs / ours, ""])
    head = ["step", "baseline", "its images/s", "ours, images/s", "ratio", "losses off by (relative)"]
    section.table(head, rows)
    section.finish()


if __name__ == "__main__":
    main()
