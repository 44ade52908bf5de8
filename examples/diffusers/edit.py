"""Makes the edits of a folder of tasks by a diffusion pipeline of Hugging Face's diffusers.

    python edit.py DIR --model FOLDER_OR_NAME [--prompts prompts.toml] [--side 512] [--steps 20] [--device cuda]

The pipeline edits an image by an instruction (InstructPix2Pix), or starts from the image and follows a description
(image-to-image); the model says which it is. A table turns labels into words: `prompts.toml`.

Sizes: the benchmark's images are small (often 64 pixels), and these models were trained on large ones. Each image is
enlarged to SIDE by Lanczos' filter, edited, and brought back by the mean over squares of pixels (a box filter), which
neither rings nor invents anything. What is lost on that way is a loss of the method, as measured.

Only edits by label are made; those by reference, and those that weigh the two, are left out. Each edit has the seed of
its task. An edit that is there is not made again: stopped, the same call goes on.
"""

from __future__ import annotations

import argparse
import inspect
import json
import tomllib
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline, StableDiffusionImg2ImgPipeline, StableDiffusionInstructPix2PixPipeline
from PIL import Image

CHANNELS_OF_INSTRUCTIONS = 8  # a network that is told by an instruction also sees the image: twice four channels


def main() -> None:
    """Reads the tasks and makes the edits, in order."""
    options = _options()
    table = tomllib.loads(options.prompts.read_text())
    pipeline = load(options.model, options.device)
    made = left_out = 0
    for line in (options.folder / "tasks.jsonl").read_text().splitlines():
        task = json.loads(line)
        target = options.folder / task["edit"]
        source = options.folder / task["source"]
        if task["mode"] != "label" or task["mix"] is not None or not source.is_file():
            left_out += 1
        elif not target.is_file():
            edit = edited(pipeline, Image.open(source).convert("RGB"), task, table, options.side, options.steps)
            half_written = target.with_suffix(".part")
            edit.save(half_written, format="PNG")
            half_written.replace(target)
            made += 1
    print(f"Made {made} edits; left out {left_out} tasks that are not edits by label.")


def load(model: str, device: str) -> Any:
    """The pipeline of a model: its weights are safetensors, and no code of the model is run."""
    plain = DiffusionPipeline.from_pretrained(model, use_safetensors=True)
    told = plain.unet.config.in_channels == CHANNELS_OF_INSTRUCTIONS
    kind = StableDiffusionInstructPix2PixPipeline if told else StableDiffusionImg2ImgPipeline
    pipeline = kind(
        **{name: plain.components.get(name) for name in inspect.signature(kind).parameters if name in plain.components}
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def edited(
    pipeline: Any, source: Image.Image, task: dict[str, Any], table: dict[str, Any], side: int, steps: int
) -> Image.Image:
    """The edit of an image, of the same size."""
    words = prompt_of(task, table, instruction=isinstance(pipeline, StableDiffusionInstructPix2PixPipeline))
    if not words:
        return source  # nothing is to change
    settings = dict(table.get("settings", {}))
    strength = 1.0 if task["strength"] is None else task["strength"]
    if isinstance(pipeline, StableDiffusionInstructPix2PixPipeline):
        settings["guidance_scale"] = 1 + (settings.get("guidance_scale", 7.5) - 1) * strength
        settings.pop("strength", None)
    else:
        # So far it goes from the image, at least one step: with none at all there is no image.
        settings["strength"] = min(1.0, max(1 / steps, settings.get("strength", 0.5) * strength))
        settings.pop("image_guidance_scale", None)
    found = pipeline(
        prompt=words,
        image=source.resize((side, side), Image.Resampling.LANCZOS),
        num_inference_steps=steps,
        generator=torch.Generator().manual_seed(task["seed"]),
        **settings,
    )
    return found.images[0].convert("RGB").resize(source.size, Image.Resampling.BOX)


def prompt_of(task: dict[str, Any], table: dict[str, Any], *, instruction: bool) -> str:
    """The words for a task: what to do, or what the edited image shows; empty where nothing is to change."""
    if not (task["turn_on"] or task["turn_off"]):
        return ""
    if instruction:
        wanted = [("on", name) for name in task["turn_on"]] + [("off", name) for name in task["turn_off"]]
        return ", and ".join(table[kind].get(name, _plain(kind, name)) for kind, name in wanted)
    shown = [table["shows"].get(name, name.replace("_", " ").lower()) for name in task["target_labels"]]
    return ", ".join([table.get("subject", "a portrait photo"), *shown])


def _plain(kind: str, name: str) -> str:
    words = name.replace("_", " ").lower()
    return f"add {words}" if kind == "on" else f"remove {words}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Makes the edits of a folder of tasks by diffusers.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", required=True, help="A folder, or a name on the hub.")
    parser.add_argument("--prompts", type=Path, default=Path(__file__).with_name("prompts.toml"))
    parser.add_argument("--side", type=int, default=512, help="The side at which the model edits, in pixels.")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
