"""ELEGANT small: its exchange of blocks, its training by pairs, and the import of official checkpoints."""

from __future__ import annotations

import copy
import itertools
import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from methods.attributes import CELEBA14
from methods.contract import run_contract
from methods.elegant.editor import Elegant
from methods.elegant.networks import Discriminator, attribute_of_channel
from methods.elegant.objective import exchanged_labels
from methods.elegant.official import import_official
from methods.elegant.training import ElegantRecipe, ElegantTraining
from methods.errors import UserError
from methods.training import Batch

ATTRIBUTES = ("Bangs", "Male", "Young")
TINY = {"width": 4, "blocks": 3, "discriminator_width": 4, "batch_size": 3, "iterations": 8, "learning_rate": 1e-3}
SIDE, COUNT = 32, 24


@pytest.fixture(scope="module")
def data() -> Batch:
    """Smooth images whose first attribute is their brightness; only a few are Young."""
    draw = torch.Generator().manual_seed(5)
    labels = (torch.rand(COUNT, 3, generator=draw) < torch.tensor([0.5, 0.5, 0.1])).float()
    labels[7, 2] = 1
    coarse = torch.rand(COUNT, 3, 4, 4, generator=draw) * 0.8 + labels[:, :1, None, None] - 0.9
    return Batch(F.interpolate(coarse, size=SIDE, mode="bilinear"), labels, torch.arange(COUNT))


def batches(data: Batch, start: int = 0):
    """`next_batch` as a training loop gives it: the data round and round, and how many it gave."""
    places = itertools.count(start)
    taken: list[int] = []

    def next_batch() -> Batch:
        taken.append(next(places))
        rows = (torch.arange(6) + 6 * taken[-1]) % COUNT
        return Batch(*(part[rows] for part in data))

    return next_batch, taken


def training(seed: int = 0, **table) -> ElegantTraining:
    return Elegant.start_training({**TINY, **table}, ATTRIBUTES, SIDE, COUNT, seed)


def assert_same(a: torch.nn.Module, b: torch.nn.Module) -> None:
    ours, theirs = dict(a.named_parameters()), dict(b.named_parameters())
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


# Edits ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def editor() -> Elegant:
    """Weights far larger than the initial ones, so that an exchanged block shows."""
    torch.manual_seed(0)
    editor = Elegant(attributes=ATTRIBUTES, image_size=SIDE, width=4, blocks=3).eval()
    with torch.no_grad():
        for parameter in editor.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return editor


def test_the_contract(editor):
    missed = [f"{result.name}: {result.detail}" for result in run_contract(editor) if not result.passed]
    assert [each for each in missed if "null edit" not in each] == []


def test_an_edit_takes_the_blocks_whose_labels_differ(editor, data):
    images, reference, source = data.images[:4], data.images[4:8], data.labels[:4]
    target = source.clone()
    target[:, 1] = 1 - target[:, 1]
    with torch.no_grad():
        own, skips = editor.encoder(images)
        other, _ = editor.encoder(reference)
        mixed = own.clone()
        mixed[:, 5:11] = other[:, 5:11]  # 16 channels among 3: the borders are rint(5.33) and rint(10.67)
        expected = (images + editor.decoder(mixed, own, skips)).clamp(-1, 1)
    edited = editor.edit(images, target, reference, source_labels=source)
    torch.testing.assert_close(edited, expected)
    same = editor.edit(images, source, reference, source_labels=source)
    assert (edited - same).abs().max() > 1e-3
    assert torch.equal(same, editor.edit(images, target, reference, source_labels=source, strength=0.0))
    assert torch.equal(edited, editor.edit(images, target, reference, source_labels=source, strength=1.0))


def test_labels_of_the_reference_decide_when_none_are_given(editor, data):
    images, reference, source = data.images[:4], data.images[4:8], data.labels[:4]
    editor.attach(classifier=lambda pictures: data.labels[4:8] - 0.5)
    expected = editor.edit(images, data.labels[4:8], reference, source_labels=source)
    assert torch.equal(editor.edit(images, reference=reference, source_labels=source), expected)


def test_blocks_share_all_channels():
    """Halves are rounded to even: 512 / 64 * 3 and the like."""
    assert attribute_of_channel(10, 4) == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    assert len(attribute_of_channel(512, 13)) == 512


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Elegant(image_size=72), "multiple of 32, not 72"),
        (lambda: Elegant(attributes=[str(i) for i in range(20)], image_size=32, width=2), "shares 16 channels"),
        (lambda: training(batch_size=0), "batch_size = 0 does not fit"),
        (lambda: training(blocs=3), "Did you mean 'blocks'"),
        (lambda: Elegant.start_training(TINY, ATTRIBUTES, 48, COUNT, 0), "multiples of 32 pixels, not at 48"),
    ],
)
def test_sizes_that_do_not_fit_are_told(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize(("options", "side", "message"), [({"strength": 1.1}, 32, "strength"), ({}, 36, "36x36")])
def test_edits_that_do_not_fit_are_told(editor, options, side, message):
    images, labels = torch.zeros(1, 3, side, side), torch.zeros(1, 3)
    with pytest.raises(UserError, match=message):
        editor.edit(images, labels, images, source_labels=labels, **options)


# Training -------------------------------------------------------------------------------------------------------------


def test_pairs_have_and_lack_the_attribute(data):
    made = training()
    for attribute in range(3):
        next_batch, taken = batches(data)
        images, labels = made.pairs(next_batch, attribute)
        assert labels[:, attribute].tolist() == [1, 1, 1, 0, 0, 0]
        places = [int((data.images == image).flatten(1).all(1).nonzero()) for image in images]
        assert torch.equal(data.labels[places], labels)
        rare = int(data.labels[:, attribute].sum()) < 3
        assert len(taken) <= (8 if rare else 4)


def test_few_images_are_repeated_and_none_is_an_error(data):
    one = torch.zeros(COUNT, 3)
    one[7, 2] = 1
    scarce = Batch(data.images, one, data.indices)
    images, _ = training().pairs(batches(scarce)[0], 2)
    assert all(torch.equal(image, data.images[7]) for image in images[:3])
    with pytest.raises(UserError, match="no training image has Bangs"):
        training().step(batches(scarce)[0], torch.Generator())
    with pytest.raises(UserError, match="no training image lacks Bangs"):
        training().pairs(batches(Batch(data.images, 1 - one, data.indices))[0], 0)


def test_labels_are_exchanged_in_one_column():
    labels = torch.tensor([[1.0, 0, 1], [1, 1, 0], [0, 1, 1], [0, 0, 0]])
    expected = [[0, 0, 1], [0, 1, 0], [1, 1, 1], [1, 0, 0]]
    assert exchanged_labels(labels, 0).tolist() == expected
    assert labels[0, 0] == 1


def test_a_resumed_run_is_the_undisturbed_one(data):
    whole, (next_batch, taken) = training(cooldown=8), batches(data)
    first = whole.step(next_batch, torch.Generator())
    saved = copy.deepcopy((whole.state_dict(), {name: each.state_dict() for name, each in whole.optimizers.items()}))
    resumed, start = training(seed=9, cooldown=8), len(taken)
    expected = whole.step(next_batch, torch.Generator())
    resumed.load_state_dict(saved[0])
    for name, optimizer in resumed.optimizers.items():
        optimizer.load_state_dict(saved[1][name])
    assert resumed.step(batches(data, start)[0], torch.Generator()) == expected
    assert_same(resumed, whole)
    assert first.keys() == {"d1", "d2", "d_total", "reconstruction", "adv1", "adv2", "g_total"}
    assert all(bool(value.isfinite()) and not value.requires_grad for value in expected.values())
    rates = {group["lr"] for optimizer in resumed.optimizers.values() for group in optimizer.param_groups}
    assert rates == {1e-3 * 7 / 8}
    assert_same(training(seed=3), training(seed=3))


def test_each_side_trains_its_own_networks_and_d_goes_first(data):
    made = training()
    images, labels = made.pairs(batches(data)[0], 0)
    before = copy.deepcopy(made)
    logs = made.update(images, labels, 0)
    edit_labels = exchanged_labels(labels, 0)
    rebuilt, edits = before.exchanged(images, 0)
    # The generator's terms are those of the new D with the edits of the old Enc and Dec.
    terms = made.generator_terms(images, rebuilt, edits, edit_labels)
    for name, value in terms.items():
        torch.testing.assert_close(logs[name], value.detach())
    for part in ("editor.encoder", "editor.decoder", "discriminators"):
        for now, then in zip(
            made.get_submodule(part).parameters(), before.get_submodule(part).parameters(), strict=True
        ):
            assert not torch.equal(now, then)


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_training_learns_to_rebuild(data, precision):
    made, (next_batch, _) = training(precision=precision, learning_rate=4e-3, blocks=2), batches(data)
    logs = [made.step(next_batch, torch.Generator()) for _ in range(8)]
    assert all(bool(value.isfinite()) for value in logs[-1].values())
    assert float(logs[-1]["reconstruction"]) < 0.9 * float(logs[0]["reconstruction"])


def test_half_precision_computes_the_same_losses(data):
    logs = [training(precision=precision).step(batches(data)[0], torch.Generator()) for precision in ("32", "bf16")]
    for name, value in logs[0].items():
        torch.testing.assert_close(logs[1][name], value, rtol=3e-2, atol=5e-3)


def test_the_official_recipe():
    recipe = ElegantRecipe()
    assert (recipe.rate_at(0), recipe.rate_at(2999)) == (2e-4, 2e-4)
    assert recipe.rate_at(3000) == pytest.approx(1.94e-4)
    assert recipe.rate_at(6000) == pytest.approx(2e-4 * 0.97**2)
    group = training().optimizers["generator"].param_groups[0]
    assert (group["betas"], group["weight_decay"]) == ((0.5, 0.999), 1e-5)


# Official checkpoints -------------------------------------------------------------------------------------------------


def checkpoint(folder: Path, attributes: int = 14, **sizes: int) -> list[Path]:
    """The four files of a narrow official run at 64 pixels, of other weights than anyone's."""
    torch.manual_seed(7)
    made = Elegant(attributes=CELEBA14[:attributes], image_size=64, **{"width": 4, "blocks": 5, **sizes})
    parts = {
        "Enc": made.encoder,
        "Dec": made.decoder,
        "D1": Discriminator(attributes, 64, 4),
        "D2": Discriminator(attributes, 32, 4),
    }
    for name, part in parts.items():
        with torch.no_grad():
            for parameter in part.parameters():
                parameter += 0.2 * torch.randn_like(parameter)
        torch.save(part.state_dict(), folder / f"{name}_iter_002000.pth")
    return [folder / f"{name}_iter_002000.pth" for name in parts]


def official_edit(paths: list[Path], images: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """The first of 14 attributes exchanged, written down straight from the official tables, without a module."""
    enc, dec = (torch.load(path, weights_only=True) for path in paths[:2])

    def normalized(x: torch.Tensor, state: dict[str, torch.Tensor], block: int) -> torch.Tensor:
        return F.normalize(x, dim=1) * state[f"main.{block}.1.alpha"] + state[f"main.{block}.1.beta"]

    def encoded(x: torch.Tensor) -> list[torch.Tensor]:
        outputs = []
        for block in range(5):
            x = F.conv2d(x, enc[f"main.{block}.0.weight"], enc[f"main.{block}.0.bias"], stride=2, padding=1)
            x = F.leaky_relu(normalized(x, enc, block), 0.2)
            outputs.append(x)
        return outputs

    own, other = encoded(images), encoded(reference)[-1]
    x = torch.cat([other[:, :2], own[-1][:, 2:], own[-1]], dim=1)  # 32 channels among 14: rint(2.29) are the first's
    for block in range(5):
        weight, bias = dec[f"main.{block}.0.weight"], dec[f"main.{block}.0.bias"]
        x = F.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)
        if block < 4:
            x = normalized(x, dec, block).relu() + own[3 - block]
    return (images + 2 * x.tanh()).clamp(-1, 1)


def test_import_of_an_official_checkpoint(tmp_path):
    paths = checkpoint(tmp_path)
    editor = import_official(paths[:2][::-1])
    assert editor.config == {"attributes": list(CELEBA14), "image_size": 256, "width": 4, "blocks": 5}
    assert not editor.training
    images, reference = (torch.rand(2, 3, 64, 64) * 2 - 1 for _ in range(2))
    source = torch.zeros(2, 14)
    target = F.one_hot(torch.zeros(2, dtype=torch.long), 14).float()
    edited = editor.edit(images, target, reference, source_labels=source)
    torch.testing.assert_close(edited, official_edit(paths, images, reference), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("extra", [[2], [3], [2, 3]])
def test_discriminators_tell_image_size_and_attributes(tmp_path, extra):
    paths = checkpoint(tmp_path, attributes=2, blocks=4)
    given = paths[:2] + [paths[i] for i in extra]
    editor = import_official(given, attributes=["Bangs", "Mustache"])
    assert editor.config == {"attributes": ["Bangs", "Mustache"], "image_size": 64, "width": 4, "blocks": 4}
    with pytest.raises(UserError, match="has 2 label columns, not 14: name them"):
        import_official(given)


@pytest.mark.parametrize(
    ("place", "change", "message"),
    [
        (0, lambda state: state.pop("main.0.0.weight"), "Enc_.*missing: main.0.0.weight"),
        (0, lambda state: state.pop("main.2.1.beta"), "Enc_.*missing: main.2.1.beta"),
        (0, lambda state: state.clear(), "Enc_.*missing"),
        (1, lambda state: state.pop("main.4.0.bias"), "Dec_.*missing: main.4.0.bias"),
        (1, lambda state: state.update(more=torch.zeros(1)), "Dec_.*unknown: more"),
        (1, lambda state: state.update({"main.1.0.bias": torch.zeros(3)}), "Dec_.*another shape: main.1.0.bias"),
        (2, lambda state: state.pop("linear.0.weight"), "D1_.*not an ELEGANT discriminator"),
        (2, lambda state: state.pop("conv.4.alpha"), "D1_.*missing: conv.4.alpha"),
    ],
)
def test_incomplete_checkpoints_are_named(tmp_path, place, change, message):
    paths = checkpoint(tmp_path)
    state = torch.load(paths[place], weights_only=True)
    change(state)
    torch.save(state, paths[place])
    with pytest.raises(UserError, match=message):
        import_official(paths[:3])


def test_other_files_than_an_encoder_and_a_decoder(tmp_path):
    paths = checkpoint(tmp_path)
    with pytest.raises(UserError, match="two files"):
        import_official(paths[:1])
    with pytest.raises(UserError, match="both ELEGANT's Enc"):
        import_official([paths[0], paths[0]])
    torch.save({"x": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth is not told"):
        import_official([paths[0], tmp_path / "other.pth"])


def test_damaged_and_evil_checkpoints(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    encoder, decoder, *_ = checkpoint(tmp_path)
    whole = decoder.read_bytes()
    decoder.write_bytes(whole[: len(whole) // 2])
    torch.save({"main.0.0.weight": Evil()}, tmp_path / "Dec_evil.pth")
    for name in (decoder.name, "Dec_evil.pth", "Dec_none.pth"):
        with pytest.raises(UserError, match=name):
            import_official([encoder, tmp_path / name])
    assert not (tmp_path / "ran").exists()
