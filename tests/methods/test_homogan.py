"""HomoGAN small: its groups, its edits, its training and what it looks through meanwhile."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

from methods.attributes import CELEBA14
from methods.contract import run_contract
from methods.errors import UserError
from methods.homogan.editor import OFFICIAL_GROUPS, HomoGAN, default_groups
from methods.homogan.features import VggFeatures
from methods.homogan.networks import Interpolator, denormalize, normalize
from methods.homogan.recipe import HomoGANRecipe
from methods.homogan.training import HomoGANTraining
from methods.training import Batch
from methods.weights import save_tensors

ATTRIBUTES = ("Bangs", "Smiling", "Male", "Mouth_Slightly_Open")
GROUPS = (("Mouth_Slightly_Open", "Smiling"), ("Male",), ("Bangs",))
SIDE, COUNT = 32, 24
TINY = {"width": 4, "levels": 2, "batch_size": 6, "iterations": 8, "learning_rate": 1e-3, "encoder_every": 2}


class Grey:
    """A feature network without weights: the image in grey, at a quarter and an eighth of its side."""

    name = "grey"

    def fine(self, images: Tensor) -> Tensor:
        return F.avg_pool2d(images.mean(1, keepdim=True), 4)

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.fine(images), F.avg_pool2d(images, 8)


@pytest.fixture(scope="module")
def data() -> Batch:
    """Smooth images whose first attribute is their brightness."""
    draw = torch.Generator().manual_seed(5)
    labels = (torch.rand(COUNT, 4, generator=draw) < 0.5).float()
    coarse = torch.rand(COUNT, 3, 4, 4, generator=draw) * 0.8 + labels[:, :1, None, None] - 0.9
    return Batch(F.interpolate(coarse, size=SIDE, mode="bilinear"), labels, torch.arange(COUNT))


def batches(data: Batch, start: int = 0):
    """`next_batch` as a training loop gives it: the data round and round."""
    places = itertools.count(start)

    def next_batch() -> Batch:
        rows = (torch.arange(6) + 6 * next(places)) % COUNT
        return Batch(*(part[rows] for part in data))

    return next_batch


def training(seed: int = 0, **table) -> HomoGANTraining:
    made = HomoGAN.start_training({**TINY, **table}, ATTRIBUTES, SIDE, COUNT, seed)
    made.attach_features(Grey())
    return made


def changed(before: torch.nn.Module, after: torch.nn.Module) -> set[str]:
    """The parts of a training whose parameters moved."""
    ours, theirs = dict(before.named_parameters()), dict(after.named_parameters())
    assert ours.keys() == theirs.keys()
    moved = [name.split(".") for name in ours if not torch.equal(ours[name], theirs[name])]
    return {".".join(name[:2]) if name[0] == "editor" else name[0] for name in moved}


# Edits ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def editor() -> HomoGAN:
    """Weights far larger than the initial ones, so that an edit shows."""
    torch.manual_seed(0)
    editor = HomoGAN(attributes=ATTRIBUTES, image_size=SIDE, width=4, levels=2).eval()
    with torch.no_grad():
        for parameter in editor.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return editor


def test_the_contract(editor):
    missed = [f"{result.name}: {result.detail}" for result in run_contract(editor) if not result.passed]
    assert [each for each in missed if "null edit" not in each] == []


def test_groups():
    sizes = [len(group) for group in default_groups(CELEBA14)]
    assert sizes == [2, 5, 4, 2, 1]
    assert default_groups([name for group in OFFICIAL_GROUPS for name in group]) == OFFICIAL_GROUPS
    assert default_groups(["Eyeglasses", "Young", "Bald"]) == (("Bald",), ("Young",), ("Eyeglasses",))
    assert HomoGAN(attributes=ATTRIBUTES, image_size=SIDE, width=2, levels=2).groups == GROUPS


def test_an_attribute_moves_with_its_group(editor, data):
    images, reference, source = data.images[:4], data.images[4:8], data.labels[:4]

    def edited(*columns: int, **options: float) -> Tensor:
        target = source.clone()
        target[:, columns] = 1 - target[:, columns]
        return editor.edit(images, target, reference, source_labels=source, **options)

    with torch.no_grad():
        own, other = (editor.encoder(normalize(pictures))[-1] for pictures in (images, reference))
        moved = own + 1.5 * editor.interpolator.branch[0](other - own)
        expected = denormalize(editor.decoder(moved)).clamp(-1, 1)
        rebuilt = denormalize(editor.decoder(own)).clamp(-1, 1)
    for columns in ((1,), (3,), (1, 3)):
        torch.testing.assert_close(edited(*columns, strength=1.5), expected, rtol=0, atol=1e-4)
    assert torch.equal(edited(1), edited(1, strength=1.0))
    assert (edited(1) - edited(0)).abs().max() > 1e-3
    torch.testing.assert_close(edited(), rebuilt, rtol=0, atol=1e-4)
    assert torch.equal(edited(1, strength=0.0), edited())


def test_each_image_moves_its_own_groups(editor, data):
    images, reference, source = data.images[:2], data.images[2:4], torch.zeros(2, 4)
    target = torch.tensor([[1.0, 0, 0, 0], [0, 0, 1, 0]])
    both = editor.edit(images, target, reference, source_labels=source)
    for i in (0, 1):
        part = slice(i, i + 1)
        alone = editor.edit(images[part], target[part], reference[part], source_labels=source[part])
        torch.testing.assert_close(both[part], alone, rtol=0, atol=1e-4)


def test_interpolation_starts_at_the_source():
    torch.manual_seed(0)
    interpolator, own, other = Interpolator(3, 4), torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    assert torch.equal(interpolator(own, other, torch.zeros(2, 4)), own)
    strength = torch.rand(2, 4)
    moved = sum(v[:, None, None, None] * b(other - own) for v, b in zip(strength.T, interpolator.branch, strict=True))
    torch.testing.assert_close(interpolator(own, other, strength), own + moved)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HomoGAN(image_size=72), "multiple of 16, not 72"),
        (lambda: HomoGAN(attributes=ATTRIBUTES, groups=[["Bangs", "Male"]]), "every attribute once"),
        (lambda: HomoGAN(attributes=("Bangs",), groups=[["Bangs"], []]), "every attribute once"),
        (lambda: HomoGAN(attributes=("Bangs",), groups=[["Bangs", "Bangs"]]), "every attribute once"),
        (lambda: training(levels=5), "levels = 5 does not fit"),
        (lambda: training(levels=4), "powers of two from 64 pixels, not at 32"),
        (lambda: training(group=[]), "Did you mean 'groups'"),
        (lambda: training(features="nowhere.pth"), "no checkpoint file nowhere.pth"),
    ],
)
def test_sizes_that_do_not_fit_are_told(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize(("options", "side", "message"), [({"strength": 2.1}, 32, "strength"), ({}, 34, "34x34")])
def test_edits_that_do_not_fit_are_told(editor, options, side, message):
    images, labels = torch.zeros(1, 3, side, side), torch.zeros(1, 4)
    with pytest.raises(UserError, match=message):
        editor.edit(images, labels, images, source_labels=labels, **options)


# Training -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_a_resumed_run_is_the_undisturbed_one(data, precision):
    options = {"warmup": 1, "cooldown": 4, "precision": precision}
    whole, next_batch, draw = training(**options), batches(data), torch.Generator().manual_seed(3)
    for _ in range(3):
        whole.step(next_batch, draw)
    states = {name: each.state_dict() for name, each in whole.optimizers.items()}
    saved = copy.deepcopy((whole.state_dict(), states, draw.get_state()))
    resumed, redraw = training(seed=9, **options), torch.Generator()
    resumed.load_state_dict(saved[0])
    for name, optimizer in resumed.optimizers.items():
        optimizer.load_state_dict(saved[1][name])
    redraw.set_state(saved[2])
    later = batches(data, 3)
    for _ in range(3):
        expected = whole.step(next_batch, draw)
        assert resumed.step(later, redraw) == expected
    assert changed(whole, resumed) == set()
    assert all(torch.equal(a, b) for a, b in zip(whole.buffers(), resumed.buffers(), strict=True))
    assert all(bool(value.isfinite()) and not value.requires_grad for value in expected.values())
    rates = {group["lr"] for optimizer in resumed.optimizers.values() for group in optimizer.param_groups}
    assert rates == {1e-3 * 3 / 4}
    assert changed(training(seed=3), training(seed=3)) == set()


def test_each_update_trains_its_own_networks(data):
    made, draw = training(warmup=1), torch.Generator().manual_seed(0)
    always, moving = {"editor.decoder", "knowledge"}, {"editor.encoder", "editor.interpolator"}
    expected = [always | {"editor.encoder"}, always | {"discriminator"} | moving, always | {"discriminator"}]
    for parts in expected:
        before = copy.deepcopy(made)
        logs = made.step(batches(data), draw)
        assert changed(before, made) == parts
        assert any(name.startswith("encoder/") for name in logs) == ("editor.interpolator" in parts)


def test_attribute_heads_learn_from_the_features_that_the_recipe_names(data):
    made = training()
    images, labels, _ = batches(data)()
    view = made.look(images, labels, made.draw(6, torch.Generator(), images.device), moves=False)
    columns = [3, 1, 2, 0]
    assert torch.equal(view.labels, labels[:, columns])
    for classify, features in (("interpolated", view.between), ("real", view.own)):
        made.recipe = HomoGANRecipe(classify=classify)
        found = made.discriminator_terms(view)["d_classification"]
        _, logits = made.discriminator(features)
        summed = F.binary_cross_entropy_with_logits(logits, labels[:, columns], reduction="none").sum(1).mean()
        torch.testing.assert_close(found, summed)


def test_labels_of_interpolated_features_lie_as_far_as_their_group(data):
    made = training()
    images, labels, _ = batches(data)()
    draws = made.draw(6, torch.Generator(), images.device)
    view = made.look(images, labels, draws, moves=False)
    v = draws.strength[:, [0, 0, 1, 2]]
    own, other = view.labels, labels[draws.order][:, [3, 1, 2, 0]]
    torch.testing.assert_close(view.target, own + v * (other - own))


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_training_learns_to_rebuild(data, precision):
    made, next_batch = training(precision=precision, warmup=25, warmup_learning_rate=3e-3), batches(data)
    logs = [made.step(next_batch, torch.Generator()) for _ in range(25)]
    assert all(bool(value.isfinite()) for value in logs[-1].values())
    assert float(logs[-1]["decoder/reconstruction"]) < 0.5 * float(logs[0]["decoder/reconstruction"])


def test_half_precision_computes_the_same_losses(data):
    draws = [torch.Generator().manual_seed(0) for _ in range(2)]
    logs = [
        training(precision=precision).step(batches(data), draw)
        for precision, draw in zip(("32", "bf16"), draws, strict=True)
    ]
    for name in ("decoder/reconstruction", "discriminator/penalty", "encoder/classification", "encoder/knowledge"):
        torch.testing.assert_close(logs[1][name], logs[0][name], rtol=5e-2, atol=1e-2)


def test_the_official_recipe():
    recipe = HomoGANRecipe()
    assert (recipe.rate_at(0), recipe.rate_at(10**6)) == (1e-4, 1e-4)
    assert (recipe.encoder_every, recipe.batch_size, recipe.weights.penalty) == (5, 32, 100.0)
    made = HomoGAN.start_training({"width": 2, "levels": 3}, CELEBA14, SIDE, COUNT, 0)
    betas = {name: each.param_groups[0]["betas"] for name, each in made.optimizers.items()}
    assert betas == {"decoder": (0.9, 0.999), "discriminator": (0.5, 0.999), "encoder": (0.5, 0.999)}


# What it looks through ------------------------------------------------------------------------------------------------


def test_without_a_feature_network_it_does_not_start(data):
    made = HomoGAN.start_training(TINY, ATTRIBUTES, SIDE, COUNT, 0)
    assert made.feature_network is None
    with pytest.raises(UserError, match="needs a feature network"):
        made.step(batches(data), torch.Generator())
    made.attach_features(Grey())
    assert made.feature_network == "grey"
    assert not any("features" in name for name in made.state_dict() if not name.startswith("editor."))


@pytest.fixture(scope="module")
def vgg() -> torch.nn.Sequential:
    """torchvision's VGG-19 up to relu5_1, random."""
    torch.manual_seed(0)
    with torch.device("meta"):
        layers = torchvision.models.vgg19(weights=None).features[:30]
    layers.to_empty(device="cpu")
    for parameter in layers.parameters():
        parameter.data.uniform_(-1, 1).mul_((6 / parameter[0].numel()) ** 0.5 if parameter.ndim > 1 else 0.1)
    return layers


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_torchvision_s_weights(tmp_path, vgg, suffix):
    path = tmp_path / f"vgg19.{suffix}"
    state = {f"features.{name}": tensor for name, tensor in vgg.state_dict().items()}
    state |= {"features.30.bias": torch.zeros(2), "classifier.6.weight": torch.zeros(2)}
    if suffix == "pth":
        torch.save(state, path)
    else:
        save_tensors(path, state, "vgg", {}, {})
    features, images = VggFeatures(path), torch.rand(1, 3, 32, 32) * 2 - 1
    assert features.name.startswith(f"VGG-19 (vgg19.{suffix}, SHA-256 ")
    fine, coarse = features.maps(images)
    assert torch.equal(fine, features.fine(images))
    shown = torchvision.transforms.functional.normalize((images + 1) / 2, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.no_grad():
        torch.testing.assert_close(fine, vgg[:12](shown), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(coarse, vgg(shown), rtol=1e-4, atol=1e-4)


def test_vgg_starts_an_encoder_of_its_width(tmp_path, vgg, data):
    path = tmp_path / "vgg19.pth"
    torch.save({f"features.{name}": tensor for name, tensor in vgg.state_dict().items()}, path)
    table = {**TINY, "features": str(path), "batch_size": 2, "warmup": 1}
    narrow = HomoGAN.start_training(table, ATTRIBUTES, SIDE, COUNT, 0)
    assert narrow.feature_network is not None
    assert not narrow.pretrained
    made = HomoGAN.start_training({**table, "width": 64}, ATTRIBUTES, SIDE, COUNT, 0)
    assert torch.equal(made.editor.encoder.features_1.conv3_1.weight, vgg[10].weight)
    before = copy.deepcopy(made.editor.encoder)
    made.step(lambda: Batch(*(part[:2] for part in data)), torch.Generator())
    assert changed(before, made.editor.encoder) == set()  # the decoder learns to invert VGG-19's own features


def test_other_files_than_vgg(tmp_path):
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "vgg11.pth")
    with pytest.raises(UserError, match=r"vgg11\.pth .*missing: features\.0\.bias"):
        VggFeatures(tmp_path / "vgg11.pth")
