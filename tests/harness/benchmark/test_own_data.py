"""A folder of one's own images from profile to page, with names and rules that bridgebench has never heard of."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_judges import small_judges

from bridgebench.eval.records.run import RunRecord
from bridgebench.harness.benchmark.runner import run_benchmark
from bridgebench.harness.benchmark.verify import verify_run
from bridgebench.harness.data.start import start_profile
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.harness.train.judges.train import train_judge
from bridgebench.harness.train.loop import train
from bridgebench.methods import load
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import build

NAMES = ("眼鏡", "Ohr ring (l)", "Cap")


@pytest.fixture(scope="module")
def profile_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty small pictures: a stripe on top, in the middle or below where an attribute is on."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "pictures").mkdir()
    with (folder / "pictures" / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file_name", *NAMES])
        for number in range(60):
            labels = [number % 2, number // 2 % 2, int(number % 4 == 3)]
            pixels = np.full((32, 32, 3), 100 + number, np.uint8)
            for place, on in enumerate(labels):
                pixels[4 + 10 * place : 8 + 10 * place] += np.uint8(60 * on)
            Image.fromarray(pixels).save(folder / "pictures" / f"{number}.png")
            rows.writerow([f"{number}.png", *labels])
    path = folder / "mine.toml"
    start_profile(path, folder / "pictures")
    judges = small_judges(folder, "this test", NAMES)
    text = path.read_text().replace(
        f'names = ["{NAMES[0]}"', f'implies = {{ Cap = ["{NAMES[0]}"] }}\nnames = ["{NAMES[0]}"'
    )
    text = text.replace(
        'methods = ["bridgegan", "stargan", "identity", "copy", "attack"]', 'methods = ["stargan", "identity", "copy"]'
    )
    text += "[weights]\n" + "".join(f'{name} = "{file.name}"\n' for name, file in judges.items())
    text += f'stargan = "{(folder / "stargan" / "weights.safetensors").relative_to(folder)}"\n'
    path.write_text(text)
    return path


def test_from_pictures_to_a_page(profile_file: Path, tmp_path: Path) -> None:
    profile = load_profile(profile_file)
    short = profile.train["stargan"] | {
        "width": 4,
        "discriminator_width": 4,
        "iterations": 2,
        "decay_iterations": 1,
        "precision": "32",
    }
    profile = profile.model_copy(update={"train": profile.train | {"stargan": short}})
    weights = train("stargan", profile, out=profile_file.parent / "stargan")
    assert load("stargan", weights).space == profile.space  # the weights know the rules
    evaluation = profile.evaluation.model_copy(update={"n": 6})
    profile = profile.model_copy(update={"evaluation": evaluation})
    assert run_benchmark(profile, tmp_path / "run", workers=1, say=lambda line: None) == []
    record = RunRecord.read(tmp_path / "run" / "run.json")
    assert record.attributes == NAMES and record.data.keeps_photos
    assert record.protocol["rules"] == {"exclusive": [], "implies": {"Cap": [NAMES[0]]}}
    assert [cell.same for cell in verify_run(tmp_path / "run", cells=1, workers=1, say=lambda line: None)] == [True]
    page = build(tmp_path / "run", tmp_path / "page.html", single=True).read_text()
    assert all(name in page for name in NAMES) and "only what networks made" in page
    assert Run(tmp_path / "run").space.columns == NAMES


def test_a_judge_learns_the_labels_of_the_table(profile_file: Path, tmp_path: Path) -> None:
    profile = load_profile(profile_file)
    brief = profile.model_copy(update={"train": profile.train | {"classifier": {"epochs": 1, "hidden": 4}}})
    path = train_judge("classifier", brief, out=tmp_path / "judge")
    assert path is not None and path.is_file()


def test_domains_of_ones_own_are_converted(tmp_path: Path) -> None:
    for number in range(48):
        folder = tmp_path / "art" / ("oil", "ink")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((32, 32, 3), 3 * number, np.uint8)).save(folder / f"{number}.png")
    start_profile(tmp_path / "art.toml", tmp_path / "art")
    judges = small_judges(tmp_path, "this test", ("ink", "oil"))
    text = (tmp_path / "art.toml").read_text()
    text += "[weights]\n" + "".join(f'{name} = "{file.name}"\n' for name, file in judges.items())
    (tmp_path / "art.toml").write_text(text)
    profile = load_profile(tmp_path / "art.toml")
    evaluation = profile.evaluation.model_copy(update={"n": 3, "outputs": 2})
    profile = profile.model_copy(update={"methods": ("identity", "copy"), "evaluation": evaluation})
    assert run_benchmark(profile, tmp_path / "run", workers=1, say=lambda line: None) == []
    run = Run(tmp_path / "run")
    assert set(run.columns) == {"ink2oil", "oil2ink"} and run.space.exclusive and run.words.image == "image"
    page = build(tmp_path / "run", tmp_path / "page.html", single=True).read_text()
    assert "ink → oil" in page
