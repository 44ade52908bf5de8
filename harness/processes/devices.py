"""Where networks compute, and that a sum is the same number each time it is taken there."""

from __future__ import annotations

import torch

from bridgebench.methods.core.errors import UserError


def check_device(device: str) -> None:
    """Whether networks can compute on a device, as PyTorch names it ("cpu", "cuda", "cuda:1").

    Raises:
        UserError: they cannot.
    """
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # no such device; PyTorch was built without it
        raise UserError(
            f"--device {device}: PyTorch cannot compute there ({str(error).splitlines()[0]}); leave it out for the CPU."
        ) from error


def repeatable() -> None:
    """Sums must not depend on a thread count: all computing in this process is done by one thread.

    On a GPU they must not depend on which algorithm was the fastest just now, nor be rounded to TensorFloat-32.
    """
    import threadpoolctl

    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
