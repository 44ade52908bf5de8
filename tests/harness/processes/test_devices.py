"""Networks on another device than the CPU, seen without one: PyTorch's fake tensors refuse to mix devices."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from bridgebench import methods
from bridgebench.harness.processes.devices import check_device
from bridgebench.methods.core.errors import UserError

SIZE = 64
GPU = torch.device("cuda", 0)


def moved(mode: FakeTensorMode, module: nn.Module) -> Any:
    """What ``Module.to`` does, which fake tensors do not bear: parameters and buffers are moved, and nothing else."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = nn.Parameter(mode.from_tensor(parameter).to(GPU), requires_grad=False)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = mode.from_tensor(buffer).to(GPU)
    return module.eval()


# These three go by what a tensor holds, and a fake one holds nothing.
@pytest.mark.parametrize("name", [name for name in methods.names() if name not in ("attack", "homogan", "oracle")])
def test_an_edit_stays_on_the_device_of_its_images(name: str) -> None:
    options = {"attribute": "Bangs"} if name == "starganv2" else {}
    editor = methods.editor_class(name)(image_size=SIZE, **options)
    with FakeTensorMode() as mode:
        editor = moved(mode, editor)
        images, labels = torch.zeros(2, 3, SIZE, SIZE, device=GPU), torch.zeros(2, len(editor.attributes), device=GPU)
        given = {"strength": None, "noise": None, "generator": torch.Generator().manual_seed(0)}
        if "label" in editor.modes:
            edited = editor.label_edit(images, labels, 1 - labels, **given)
            assert edited.device == GPU and edited.shape == images.shape
        if "reference" in editor.modes:
            edited = editor.reference_edit(images, images, labels, 1 - labels, **given)
            assert edited.device == GPU and edited.shape == images.shape


def test_a_device_that_is_not_there_is_told() -> None:
    check_device("cpu")
    with pytest.raises(UserError, match="--device cuda:99: PyTorch cannot compute there"):
        check_device("cuda:99")
    with pytest.raises(UserError, match="--device gpu: PyTorch cannot compute there"):
        check_device("gpu")
