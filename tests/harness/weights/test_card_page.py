"""Training cards: every shipped weights file has one that says what its header says, and the trainer writes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from huggingface_hub import ModelCard

from bridgebench.harness.commands.main import main
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.harness.train import loop
from bridgebench.harness.weights.card_page import card_text
from bridgebench.methods.core.weights import ZOO, header, save_tensors

FILES = sorted(ZOO.glob("*.safetensors"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_card_of_a_shipped_file_is_what_its_header_says(path: Path) -> None:
    """After weights were replaced: `bridgebench weights card methods/zoo/*.safetensors`."""
    assert path.with_suffix(".md").read_text() == card_text(path)
    assert len(card_text(path)) < 4608


def test_no_card_without_a_file() -> None:
    assert {path.stem for path in ZOO.glob("*.md")} == {path.stem for path in FILES}


def test_a_card_has_what_a_reader_asks_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    curves = {
        "iterations": list(range(20, 420, 20)),
        "losses": {"d": [2 / k for k in range(1, 21)], "g": [None] * 10 + [0.5] * 10},
        "first": {"iterations": [1, 2], "losses": {"d": [5.0, 4.0]}},
    }
    card = {
        "origin": "bridgebench train stargan --profile tiny",
        "recipe": {"batch_size": 4, "weights": {"cycle": 10.0}, "notes": "a | b"},
        "data": {"name": "faces", "digest": "0" * 64, "n": 20000},
        "seed": 7,
        "code": {"git_commit": "abc", "git_dirty": True},
        "hardware": {"cpu": "C", "cores": 2, "gpu": "G", "memory_gib": 8.0, "python": "3.11", "os": "L"},
        "iterations": 400,
        "images_seen": 1600,
        "training_minutes": 1.5,
        "curves": curves,
        "date": "2026 | 11",
    }
    path = tmp_path / "mine.safetensors"
    save_tensors(path, {"a": torch.zeros(3, 4)}, "stargan", {"image_size": 32}, card)
    assert main(["weights", "card", str(path)]) == 0
    assert capsys.readouterr().out == f"Wrote {tmp_path / 'mine.md'}\n"
    text = (tmp_path / "mine.md").read_text()
    for part in (
        "`stargan` for 32 px: 12 numbers",
        "| seed | 7 |",
        "| data | name faces, digest 0000000000000000…, n 20,000 |",
        "| images seen | 1,600 |",
        "| time | 1.5 minutes |",
        "| hardware | C, 2 cores, G, 8.0 GiB; Python 3.11, L |",
        "| commit | abc, with changes that were not committed |",
        "| date | 2026 \\| 11 |",
        "weights = { cycle = 10.0 }",
        "| iteration | d | g |",
    ):
        assert part in text
    rows = [line for line in text.splitlines() if line.startswith("| ")][-10:]
    assert rows[:3] == ["| 1 | 5 |  |", "| 2 | 4 |  |", "| 20 | 2 |  |"]
    assert rows[-1] == "| 400 | 0.1 | 0.5 |"


def test_the_trainer_writes_the_card(tmp_path: Path) -> None:
    smoke = load_profile("smoke")
    recipe = {"width": 4, "blocks": 1, "discriminator_width": 4, "iterations": 3, "batch_size": 4, "n_critic": 1}
    profile = smoke.model_copy(
        update={"data": smoke.data.model_copy(update={"train": 8, "validation": 8}), "train": {"stargan": recipe}}
    )
    weights = loop.train("stargan", profile, out=tmp_path)
    text = (tmp_path / "weights.md").read_text()
    assert text == card_text(weights)
    assert f"| commit | {header(weights)['card']['code']['git_commit']}" in text


def test_cards_need_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, bridgebench.harness.weights.card_page as c;"
        f"c.card_text(c.Path({str(FILES[0])!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_card_begins_with_what_a_hub_reads() -> None:
    for path in FILES:
        head = yaml.safe_load(path.with_suffix(".md").read_text().split("---\n")[1])
        judge = header(path)["method"] == "classifier"
        assert head["library_name"] == "bridgebench" and "bridgebench" in head["tags"]
        assert head["pipeline_tag"] == ("image-classification" if judge else "image-to-image")
        assert head["license"] == ("other" if "celeba" in path.stem else "mit")
        assert "accuracy" in head["metrics"]
        if "scores" in header(path)["card"]:
            (metric,) = head["model-index"][0]["results"][0]["metrics"]
            assert metric["value"] == pytest.approx(header(path)["card"]["scores"]["test"]["mean"], abs=1e-4)


def test_the_hubs_own_library_reads_the_head() -> None:
    data = ModelCard(ZOO.joinpath("classifier-celeba64.md").read_text()).data
    assert (data.license, data.library_name, data.pipeline_tag) == ("other", "bridgebench", "image-classification")
    assert data.eval_results is not None and data.eval_results[0].metric_type == "accuracy"


def test_a_head_says_no_more_than_is_known(tmp_path: Path) -> None:
    nasty = 'x"]\n---\n<b>'
    save_tensors(tmp_path / "a.safetensors", {"a": torch.zeros(3)}, nasty, {}, {"origin": "official checkpoint"})
    head = yaml.safe_load(card_text(tmp_path / "a.safetensors").split("---\n")[1])
    assert head["license"] == "unknown" and head["tags"][1] == nasty and "model-index" not in head
