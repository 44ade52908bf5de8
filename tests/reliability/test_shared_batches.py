"""Two processes that share every batch train as one process does on the whole of it."""

from __future__ import annotations

from typing import Any

import pytest
import shared_batches
import torch

# Sums in another order, in single precision: what they differ by, relative to a loss, or to the way that all weights
# and buffers together have moved. Rounding may tip a value over the kink of a rectifier: images brighter by 1e-7 move
# StarGAN v2's weights by 1.5e-3 of their way in one process, too.
LOSS_TOLERANCE, STEP_TOLERANCE = 1e-4, 3e-3


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("two")
    torch.multiprocessing.spawn(shared_batches.process, (2, folder), nprocs=2)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("method", shared_batches.RECIPES)
def test_two_processes_have_the_losses_of_one(method: str, two: list[dict[str, Any]]) -> None:
    expected = shared_batches.run(method)
    for found in (process[method] for process in two):
        for iteration, losses in enumerate(expected["losses"]):
            assert found["losses"][iteration] == pytest.approx(losses, rel=LOSS_TOLERANCE, abs=1e-5), iteration
        both = [torch.cat([tensor.flatten() for tensor in each["moved"].values()]) for each in (found, expected)]
        assert (both[0] - both[1]).norm() <= STEP_TOLERANCE * both[1].norm()


@pytest.mark.parametrize("method", shared_batches.RECIPES)
def test_both_processes_hold_the_same_bytes(method: str, two: list[dict[str, Any]]) -> None:
    first, second = (process[method]["moved"] for process in two)
    assert all(torch.equal(first[name], second[name]) for name in first)
