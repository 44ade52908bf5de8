"""Checks the device on which networks compute, and makes its results repeatable."""

from __future__ import annotations

import torch

from bridgebench.methods.core.errors import UserError


def check_device(device: str) -> None:
    """Checks that networks can compute on a device, named as in PyTorch ("cpu", "cuda", "cuda:1").

    Raises:
        UserError: networks cannot compute there.
    """
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # no such device, or PyTorch was built without it
        raise UserError(
            f"--device {device}: PyTorch cannot compute there ({str(error).splitlines()[0]}); leave it out for the CPU."
        ) from error


def repeatable() -> None:
    """Makes results repeatable: this process computes with one thread, so sums do not depend on a thread count.

    On a GPU, sums must not depend on which algorithm was fastest at the time, nor be rounded to TensorFloat-32.
    """
    import threadpoolctl

    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
