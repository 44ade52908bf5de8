"""A method in a process of its own gives the same bytes as in this one, whatever it needs from its worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bridgebench import methods
from bridgebench.eval.judges.classifier import load_classifier
from bridgebench.harness.benchmark.failures import PluginFailed
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.benchmark.remote import RemoteEditor
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.stargan.editor import StarGAN

SIZE = 32


@pytest.fixture
def remote(judges: dict[str, Path]) -> Iterator[Any]:
    """Starts methods in processes of their own."""
    started = []

    def start(name: str, weights: Path | None = None) -> RemoteEditor:
        participant = Participant(methods.card(name), weights, None, None, "bridgebench")
        started.append(RemoteEditor(participant, CELEBA14, SIZE, "cpu", judges["classifier"], 300.0))
        return started[-1]

    yield start
    for editor in started:
        editor.end()


def batch(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Images, target labels and source labels."""
    draw = torch.Generator().manual_seed(seed)
    images = torch.rand(3, 3, SIZE, SIZE, generator=draw) * 2 - 1
    return images, *(torch.randint(0, 2, (3, len(CELEBA14)), generator=draw).float() for _ in range(2))


def test_networks_compute_the_same_bytes(remote: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    here = StarGAN(attributes=CELEBA14, image_size=SIZE, width=8, blocks=1).eval()
    methods.save(here, tmp_path / "weights.safetensors", {})
    there = remote("stargan", tmp_path / "weights.safetensors")
    assert (there.name, there.editable, there.options) == (here.name, here.editable, here.options)
    for seed in range(2):
        images, labels, source = batch(seed)
        assert there.edit(images, labels, source_labels=source).equal(here.edit(images, labels, source_labels=source))


def test_a_method_that_follows_the_judges_gradient_has_the_judge_there(remote: Any, judges: dict[str, Path]) -> None:
    here = methods.editor_class("attack")(attributes=CELEBA14, image_size=SIZE)
    here.attach(classifier=load_classifier(judges["classifier"], CELEBA14))
    images, labels, source = batch(0)
    expected = here.edit(images, labels, source_labels=source)
    assert not expected.equal(images)
    assert remote("attack").edit(images, labels, source_labels=source).equal(expected)


def test_true_edits_are_drawn_by_the_worker(remote: Any) -> None:
    asked: list[tuple[Tensor, Tensor, Tensor | None]] = []

    def truth(images: Tensor, labels: Tensor, reference: Tensor | None) -> Tensor:
        asked.append((images, labels, reference))
        return images.flip(0)

    editor = remote("oracle").attach(truth=truth)
    images, labels, source = batch(0)
    assert editor.edit(images, labels, source_labels=source).equal(images.flip(0))
    assert editor.edit(images, labels, images, source_labels=source).equal(images.flip(0))
    assert [like is None for _, _, like in asked] == [True, False]
    assert asked[0][0].equal(images)
    assert asked[0][1].equal(labels)


def test_its_cost_is_measured_where_it_computes(remote: Any) -> None:
    images, labels, source = batch(0)
    cost = remote("identity").measure_cost(images, labels, None, source)
    assert cost["batch"] == 3
    assert cost["parameters"] == 0
    assert cost["ms_per_image"] > 0


def test_an_error_is_told_with_its_traceback_and_the_next_edit_goes_on(remote: Any) -> None:
    images, labels, source = batch(0)
    editor = remote("identity")
    with pytest.raises(PluginFailed) as failed:
        editor.edit(images, labels[:2], source_labels=source)
    assert "in edit" in failed.value.report
    assert failed.value.report.splitlines()[-1].startswith(
        "bridgebench.methods.core.errors.UserError: labels must have"
    )
    assert editor.edit(images, labels, source_labels=source).equal(images)
    editor.end()
    with pytest.raises(PluginFailed, match="MethodDied"):
        editor.edit(images, labels, source_labels=source)
