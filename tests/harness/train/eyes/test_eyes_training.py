"""The network that finds eyes: its windows show the eyes where they say, and a killed training goes on to the same."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from photo_layouts import write_celeba_layout

from bridgebench.harness.data.faces.dataset import load_faces
from bridgebench.harness.photo.aligned import EYE_DISTANCE, EYES_MIDDLE
from bridgebench.harness.photo.eyes import EyeNetwork, load_eyes
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.harness.train.eyes import train as training
from bridgebench.harness.train.eyes import windows
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header, load_tensors


def dotted(count: int) -> torch.Tensor:
    """Black photos (N, 3, 112, 112) with a red spot at the left eye and a green one at the right eye."""
    ticks = (torch.arange(windows.SIDE) + 0.5) / windows.SIDE * windows.PART.size
    photos = torch.full((count, 3, windows.SIDE, windows.SIDE), -1.0)
    for channel, side in ((0, -0.5), (1, 0.5)):
        x = ticks - (EYES_MIDDLE[0] + side * EYE_DISTANCE - windows.PART.left)
        y = ticks - (EYES_MIDDLE[1] - windows.PART.top)
        photos[:, channel] = 2 * torch.exp(-(x[None, :] ** 2 + y[:, None] ** 2) / 40) - 1
    return photos


def centres(images: torch.Tensor) -> torch.Tensor:
    """The centres of mass (N, 2, 2) of the red and of the green light, as shares of the side."""
    light = (images[:, :2] + 1).double()
    ticks = (torch.arange(images.shape[3]) + 0.5) / images.shape[3]
    mass = light.sum(dim=(2, 3))
    return torch.stack([(light.sum(dim=2) * ticks).sum(2) / mass, (light.sum(dim=3) * ticks).sum(2) / mass], dim=2)


def test_the_eyes_of_a_window_are_where_it_says() -> None:
    distance = torch.tensor([0.3, 0.35, 0.35, 0.45, 0.3])
    angle = torch.tensor([0.0, 45, -45, 20, 170]) * math.pi / 180
    middle = torch.tensor([[0.5, 0.5], [0.4, 0.6], [0.6, 0.45], [0.5, 0.4], [0.55, 0.5]])
    generator = torch.Generator().manual_seed(0)
    images = windows._cut(dotted(5), distance, angle, middle, generator)
    along = 0.5 * distance[:, None] * torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    expected = torch.stack([middle - along, middle + along], dim=1).double()

    assert (centres(images) - expected).abs().max() < 0.02


def test_windows_say_what_they_show() -> None:
    count = 100
    found = windows.random_windows(
        dotted(count), torch.zeros(count), torch.zeros(3, 3, 64, 64), torch.Generator().manual_seed(1)
    )
    assert found.images.shape == (count, 3, 64, 64) and found.images.abs().max() <= 1
    assert (found.face == 0).sum() == 22 and found.face.isnan().sum() == 6
    assert (found.drawn == 1).sum() == 14 and (found.covered == 1).sum() == 12
    known = ~found.eyes.isnan().flatten(1).any(dim=1)
    assert (known == (found.face == 1)).all()
    eyes = found.eyes[known]
    assert eyes.min() > 0 and eyes.max() < 1
    assert (eyes[:, 1, 0] > eyes[:, 0, 0]).all()  # turned by 45 degrees at most
    distance = (eyes[:, 1] - eyes[:, 0]).norm(dim=1)
    torch.testing.assert_close(distance, found.distance[known])
    assert distance.min() >= 0.139 and distance.max() <= 0.451


def test_who_wears_glasses_is_no_example_of_open_eyes() -> None:
    found = windows.random_windows(
        dotted(50), torch.ones(50), torch.zeros(3, 3, 64, 64), torch.Generator().manual_seed(1)
    )
    assert not (found.covered == 0).any() and (found.covered == 1).any()


def test_an_eyes_place_is_the_mean_of_its_map() -> None:
    torch.manual_seed(0)
    network = EyeNetwork(width=4, hidden=8).eval()
    sight = network(torch.rand(2, 3, 64, 64) * 2 - 1)
    chances = sight.maps.exp()
    torch.testing.assert_close(chances.sum(dim=(2, 3)), torch.ones(2, 2))
    x = (chances.sum(dim=2) * (torch.arange(16) + 0.5) / 16).sum(dim=2)
    torch.testing.assert_close(sight.eyes[:, :, 0], x)


@pytest.fixture(scope="module")
def celeba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sets = [load_faces("train", 24, 64), load_faces("validation", 6, 64), load_faces("test", 6, 64)]
    return write_celeba_layout(sets, tmp_path_factory.mktemp("data") / "celeba")


def small(recipe: dict[str, object]) -> Profile:
    profile = load_profile("celeba64")
    data = profile.data.model_copy(update={"split": "partition"})
    return profile.model_copy(update={"data": data, "train": {"eyes": recipe}})


def test_a_killed_training_goes_on_to_the_same_weights(
    celeba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_DRAWN_FACES", 6)
    profile = small({"epochs": 2, "batch_size": 12})
    whole = training.train_eyes(profile, out=tmp_path / "whole", data_root=celeba)

    class Killed(Exception):
        pass

    step = training.EyeFit.step

    def killing(fit: training.EyeFit) -> None:
        step(fit)
        if fit.progress.iteration == 3:
            fit.save(tmp_path / "killed")
            step(fit)  # not in the checkpoint
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(training.EyeFit, "step", killing)
        training.train_eyes(profile, out=tmp_path / "killed", data_root=celeba)
    resumed = training.train_eyes(profile, out=tmp_path / "killed", data_root=celeba, resume=True)
    expected, found = load_tensors(whole), load_tensors(resumed)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    card = header(whole)["card"]
    assert card["recipe"]["steps"] == 4 and card["ended"] == "all epochs done"
    assert card["windows"]["n"] == 6 and card["data"]["n"] == 24
    assert np.isfinite(card["best"]["loss"])
    assert "error of the eyes" in whole.with_suffix(".md").read_text()
    assert not load_eyes(whole).training
    with pytest.raises(UserError, match="A training run is in"):
        training.train_eyes(profile, out=tmp_path / "whole", data_root=celeba)


def test_what_does_not_fit_is_told(celeba: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give --profile celeba64"):
        training.train_eyes(load_profile("faces64"), out=tmp_path / "a")
    with pytest.raises(UserError, match=r"\[train\.eyes\] gives no epochs"):
        training.train_eyes(small({}), out=tmp_path / "a", data_root=celeba)
    with pytest.raises(UserError, match="not of the network that finds eyes"):
        load_eyes(Path(training.__file__).parents[3] / "methods" / "zoo" / "classifier-smoke.safetensors")
    assert not (tmp_path / "a").exists()


def test_the_photos_are_the_part_that_the_windows_are_cut_from(celeba: Path) -> None:
    """The loader cuts the part and reduces it; the known eyes are meant in this part."""
    photos = training._photos(small({}), "test", celeba)
    assert photos.image_size == windows.SIDE and photos.attributes == ("Eyeglasses",)
    assert photos.preparation is not None
    assert photos.preparation["crop"] == {"top": 20, "left": 0, "size": 178}
