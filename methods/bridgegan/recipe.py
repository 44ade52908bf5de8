"""The numbers of a BridgeGAN training run; the defaults are the paper's (supplement, then the released code)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bridgebench.methods.bridgegan.objective import OFFICIAL_CODE, SUPPLEMENT, LossWeights


@dataclass(frozen=True)
class BridgeGANRecipe:
    """Sizes, loss weights and schedule; every field may stand in a profile's ``[train.bridgegan]`` table.

    The paper's run is the defaults: batch 48, n_critic 5, Adam (0.5, 0.999) at 2e-4, about 50,000 iterations, the
    supplement's loss weights. What a short run adds, all off by default, is under "Short recipes".

    Attributes:
        width ... mapping_blocks: sizes of G, E and M, see `BridgeGAN`.
        discriminator_width, discriminator_blocks: sizes of D and C.
        batch_size: images an update.
        learning_rate: of Adam, for all networks.
        iterations: length of the run.
        n_critic: updates of D and C for one of G, M and E.
        loss_weights: ``"supplement"`` (default) or ``"official-code"``; they differ in cycle and keeping.
        memory_sign: +1 moves the noise memory along the gradient of the matching loss as released; -1 against it.
        precision: ``"32"`` or ``"bf16"`` (autocast).
        notes: a note for readers of the weights' card.

    Short recipes:
        classifier_warmup: first iterations, in which C (with D's trunk) alone is trained, on real images.
        warmup: first iterations (or those after C's own), in which C is trained on real images alone (not again, if
            it has been) and G, M, E on reconstruction alone.
        warmup_learning_rate: of the iterations of `warmup` (0: as the others).
        ramp: iterations over which cycle, closeness and keeping rise from 0 to their weights.
        classification, reconstruction, d_classification: override these weights when positive.
        late_from, late_reconstruction: the weight that reconstruction has from this iteration on (0: as before). While
            C's judgement is still to be won, a high one keeps edits from being made at all; once it is, they stay.
        penalty_every: take the gradient penalty at every k-th iteration, k times as strong.
        share_fakes: the last critic update and the generator's use the same batch and edits.
        mode_epsilon: of the mode-seeking term, added to the distance of two edits (official: 1e-5). After a warm-up
            edits hardly depend on the noise yet, and a first gradient of 1/distance^2 would fill Adam's averages.
        cooldown: last iterations, in which the learning rate falls linearly to 0.
        near_targets: the target of a sample is one of the batch with like labels. In a training set that has rare
            attributes as often as common ones a random one changes 5.8 of the 14, by CelebA's frequencies 3.9.

    What of the method takes part (all of it; for ablations):
        keeping: the attribute keeping loss.
        interpolated: the edit by the interpolated code, among the fakes that D judges and C classifies.
        noise_memory: R are the memory's rows; without it standard normal draws, as at test time.
        mode_seeking: the mode-seeking term.
        edits: ``"both"`` kinds; or by ``"label"`` or ``"reference"`` alone, without the other's codes and what needs
            both: closeness, the interpolated edit, the noise memory (whose rows follow the references' codes).
            Attribute keeping is then of the edits that there are.

    On a small machine:
        micro_batch: compute each update in parts of so many images, whose gradients add up to those of the whole batch:
            the memory of a part instead of the batch's, for about an eighth more time (0: all at once).
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
        """The constructor arguments of `BridgeGAN` that a recipe decides."""
        names = "width code_channels spade_hidden noise_size encoder_width encoder_blocks mapping_blocks"
        return {name: getattr(self, name) for name in names.split()}

    def kinds(self) -> tuple[str, ...]:
        """The edits that are trained, in order: of ``"label"``, ``"reference"``, ``"interpolated"``."""
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
        """The loss weights, overrides applied."""
        chosen = SUPPLEMENT if self.loss_weights == "supplement" else OFFICIAL_CODE
        names = ("classification", "reconstruction", "d_classification")
        overrides = {name: getattr(self, name) for name in names}
        return replace(chosen, **{name: value for name, value in overrides.items() if value > 0})

    def reconstruction_at(self, iteration: int, weight: float) -> float:
        """The weight of the reconstruction at an iteration, where `weight` is what it begins with."""
        return self.late_reconstruction if self.late_reconstruction and iteration >= self.late_from else weight

    @property
    def first_edit(self) -> int:
        """The first iteration after the warm-ups: the first that makes edits."""
        return self.classifier_warmup + self.warmup

    def rate_at(self, iteration: int) -> float:
        """The learning rate of an iteration: constant, then linear to 0 over the last `cooldown`."""
        if self.classifier_warmup <= iteration < self.first_edit and self.warmup_learning_rate:
            return self.warmup_learning_rate
        left = self.iterations - iteration
        return self.learning_rate * min(1.0, left / self.cooldown) if self.cooldown else self.learning_rate
