"""Detects that a training has broken down, before its last good checkpoint is overwritten."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError

# Losses of a healthy training stay far below this, even if they are sums over all pixels of a batch.
LARGEST_LOSS = 1e12


class LossGuard:
    """Remembers the first iteration at which a loss was not finite or exploded, without waiting for a GPU."""

    def __init__(self) -> None:
        # Keyed by the names of the terms, which differ between iterations; for each term, iteration (0: none) and loss.
        self._first: dict[tuple[str, ...], tuple[Tensor, Tensor]] = {}

    def watch(self, losses: Mapping[str, float | Tensor], iteration: int) -> None:
        """Checks the losses of an iteration, counted from 1."""
        if not losses:
            return
        names = tuple(losses)
        values = torch.stack([torch.as_tensor(value).float() for value in losses.values()])
        zeros = torch.zeros_like(values)
        when, what = self._first.get(names, (zeros, zeros))
        new = ~(values.abs() < LARGEST_LOSS) & (when == 0)
        self._first[names] = torch.where(new, float(iteration), when), torch.where(new, values, what)

    def check(self) -> None:
        """Raises a UserError that names the first bad loss and its iteration, if there was one."""
        found = [
            (int(iteration), order, name, value)
            for names, (when, what) in self._first.items()
            for order, (name, iteration, value) in enumerate(zip(names, when.tolist(), what.tolist(), strict=True))
            if iteration
        ]
        if found:
            iteration, _, name, value = min(found, key=lambda each: each[:2])
            raise _broken(f"The loss {name} became {value:.3g} at iteration {iteration}")


def check_networks(state: Mapping[str, object], iteration: int) -> None:
    """Raises a UserError if a tensor of a training's state is not finite: the next losses would not be either."""
    for name, tensor in state.items():
        if isinstance(tensor, Tensor) and tensor.is_floating_point() and not tensor.isfinite().all():
            raise _broken(f"The weights {name} were no longer finite at iteration {iteration}")


def _broken(what: str) -> UserError:
    return UserError(
        f"{what}; the last good checkpoint is kept: try a lower learning_rate in the profile (and another --out), or "
        "go on from it with --resume."
    )
