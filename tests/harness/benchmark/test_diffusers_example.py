"""examples/diffusers: tiny pipelines of random weights make the edits of a folder of tasks, without a network."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLE = Path(__file__).parents[3] / "examples" / "diffusers"
pytest.importorskip("diffusers", reason="diffusers is not installed: the extra `examples` brings it")
pytest.importorskip("transformers", reason="transformers is not installed: the extra `examples` brings it")


def tiny(folder: Path, channels: int) -> Path:
    """A Stable Diffusion pipeline of random weights: 8 channels for instructions, 4 for image-to-image."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    words = ["<|startoftext|>", "<|endoftext|>", *map(chr, range(97, 123)), *(f"{chr(i)}</w>" for i in range(97, 123))]
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({word: number for number, word in enumerate(words)}))
    merges.write_text("#version: 0.2\n")
    text = CLIPTextConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=77, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    blocks = {"block_out_channels": (8, 16), "norm_num_groups": 4, "layers_per_block": 1}
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4, **blocks,
        ),
        text_encoder=CLIPTextModel(text),
        tokenizer=CLIPTokenizer(str(vocabulary), str(merges), model_max_length=77),
        unet=UNet2DConditionModel(
            sample_size=16, in_channels=channels, out_channels=4, cross_attention_dim=16, attention_head_dim=2,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            **blocks,
        ),
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    model = folder / f"model-{channels}"
    pipeline.save_pretrained(model, safe_serialization=True)
    return model


def ask(folder: Path) -> Path:
    """A folder of tasks by hand: a flip, a chain, nothing to change, a strength, and an edit by reference."""
    (folder / "images").mkdir(parents=True)
    (folder / "edits").mkdir()
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        Image.fromarray(random.integers(0, 256, (32, 32, 3), np.uint8)).save(folder / f"images/{name}.png")
    plain = {"mode": "label", "source": "images/a.png", "reference": None, "turn_on": [], "turn_off": []}
    plain |= {"source_labels": [], "target_labels": [], "strength": None, "mix": None, "seed": 3}
    changes: list[dict] = [
        {"turn_on": ["Smiling"], "target_labels": ["Smiling"]},
        {"turn_off": ["Smiling"], "source": "edits/0.png"},
        {},
        {"turn_on": ["Wearing_Hat"], "target_labels": ["Wearing_Hat"], "strength": 0.5, "source": "images/b.png"},
        {"mode": "reference", "reference": "images/b.png", "turn_on": ["Smiling"]},
    ]
    lines = [{**plain, "edit": f"edits/{number}.png", **change} for number, change in enumerate(changes)]
    (folder / "tasks.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


def run(folder: Path, model: Path) -> str:
    command = [
        sys.executable,
        str(EXAMPLE / "edit.py"),
        str(folder),
        "--model",
        str(model),
        "--side",
        "32",
        "--steps",
        "2",
    ]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("channels", [8, 4], ids=["instruction", "image-to-image"])
def test_a_pipeline_makes_the_edits(channels: int, tmp_path: Path) -> None:
    model, folder = tiny(tmp_path, channels), ask(tmp_path / "asked")
    assert "Made 4 edits; left out 1 tasks" in run(folder, model)
    edits = {path.name: path.read_bytes() for path in sorted((folder / "edits").iterdir())}
    assert list(edits) == ["0.png", "1.png", "2.png", "3.png"]
    images = [np.asarray(Image.open(folder / "edits" / name)) for name in edits]
    assert {image.shape for image in images} == {(32, 32, 3)}
    source = np.asarray(Image.open(folder / "images/a.png"))
    assert (images[2] == source).all() and not (images[0] == source).all()
    (folder / "edits/1.png").unlink()
    assert "Made 1 edits" in run(folder, model)  # it goes on where it stopped, with the same result
    assert (folder / "edits/1.png").read_bytes() == edits["1.png"]


def test_every_attribute_of_the_faces_has_words() -> None:
    from bridgebench.methods.core.labels import CELEBA14

    spec = importlib.util.spec_from_file_location("edit_by_diffusers", EXAMPLE / "edit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table = tomllib.loads((EXAMPLE / "prompts.toml").read_text())
    assert set(table["on"]) == set(table["off"]) == set(CELEBA14)
    task = {"turn_on": ["Bangs"], "turn_off": ["Smiling", "Hat"], "target_labels": ["Male", "Bangs"]}
    assert module.prompt_of(task, table, instruction=True) == (
        "give the person bangs, and make the person look serious, and remove hat"
    )
    assert module.prompt_of(task, table, instruction=False) == "a portrait photo of a face, man, bangs"
