"""The settings of a BridgeGAN training run; defaults from the paper (the supplement, else the released code)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bridgebench.methods.bridgegan.objective import OFFICIAL_CODE, SUPPLEMENT, LossWeights


@dataclass(frozen=True)
class BridgeGANRecipe:
    """Sizes, loss weights and schedule; every field may stand in a profile's ``[train.bridgegan]`` table.

    The defaults are the paper's run: batch 48, n_critic 5, Adam (0.5, 0.999) at 2e-4, about 50,000 iterations, the
    supplement's loss weights. The fields under "Short recipes" are for short runs; all are off by default.

    Attributes:
        width ... mapping_blocks: sizes of G, E and M, see `BridgeGAN`.
        discriminator_width, discriminator_blocks: sizes of D and C.
        batch_size: images in each update.
        learning_rate: learning rate of Adam, for all networks.
        iterations: number of iterations of the run.
        n_critic: updates of D and C for each update of G, M and E.
        loss_weights: ``"supplement"`` (default) or ``"official-code"``; they differ in cycle and keeping.
        memory_sign: +1 (released code) moves the noise memory along the gradient of the matching loss, -1 against it.
        precision: ``"32"`` or ``"bf16"`` (autocast).
        notes: a note for people who read the card of the weights.

    Short recipes:
        classifier_warmup: number of first iterations that train only C (with D's trunk), on real images.
        warmup: number of first iterations (after those of `classifier_warmup`) that train G, M and E on reconstruction
            only. They also train C on real images, unless `classifier_warmup` has done so.
        warmup_learning_rate: learning rate in the iterations of `warmup` (0: the same as in the others).
        ramp: iterations over which the weights of cycle, closeness and keeping rise from 0 to their full values.
        classification, reconstruction, d_classification: replace these loss weights when positive.
        late_from, late_reconstruction: from iteration `late_from` on, reconstruction has this weight (0: no change).
            While edits do not convince C yet, a high weight prevents edits altogether; once they do, edits stay.
        penalty_every: k: compute the gradient penalty at every k-th iteration only, with k times the weight.
        share_fakes: the last update of D and the update of G use the same batch and edits.
        mode_epsilon: added to the distance of two edits in the mode-seeking term (official: 1e-5). After a warm-up
            edits hardly depend on the noise yet; a first gradient of 1/distance^2 would dominate Adam's averages.
        cooldown: number of last iterations, in which the learning rate falls linearly to 0.
        near_targets: each sample gets a target from its batch with similar labels. A random target changes 5.8 of the
            14 attributes if rare and common ones are equally frequent in training, 3.9 with CelebA's frequencies.

    Parts of the method that can be left out (for ablations; by default none is):
        keeping: the attribute keeping loss.
        interpolated: also make edits by the interpolated code, which D judges and C classifies.
        noise_memory: take R from the rows of the memory; without it R is standard normal, as at test time.
        mode_seeking: the mode-seeking term.
        edits: train ``"both"`` kinds of edits, or only ``"label"`` or ``"reference"`` edits. One kind alone has no
            closeness, no interpolated edit and no noise memory (whose rows follow the references' codes), for these
            need the codes of both. Attribute keeping then uses the kind of edit that is left.

    On a small machine:
        micro_batch: compute each update in parts of this many images; the gradients of the parts add up to the
            batch's. It takes the memory of one part only and about an eighth more time (0: all images at once).
    """

    width: int = 32
    code_channels: int = 32
    spade_hidden: int = 128
    noise_size: int = 16
    encoder_width: int = 16
    encoder_blocks: int = 3
    mapping_blocks: int = 4
    discriminator_width: int = 16
    discriminator_blocks: int = 4
    batch_size: int = 48
    learning_rate: float = 2e-4
    iterations: int = 50_000
    n_critic: int = 5
    loss_weights: Literal["supplement", "official-code"] = "supplement"
    memory_sign: Literal[1, -1] = 1
    precision: Literal["32", "bf16"] = "32"
    notes: str = ""
    classifier_warmup: int = 0
    warmup: int = 0
    warmup_learning_rate: float = 0.0
    ramp: int = 0
    classification: float = 0.0
    reconstruction: float = 0.0
    d_classification: float = 0.0
    late_from: int = 0
    late_reconstruction: float = 0.0
    penalty_every: int = 1
    share_fakes: bool = False
    mode_epsilon: float = 1e-5
    cooldown: int = 0
    near_targets: bool = False
    keeping: bool = True
    interpolated: bool = True
    noise_memory: bool = True
    mode_seeking: bool = True
    edits: Literal["both", "label", "reference"] = "both"
    micro_batch: int = 0

    def editor_sizes(self) -> dict[str, int]:
        """The constructor arguments of `BridgeGAN` that the recipe sets."""
        names = "width code_channels spade_hidden noise_size encoder_width encoder_blocks mapping_blocks"
        return {name: getattr(self, name) for name in names.split()}

    def kinds(self) -> tuple[str, ...]:
        """The kinds of edits that are trained, in the order ``"label"``, ``"reference"``, ``"interpolated"``."""
        if self.edits != "both":
            return (self.edits,)
        return ("label", "reference", "interpolated") if self.interpolated else ("label", "reference")

    @property
    def has_memory(self) -> bool:
        """Whether there is a noise memory, which needs both kinds of edits."""
        return self.noise_memory and self.edits == "both"

    @property
    def seeks_modes(self) -> bool:
        """Whether there is a mode-seeking term, which needs edits by label."""
        return self.mode_seeking and self.edits != "reference"

    def weights(self) -> LossWeights:
        """The loss weights, after the overrides of the recipe."""
        chosen = SUPPLEMENT if self.loss_weights == "supplement" else OFFICIAL_CODE
        names = ("classification", "reconstruction", "d_classification")
        overrides = {name: getattr(self, name) for name in names}
        return replace(chosen, **{name: value for name, value in overrides.items() if value > 0})

    def reconstruction_at(self, iteration: int, weight: float) -> float:
        """The weight of the reconstruction at an iteration; `weight` is its value at the start of training."""
        return self.late_reconstruction if self.late_reconstruction and iteration >= self.late_from else weight

    @property
    def first_edit(self) -> int:
        """The first iteration after the warm-ups, which is the first that makes edits."""
        return self.classifier_warmup + self.warmup

    def rate_at(self, iteration: int) -> float:
        """The learning rate of an iteration: constant, then linear to 0 over the last `cooldown` iterations."""
        if self.classifier_warmup <= iteration < self.first_edit and self.warmup_learning_rate:
            return self.warmup_learning_rate
        left = self.iterations - iteration
        return self.learning_rate * min(1.0, left / self.cooldown) if self.cooldown else self.learning_rate
