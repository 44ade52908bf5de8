"""ELEGANT small: the import of official checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hostile_checkpoints import assert_hostile_files_are_refused

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.elegant.editor import Elegant
from bridgebench.methods.elegant.networks import Discriminator
from bridgebench.methods.elegant.official import import_official


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
    encoder, decoder, *_ = checkpoint(tmp_path)
    assert_hostile_files_are_refused(
        decoder, lambda path: import_official([encoder, path]), lambda evil: {"main.0.0.weight": evil}
    )
