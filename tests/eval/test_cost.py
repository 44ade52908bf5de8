"""Cost: what is counted, and that editing is what is timed."""

import time

import torch
from torch import Tensor, nn

from bridgebench.eval.cost import measure_cost
from bridgebench.methods.card import MethodCard
from bridgebench.methods.editor import Editor


class Sleeper(Editor):
    """Takes 4 ms an edit and 10 parameters."""

    card = MethodCard("sleeper", "Sleeper", frozenset({"label"}), "control", "", "", "")

    def __init__(self, **config) -> None:
        super().__init__(**config)
        self.weight = nn.Parameter(torch.zeros(10))

    def label_edit(self, images: Tensor, labels: Tensor, source_labels: Tensor, **options) -> Tensor:
        time.sleep(0.004)
        return images


def test_cost_of_a_sleeper():
    editor = Sleeper(attributes=("Smiling",), image_size=32)
    images, labels = torch.zeros(4, 3, 32, 32), torch.ones(4, 1)
    cost = measure_cost(editor, images, labels, source_labels=1 - labels)
    assert 1 <= cost["ms_per_image"] < 3
    assert (cost["parameters"], cost["batch"]) == (10, 4)
    assert 50 < cost["peak_memory_mib"] < 100_000
