"""``precision = "auto"``: use bfloat16 only if this machine computes faster with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

AUTO = "auto"
_CALLS, _ROUNDS = 3, 3


def resolved(recipe: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """A recipe whose ``precision``, if it is "auto", is "bf16" or "32", whichever trains faster on `device`."""
    if recipe.get("precision") != AUTO:
        return dict(recipe)
    return {**recipe, "precision": "bf16" if _seconds(device, True) < _seconds(device, False) else "32"}


def _seconds(device: torch.device, reduced: bool) -> float:
    """The shortest time of a few steps of a small convolutional network, as a proxy for a method's networks."""
    network = nn.Sequential(nn.Conv2d(3, 32, 3, 1, 1), nn.ReLU(), *(nn.Conv2d(32, 32, 3, 1, 1) for _ in range(3)))
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.zeros(16, 3, 64, 64, device=device).contiguous(memory_format=torch.channels_last)
    times = []
    for _ in range(_ROUNDS + 1):
        started = time.perf_counter()
        for _ in range(_CALLS):
            with torch.autocast(device.type, torch.bfloat16, enabled=reduced):
                loss = network(images).float().square().mean()
            loss.backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times[1:])  # the first round is a warm-up
