"""The controls do what their rows claim."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bridgebench import methods
from bridgebench.methods.controls import ATTACK
from bridgebench.methods.controls.attack import Attack
from bridgebench.methods.controls.editors import Copy, Identity, Oracle
from bridgebench.methods.core.errors import UnsupportedMode, UserError

NAMES = ("A", "B", "C")
LEVEL = 2 / 255


def classifier() -> nn.Module:
    """A small convolutional classifier with group norm, as sharp as a trained one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1),
            nn.GroupNorm(4, 16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.GroupNorm(4, 32),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 64, len(NAMES)),
        )
        with torch.no_grad():
            network[-1].weight.mul_(10)
    return network.eval()


def photos(count: int = 6) -> torch.Tensor:
    """Smooth images on the grid of 8 bits."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(1)) * 2 - 1
    smooth = nn.functional.interpolate(coarse, size=32, mode="bilinear")
    return (smooth * 127.5 + 127.5).round() / 127.5 - 1


def flipped(labels: torch.Tensor, column: int) -> torch.Tensor:
    out = labels.clone()
    out[:, column] = 1 - out[:, column]
    return out


def test_identity_and_copy():
    images, reference, labels = photos(), photos().flip(0), torch.zeros(6, 3)
    identity = Identity(attributes=NAMES)
    for given in ({}, {"reference": reference}):
        out = identity.edit(images, labels=1 - labels, source_labels=labels, **given)
        assert torch.equal(out, images)
        assert out.data_ptr() != images.data_ptr()
    copy = Copy(attributes=NAMES)
    assert torch.equal(copy.edit(images, labels=labels, reference=reference, source_labels=labels), reference)
    with pytest.raises(UnsupportedMode, match="Copy has no label edit; it has: reference"):
        copy.edit(images, labels=labels, source_labels=labels)


def test_oracle_asks_the_truth():
    images, labels = photos(), torch.ones(6, 3)
    asked = []

    def truth(sources, target, reference):
        asked.append((target, reference))
        return -sources

    oracle = Oracle(attributes=NAMES)
    with pytest.raises(UserError, match="needs a truth"):
        oracle.edit(images, labels=labels, source_labels=labels)
    oracle.attach(truth=truth)
    assert torch.equal(oracle.edit(images, labels=labels, source_labels=0 * labels), -images)
    oracle.edit(images, labels=labels, reference=images, source_labels=0 * labels)
    assert [reference is None for _, reference in asked] == [True, False]
    assert torch.equal(asked[0][0], labels)


def test_attack_flips_the_classifier_within_its_budget():
    network, images = classifier(), photos()
    attack = Attack(attributes=NAMES, grey_levels=6).attach(classifier=network)
    with torch.no_grad():
        source = (network(images) > 0).float()
    for column in range(len(NAMES)):
        target = flipped(source, column)
        out = attack.edit(images, labels=target, source_labels=source)
        change = (out - images).abs()
        assert float(change.max()) <= 6 * LEVEL + 1e-6
        assert float(change.mean()) < 3 * LEVEL
        saved = (out * 127.5 + 127.5).round().clamp(0, 255) / 127.5 - 1  # as an 8-bit file
        with torch.no_grad():
            read = (network(saved) > 0).float()
        assert torch.equal(read[:, column], target[:, column])
        assert float((read == target).float().mean()) > 0.9
    assert all(parameter.grad is None for parameter in network.parameters())


def test_attack_leaves_alone_what_already_reads_as_the_target():
    network, images = classifier(), photos()
    attack = Attack(attributes=NAMES).attach(classifier=network)
    source = torch.zeros(6, 3)
    assert torch.equal(attack.edit(images, labels=source, source_labels=source), images)
    margin = network(images).detach()[:, 0]
    claimed = source.clone()
    claimed[:, 0] = (margin < 0).float()  # the opposite of what is read: the target is there already
    out = attack.edit(images, labels=flipped(claimed, 0), source_labels=claimed)
    sure = margin.abs() > 1
    assert torch.equal(out[sure], images[sure])


def test_attack_does_not_depend_on_the_batch():
    network, images = classifier(), photos()
    attack = Attack(attributes=NAMES).attach(classifier=network)
    source = (network(images) > 0).float()
    target = flipped(source, 1)
    whole = attack.edit(images, labels=target, source_labels=source)
    for i in range(len(images)):
        one = slice(i, i + 1)
        alone = attack.edit(images[one], labels=target[one], source_labels=source[one])
        torch.testing.assert_close(alone, whole[one], rtol=0, atol=1e-3)


def test_attack_works_where_gradients_are_forbidden():
    network, images = classifier(), photos(2)
    attack = Attack(attributes=NAMES).attach(classifier=network)
    with torch.inference_mode():
        source = (network(images) > 0).float()
        out = attack.edit(images * 1, labels=flipped(source, 0), source_labels=source)
        assert torch.equal((network(out) > 0)[:, 0].float(), 1 - source[:, 0])


def test_attack_needs_a_classifier():
    with pytest.raises(UserError, match="Attack needs a classifier"):
        Attack(attributes=NAMES).edit(photos(1), labels=torch.zeros(1, 3), source_labels=torch.zeros(1, 3))
    assert ATTACK.needs == {"classifier"}


@pytest.mark.parametrize("name", ["identity", "copy", "attack", "oracle"])
def test_controls_load_without_weights(name):
    editor = methods.load(name)
    assert (editor.name, editor.card.kind, editor.card.trainable) == (name, "control", False)
    assert not list(editor.parameters())
    rebuilt = type(editor)(**editor.config)
    assert rebuilt.config == editor.config
