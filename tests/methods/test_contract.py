"""The contract passes methods that keep it and names the point that a broken one misses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bridgebench import methods
from bridgebench.methods.bridgegan.editor import BridgeGAN
from bridgebench.methods.card import MethodCard
from bridgebench.methods.contract import BATCH, run_contract
from bridgebench.methods.core.labels import DOMAINS
from bridgebench.methods.editor import Editor
from bridgebench.methods.stargan.editor import StarGAN
from bridgebench.methods.starganv2.editor import StarGANv2


def missed(editor: Editor) -> set[str]:
    return {result.name for result in run_contract(editor) if result.required and not result.passed}


@pytest.mark.parametrize(
    "make",
    [
        lambda: StarGAN(image_size=32, width=4, blocks=1),
        lambda: BridgeGAN(image_size=32, width=4, encoder_width=4, spade_hidden=8, mapping_blocks=3),
        lambda: StarGAN(attributes=["Only"], image_size=32, width=4, blocks=1),
        lambda: BridgeGAN(
            attributes=DOMAINS, image_size=32, width=4, encoder_width=4, spade_hidden=8, mapping_blocks=3
        ),
        lambda: StarGANv2(attributes=DOMAINS, image_size=32, width=4, widest=8, mapping_width=8),
        lambda: StarGANv2(attribute="Bangs", image_size=32, width=4, widest=8, mapping_width=8),
        *(lambda name=name: methods.load(name) for name in ("identity", "copy", "attack", "oracle")),
    ],
)
def test_our_methods_keep_the_contract(make):
    editor = make()
    results = run_contract(editor)
    assert [result for result in results if result.required and not result.passed] == []
    assert all(result.detail for result in results)
    names = [result.name for result in results]
    assert len(set(names)) == len(names)
    for mode in ("label", "reference"):
        shown = f"{mode}: shape kept" in names
        assert shown == (mode in editor.modes)
        assert shown != (f"{mode}: a missing mode is refused" in names)


def test_what_was_attached_is_put_back():
    def truth(images: Tensor, labels: Tensor, reference: Tensor | None) -> Tensor:
        raise AssertionError("the contract asked the real truth")

    editor = methods.load("oracle").attach(truth=truth)
    run_contract(editor)
    assert editor.attached("truth") is truth
    with pytest.raises(methods.UserError, match="needs a classifier"):
        editor.attached("classifier")


def test_the_null_edit_is_reported_only():
    reports = [result for result in run_contract(StarGAN(image_size=32, width=4, blocks=1)) if not result.required]
    assert [result.name for result in reports] == ["label: null edit close to the source"]
    assert not reports[0].passed  # untrained
    assert "reported only" in reports[0].detail
    controls = [result for result in run_contract(methods.load("identity")) if not result.required]
    assert [result.passed for result in controls] == [True, True]


class Sound(Editor):
    """A minimal plug-in that keeps the contract; the broken ones below change one thing each."""

    card = MethodCard("sound", "Sound", frozenset({"label"}), "method", "nowhere", "Dims.", "nowhere:Sound")

    def __init__(self, *, attributes: Any = ("A", "B"), image_size: int = 16, width: int = 2) -> None:
        super().__init__(attributes=attributes, image_size=image_size, width=width)
        self.layer = nn.Conv2d(3, width, 1)

    def label_edit(self, images: Tensor, labels: Tensor, source_labels: Tensor, **options: Any) -> Tensor:
        return self.change(images, options["generator"])

    def change(self, images: Tensor, generator: torch.Generator) -> Tensor:
        return images * 0.9


class GlobalNoise(Sound):
    def change(self, images, generator):
        return images * torch.rand(())


class BatchNoise(Sound):
    def change(self, images, generator):
        return images * torch.rand(1, generator=generator)  # one draw a batch, not one an image


class BatchStatistics(Sound):
    def change(self, images, generator):
        return images - images.mean()


class InPlace(Sound):
    def change(self, images, generator):
        return images.mul_(0.5) * 1


class Itself(Sound):
    def edit(self, images, *arguments, **options):
        super().edit(images, *arguments, **options)
        return images


class Smaller(Sound):
    def change(self, images, generator):
        return images[:, :, :-1]


class NotFinite(Sound):
    def change(self, images, generator):
        return images * float("nan")


class OutOfRange(Sound):
    def edit(self, *arguments, **options):
        return 3 * super().edit(*arguments, **options)


class Half(Sound):
    def edit(self, *arguments, **options):
        return super().edit(*arguments, **options).half()


class Raises(Sound):
    def change(self, images, generator):
        raise RuntimeError("no kernel image\nis available")


class ForgetsItsWidth(Sound):
    def __init__(self, **config):
        super().__init__(**config)
        del self.config["width"]


class ChecksNothing(Sound):
    def edit(self, images, labels=None, reference=None, **options):
        return images * 0.9


def test_a_sound_plug_in_passes():
    assert missed(Sound()) == set()


@pytest.mark.parametrize(
    ("broken", "points"),
    [
        (GlobalNoise(), {"label: same generator state, same images", "label: an edit does not depend on its batch"}),
        (BatchNoise(), {"label: an edit does not depend on its batch"}),
        (BatchStatistics(), {"label: an edit does not depend on its batch"}),
        (InPlace(), {"label: inputs unchanged"}),
        (Itself(), {"label: inputs unchanged"}),
        (Smaller(), {"label: shape kept", "label: missing source labels"}),
        (
            NotFinite(),
            {
                "label: range [-1, 1]",
                "label: same generator state, same images",
                "label: an edit does not depend on its batch",
            },
        ),
        (OutOfRange(), {"label: range [-1, 1]"}),
        (Half(), {"label: dtype kept"}),
        (ForgetsItsWidth(width=5), {"config rebuilds the method"}),
        (
            ChecksNothing(),
            {
                "label: wrong images are refused",
                "label: wrong labels are refused",
                "reference: a missing mode is refused",
                "a missing target is refused",
            },
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Editor) else "",
)
def test_a_broken_plug_in_misses_the_point(broken, points):
    assert missed(broken) == points


def test_whatever_a_plug_in_raises_is_a_result():
    results = {result.name: result for result in run_contract(Raises())}
    assert results["label: runs on the CPU"].detail == "RuntimeError: no kernel image"
    assert not results["label: shape kept"].passed
    assert results["reference: a missing mode is refused"].passed
    assert BATCH > 1
