"""STGAN small: its edits."""

from __future__ import annotations

import pytest
import torch

from bridgebench.methods import contract
from bridgebench.methods.core.errors import UnsupportedMode, UserError
from bridgebench.methods.stgan.editor import STGAN

TINY = {"attributes": ["A", "B"], "image_size": 32, "width": 4, "unit_width": 3, "layers": 3}


def test_the_contract():
    torch.manual_seed(0)
    results = contract.run_contract(STGAN(**TINY))
    assert [result for result in results if result.required and not result.passed] == []


def test_strength():
    torch.manual_seed(0)
    editor = STGAN(**TINY).eval()
    images, source = torch.rand(2, 3, 32, 32) * 2 - 1, torch.tensor([[0, 1], [1, 1]])
    target = torch.tensor([[1, 1], [1, 0]])
    given = {"labels": target, "source_labels": source}
    assert torch.equal(editor.edit(images, **given), editor.edit(images, **given, strength=2))
    assert not torch.equal(editor.edit(images, **given), editor.edit(images, **given, strength=1))
    none = editor.edit(images, labels=source, source_labels=source)
    torch.testing.assert_close(editor.edit(images, **given, strength=-1), none)


def test_edit_errors():
    editor = STGAN(**TINY).eval()
    images, labels = torch.zeros(1, 3, 32, 32), torch.zeros(1, 2)
    with pytest.raises(UnsupportedMode, match="no reference edit; it has: label"):
        editor.edit(images, reference=images, source_labels=labels)
    with pytest.raises(UserError, match="multiples of 8, not 28x32"):
        editor.edit(images[:, :, :28], labels, source_labels=labels)
    with pytest.raises(UserError, match=r"strength must lie in \[-1.0, 3.0\], not 4"):
        editor.edit(images, labels, source_labels=labels, strength=4)
    with pytest.raises(UserError, match="multiple of 32, not 48"):
        STGAN(image_size=48)
    with pytest.raises(UserError, match="2 layers or more"):
        STGAN(layers=1)
