"""StarGAN v2 in use: its domains and edits, and what it says of mistakes."""

from __future__ import annotations

import pytest
import torch

from bridgebench import methods
from bridgebench.methods.contract import run_contract
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.starganv2.domains import DomainIndex
from bridgebench.methods.starganv2.editor import StarGANv2
from bridgebench.methods.starganv2.masks import FaceMasks
from bridgebench.methods.starganv2.networks import HighPass
from bridgebench.methods.starganv2.recipe import StarGANv2Recipe
from bridgebench.methods.starganv2.training import StarGANv2Training
from bridgebench.methods.training.base import Batch

ANIMALS = ("cat", "dog", "wild")
SIZES = {"width": 4, "widest": 8, "style_size": 8, "noise_size": 4, "mapping_width": 16}


# --- domains and edits ------------------------------------------------------------------------------------------------


def test_domains_of_labels():
    animals, bangs, single = DomainIndex(ANIMALS), DomainIndex(CELEBA14, "Bangs"), DomainIndex(["Bangs"])
    assert (animals.count, bangs.count, single.count) == (3, 2, 2)
    assert (animals.editable, bangs.editable, single.editable) == (ANIMALS, ("Bangs",), ("Bangs",))
    assert animals.of(torch.eye(3)[[2, 0]]).tolist() == [2, 0]
    assert single.of(torch.tensor([[1.0], [0.0]])).tolist() == [1, 0]
    labels = torch.zeros(2, 14)
    labels[1, CELEBA14.index("Bangs")] = 1
    assert bangs.of(labels).tolist() == [0, 1]
    assert animals.predicted(torch.tensor([[-3.0, -1, -2]])).tolist() == [1]
    assert single.predicted(torch.tensor([[-3.0], [1.0]])).tolist() == [0, 1]
    for wrong in (torch.zeros(1, 3), torch.ones(1, 3)):
        with pytest.raises(UserError, match=r"one column a domain \(cat, dog, wild\)"):
            animals.of(wrong)
    with pytest.raises(UserError, match="Did you mean 'Bangs'"):
        DomainIndex(CELEBA14, "Bang")


@pytest.mark.parametrize(
    ("attributes", "attribute"), [(ANIMALS, None), (("Bangs", "Male"), "Bangs"), (("Bangs",), None)]
)
def test_the_contract(attributes, attribute):
    editor = StarGANv2(attributes=attributes, attribute=attribute, image_size=32, **SIZES)
    assert [result for result in run_contract(editor) if result.required and not result.passed] == []


def test_edits_by_domain():
    editor = StarGANv2(attributes=ANIMALS, image_size=32, **SIZES).eval()
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    labels, noise = torch.eye(3)[[1, 2]], torch.randn(2, 4)
    editor.attach(classifier=lambda pictures: labels - 2)  # the argmax counts, not the sign
    by_label = editor.edit(images, labels, noise=noise)
    with torch.no_grad():
        style = torch.stack(
            [
                editor.mapping_network.unshared[d](editor.mapping_network.shared(z))
                for d, z in zip((1, 2), noise, strict=True)
            ]
        )
        mean = torch.stack([editor.mean_style(domain) for domain in (1, 2)])
        torch.testing.assert_close(by_label, editor.generator(images, style).clamp(-1, 1))
        half = editor.generator(images, (mean + style) / 2).clamp(-1, 1)
    torch.testing.assert_close(editor.edit(images, labels, noise=noise, truncation=0.5), half, rtol=1e-4, atol=1e-5)
    by_reference = editor.edit(images, labels, images.flip(0))
    assert torch.equal(by_reference, editor.edit(images, reference=images.flip(0)))
    assert not torch.equal(by_reference, by_label)
    with pytest.raises(UserError, match="truncation"):
        editor.edit(images, labels, truncation=2.0)
    with pytest.raises(UserError, match="32x32 pixels, not 64x64"):
        editor.edit(torch.zeros(2, 3, 64, 64), labels)


def test_the_high_pass_skip():
    flat = HighPass(2.0)(torch.ones(1, 2, 5, 5))
    assert flat[0, :, 1:-1, 1:-1].abs().max() == 0  # inside; the border sees the zero padding
    assert torch.equal(flat, HighPass(1.0)(torch.ones(1, 2, 5, 5)) / 2)
    editor = StarGANv2(attributes=["Bangs"], image_size=32, high_pass=1.0, **SIZES).eval()
    images, labels, noise = torch.rand(1, 3, 32, 32) * 2 - 1, torch.ones(1, 1), torch.randn(1, 4)
    nothing, everything = (torch.full((1, 1, 8, 8), value) for value in (0.0, 1.0))
    with torch.no_grad():
        style = editor.mapping_network(noise, torch.tensor([1]))
        without = editor.generator(images, style, (nothing, nothing))
        torch.testing.assert_close(without, editor.generator(images, style))
        assert not torch.equal(without, editor.generator(images, style, (everything, nothing)))
        assert torch.equal(without, editor.generator(images, style, (nothing, everything)))  # 64 and up
        assert isinstance(editor.fan, FaceMasks)
        masked = editor.generator(images, style, editor.fan(images)).clamp(-1, 1)
    assert torch.equal(editor.edit(images, labels, noise=noise), masked)
    assert not editor.train().fan.training


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"widht": 8}, r"\[train.starganv2\] has the unknown key 'widht'. Did you mean 'width'"),
        ({"ema": 2.0}, "ema = 2.0"),
        ({"batch_size": 1}, "batch_size = 1"),
        ({"attribute": "Bang"}, "Did you mean 'Bangs'"),
        ({"high_pass": 1.0, "attribute": "Bangs", **SIZES}, "give landmarks"),
        ({"high_pass": 1.0, "attribute": "Bangs", "landmarks": "no.ckpt", **SIZES}, "no checkpoint file no.ckpt"),
    ],
)
def test_recipes_that_do_not_fit(table, sentence):
    with pytest.raises(UserError, match=sentence):
        methods.start_training("starganv2", table, CELEBA14, 32, 4, 0)


def test_sizes_that_do_not_fit():
    for wrong in (16, 48):
        with pytest.raises(UserError, match="power of 2"):
            StarGANv2(image_size=wrong)
    with pytest.raises(UserError, match="high_pass"):
        StarGANv2(image_size=32, high_pass=-1.0)
    with pytest.raises(UserError, match="one column a domain"):
        faces = Batch(torch.zeros(2, 3, 32, 32), torch.ones(2, 14), torch.arange(2))
        recipe = StarGANv2Recipe(**SIZES, batch_size=2)
        StarGANv2Training(recipe, CELEBA14, 32, dataset_size=100, seed=0).step(lambda: faces, torch.Generator())
