"""The inputs of one update in BridgeGAN's training: a batch with all its random draws, and the style codes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from bridgebench.methods.bridgegan import objective
from bridgebench.methods.core.errors import UserError

_LUCK = 2.0  # largest random cost of a pair, in changed attributes, so that one batch has many possible near orders
_NEVER = 1e6


def draw_order(labels: Tensor, near: bool, generator: torch.Generator) -> Tensor:
    """A permutation (N,) of a batch: sample i is edited towards the labels of sample order[i].

    Args:
        labels: (N, n) in {0, 1}.
        near: False: a random permutation. True: a permutation that changes few attributes and in which no sample is
            its own target (N ≥ 2). It has the lowest cost; a pair costs its changed attributes plus a random 0 to 2.
        generator: source of the randomness.
    """
    count = len(labels)
    if not near:
        return torch.randperm(count, generator=generator)
    on_host = labels.float().cpu()
    cost = torch.cdist(on_host, on_host, p=1) + _LUCK * torch.rand(count, count, generator=generator)
    return torch.from_numpy(linear_sum_assignment(cost.fill_diagonal_(_NEVER).numpy())[1])


@dataclass(frozen=True)
class Pairing:
    """A batch with all its random draws: the input of one update.

    Shapes: images and reference (N, 3, H, W); labels (N, n); noise (the memory's rows R) and other_noise (N, d);
    mix (N,) in [0, 1]; penalty_mix in [0, 1], N values for each kind of edit; rows (N,), indices into the memory. If
    this is one of several `parts` of a batch, `whole` holds the `objective.mode_distances` of that batch.
    """

    images: Tensor
    reference: Tensor
    source_labels: Tensor
    target_labels: Tensor
    noise: Tensor
    other_noise: Tensor
    mix: Tensor
    penalty_mix: Tensor
    rows: Tensor
    parts: int = 1
    whole: tuple[Tensor, Tensor] | None = None

    def split(self, size: int) -> list[Pairing]:
        """Cuts the batch into parts of `size` samples; keeps it in one part if `size` is 0.

        Raises:
            UserError: the batch cannot be cut into such parts.
        """
        count = len(self.images)
        if size in (0, count):
            return [self]
        if count % size:
            raise UserError(f"A batch of {count} cannot be cut into parts of {size}: choose another micro_batch.")
        parts = count // size
        mixes = [each.flatten() for each in self.penalty_mix.view(-1, count).chunk(parts, dim=1)]
        names = ["images", "reference", "source_labels", "target_labels", "noise", "other_noise", "mix", "rows"]
        cut = {name: getattr(self, name).chunk(parts) for name in names}
        return [
            Pairing(**{name: cut[name][k] for name in names}, penalty_mix=mixes[k], parts=parts) for k in range(parts)
        ]

    @property
    def difference(self) -> Tensor:
        """att_diff = Y_t - Y_s."""
        return objective.attribute_difference(self.target_labels, self.source_labels)


@dataclass(frozen=True)
class Codes:
    """The codes of one update. S_rand is `label` + `source`, S_ref is `reference` + `source`.

    If a recipe leaves out a kind of edit, the code of that kind is None.
    """

    source: Tensor
    label: Tensor | None
    reference: Tensor | None
    noise: Tensor

    def of_edits(self) -> list[Tensor]:
        """The codes of label and reference edits (`label`, `reference`) that are not None."""
        return [code for code in (self.label, self.reference) if code is not None]
