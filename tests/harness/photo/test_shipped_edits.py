"""The shipped weights for photos edit a photo that no training has seen: the second judge says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bridgebench.eval.judges.classifier import AttributeClassifier, load_classifier, to_float
from bridgebench.harness.photo.edit import edit_photo
from bridgebench.harness.profiles.profile import PHOTOS, load_profile
from bridgebench.harness.weights.find import judge_weights

data = pytest.importorskip("skimage.data", reason="scikit-image is not installed (pip install bridgebench[photos])")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut's file."""
    file = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(data.astronaut()).save(file)
    return file


@pytest.fixture(scope="module")
def second() -> AttributeClassifier:
    """The judge that no method has used."""
    profile = load_profile(PHOTOS)
    return load_classifier(judge_weights("second", profile), profile.attributes)


def read(judge: AttributeClassifier, file: Path, attribute: str) -> float:
    """The judge's probability that the picture has the attribute."""
    pixels = np.asarray(Image.open(file))
    return float(torch.sigmoid(judge(to_float(pixels[None])))[0, list(judge.attributes).index(attribute)])


@pytest.mark.parametrize("setting", ["Black_Hair=1", "Bangs=0", "Mouth_Slightly_Open=0", "Receding_Hairline=1"])
def test_the_second_judge_sees_what_stgan_was_asked_for(
    setting: str, photo: Path, second: AttributeClassifier, tmp_path: Path
) -> None:
    attribute, wanted = setting.split("=")
    # Two edits by the same network: only what they were asked for differs.
    kept = edit_photo(photo, "stgan", tmp_path / "kept.png", settings=[f"{attribute}={1 - int(wanted)}"])
    made = edit_photo(photo, "stgan", tmp_path / "made.png", settings=[setting])
    rise = read(second, made.out, attribute) - read(second, kept.out, attribute)
    assert (rise if wanted == "1" else -rise) > 0.5
