"""The cost of an edit: time for each image, parameters, memory. Cells exclude it, since times are not repeatable."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from bridgebench.methods.editor import Editor

_REPEATS = 5


def measure_cost(
    editor: Editor,
    images: Tensor,
    labels: Tensor | None = None,
    reference: Tensor | None = None,
    source_labels: Tensor | None = None,
) -> dict[str, Any]:
    """Measures one batch: the median time of five edits, after one edit to warm up.

    Args:
        editor: editor of any method, on the device of `images`.
        images, labels, reference, source_labels: one batch, as in ``Editor.edit``.

    Returns:
        ``{"ms_per_image", "parameters", "peak_memory_mib", "batch"}``. On a GPU, memory is the peak of all tensors.
        On a CPU it is the peak resident size of the whole process during the edits, torch itself included; of a method
        in an environment of its own, that of its program. None where nobody knows.
    """
    generator = torch.Generator()

    def edit() -> None:
        editor.edit(images, labels, reference, source_labels=source_labels, generator=generator)
        if images.is_cuda:
            torch.cuda.synchronize(images.device)

    edit()
    _forget_peak(images, editor.process)
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        edit()
        seconds.append(time.perf_counter() - start)
    return {
        "ms_per_image": 1000 * statistics.median(seconds) / len(images),
        "parameters": editor.known_parameters,
        "peak_memory_mib": _peak_mib(images, editor.process),
        "batch": len(images),
    }


def _forget_peak(images: Tensor, process: int | None) -> None:
    if images.is_cuda and process is None:
        torch.cuda.reset_peak_memory_stats(images.device)
        return
    try:
        Path(f"/proc/{process or 'self'}/clear_refs").write_text("5")  # Linux: resets the peak of the resident size
    except OSError:
        return  # elsewhere the peak is that since the process began


def _peak_mib(images: Tensor, process: int | None) -> float | None:
    found = _peak_bytes(images, process)
    return None if found is None else found / 2**20


def _peak_bytes(images: Tensor, process: int | None) -> int | None:
    if images.is_cuda and process is None:
        return torch.cuda.max_memory_allocated(images.device)
    status = Path(f"/proc/{process or 'self'}/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if process is not None:
        return None
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
