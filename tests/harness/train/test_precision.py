"""`precision = "auto"` becomes what the machine is faster with, and any other recipe stays as it is."""

from __future__ import annotations

import pytest
import torch

from bridgebench.harness.train import precision


@pytest.mark.parametrize(("reduced", "full", "chosen"), [(1.0, 2.0, "bf16"), (2.0, 1.0, "32")])
def test_the_faster_precision_is_chosen(monkeypatch, reduced, full, chosen):
    monkeypatch.setattr(precision, "_seconds", lambda device, is_reduced: reduced if is_reduced else full)
    cpu = torch.device("cpu")
    assert precision.resolved({"precision": "auto", "width": 4}, cpu) == {"precision": chosen, "width": 4}
    assert precision.resolved({"precision": "32"}, cpu) == {"precision": "32"}
    assert precision.resolved({"width": 4}, cpu) == {"width": 4}


def test_both_precisions_can_be_timed_here():
    assert all(precision._seconds(torch.device("cpu"), reduced) > 0 for reduced in (True, False))
