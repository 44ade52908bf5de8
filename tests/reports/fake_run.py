"""Writes a made-up run directory in the format that the benchmark writes; every number in it is invented by a seed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image, ImageDraw, ImageFilter

from bridgebench.methods.core.labels import CELEBA14

EVIL = "<img src=x onerror=alert(1)>"
HASH = "5e1f" * 16
SIDE, FACES, N = 64, 8, 500
BOTH = ["label", "reference"]
# name: title, kind, modes, how well it edits, how much it changes what it should not
METHODS: dict[str, tuple[str, str, list[str], float, float]] = {
    "bridgegan": ("BridgeGAN", "method", BOTH, 0.86, 0.03),
    "stargan": ("StarGAN", "method", ["label"], 0.74, 0.05),
    EVIL: (EVIL, "method", BOTH, 0.72, 0.06),
    "identity": ("Identity", "control", BOTH, 0.03, 0.0),
    "copy": ("Copy", "control", ["reference"], 0.97, 0.24),
    "attack": ("Attack", "control", ["label"], 0.995, 0.01),
    "oracle": ("Oracle", "control", BOTH, 0.99, 0.0),
}
RARE = ("Gray_Hair", "Mustache")
DRILLED = ("Smiling", "Bangs")  # the attributes whose single edits are kept


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def write_run(folder: Path, seed: int = 0, pictures: bool = True) -> Path:
    """A complete run of three methods (one has a hostile name) and four controls; returns the folder."""
    rng = random.Random(seed)
    write_json(folder / "run.json", run_record())
    write_json(folder / "baselines.json", baselines(rng))
    lines = ["method,mode,attribute,kind,n,accuracy"]
    for name, (_, kind, modes, skill, damage) in METHODS.items():
        for mode in modes:
            for attribute in CELEBA14:
                measures = cell_measures(rng, name, attribute, skill, damage)
                write_cell(folder, name, mode, attribute, measures)
                lines.append(f'"{name}",{mode},{attribute},{kind},{N},{measures["accuracy"]["value"]}')
            cost = {"method": name, "mode": mode, "ms_per_image": rng.uniform(0.1, 9), "parameters": 2_345_678}
            cost |= {"peak_memory_mib": 312.5, "batch": 32, "hardware": "a made-up CPU"}
            write_json(folder / "cost" / quote(name, safe="") / f"{mode}.json", cost)
    (folder / "summary.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if pictures:
        write_pictures(folder / "samples", rng)
        write_boards(folder / "samples", rng)
        for name in ("bridgegan", EVIL):
            for mode in BOTH:
                for attribute in DRILLED:
                    write_details(folder, name, mode, attribute, rng)
    return folder


def write_cell(folder: Path, method: str, mode: str, attribute: str, measures: dict, protocol_hash: str = HASH) -> Path:
    path = folder / "cells" / quote(method, safe="") / mode / f"{attribute}.json"
    cell = {"schema": 1, "key": "0" * 64, "protocol_hash": protocol_hash, "method": method, "mode": mode}
    write_json(path, cell | {"attribute": attribute, "n": N, "measures": measures, "reason": None})
    return path


def run_record() -> dict[str, Any]:
    weights = {"file": "bridgegan-faces64.safetensors", "sha256": "ab" * 32, "card": {"iterations": 20000, "batch": 48}}
    methods = {
        name: {
            "title": title,
            "kind": kind,
            "modes": modes,
            "parameters": 2_345_678 if kind == "method" else 0,
            "paper": "A made-up paper, 2020" if kind == "method" else "",
            "summary": f"{title} as this test invents it.",
            "weights": weights if kind == "method" else None,
        }
        for name, (title, kind, modes, _, _) in METHODS.items()
    }
    return {
        "schema": 1,
        "created": "2026-11-23T07:00:00+00:00",
        "profile_name": "faces64",
        "profile": {"methods": [*METHODS], "evaluation": {"n": N}},
        "protocol": {"n": N, "features": {"name": "attributes", "digest": "cd" * 32}, "seed": 0, "batch": 32},
        "protocol_hash": HASH,
        "code": {"version": "0.1.0", "git_commit": "0123456789abcdef0123456789abcdef01234567", "git_dirty": True},
        "packages": {"torch": "2.14.0", "numpy": "2.4.6"},
        "hardware": {"cpu": "a made-up CPU", "cores": 2, "gpu": None, "memory_gib": 8, "python": "3.11", "os": "Linux"},
        "data": {"name": "faces", "digest": "ef" * 32, "n_test": N, "image_size": SIDE},
        "attributes": list(CELEBA14),
        "features": {"name": "attributes", "title": "FD (attribute features)", "dimension": 256, "digest": "cd" * 32},
        "judges": {"primary": weights | {"file": "classifier-faces64.safetensors"}, "second": weights},
        "methods": methods,
    }


def baselines(rng: random.Random) -> dict[str, Any]:
    null = {name: {"value": rng.uniform(20, 60), "n": N, "n_real": 200} for name in CELEBA14 if name not in RARE}
    return {"floor": {"value": 1.23, "n": N // 2}, "null": null}


def cell_measures(rng: random.Random, name: str, attribute: str, skill: float, damage: float) -> dict[str, Any]:
    def with_interval(value: float, spread: float) -> dict[str, Any]:
        return {"value": value, "low": value - spread, "high": value + spread, "n": N}

    def share(value: float) -> dict[str, Any]:
        value = min(max(value, 0.0), 1.0)
        half = 1.96 * (value * (1 - value) / N) ** 0.5
        return {"value": value, "low": max(value - half, 0.0), "high": min(value + half, 1.0), "n": N}

    hit = min(max(skill + (rng.uniform(-0.2, 0.12) if 0.1 < skill < 0.95 else 0), 0.0), 1.0)
    measures: dict[str, Any] = {
        "accuracy": share(hit),
        "accuracy_added": share(hit - 0.04),
        "accuracy_removed": share(hit + 0.02),
        "accuracy_second": share(0.08 if name == "attack" else hit - 0.015),
        "fd_paper": {"value": damage * rng.uniform(150, 400), "n": N, "n_real": N},
        "fd_target": {"value": 1.5 + (1 - hit) * rng.uniform(30, 50) + damage * 60, "n": N, "n_real": 200},
        "kid": {"value": 0.001 + (1 - hit) * 0.03, "se": 0.0012, "n": N},
        "leakage": with_interval(0.01 + damage * rng.uniform(0.5, 1.5), 0.004),
        "l1_source": with_interval(0.01 + damage, 0.002),
        "ssim_source": with_interval(0.98 - 3 * damage, 0.004),
        "diversity": {"value": rng.uniform(0, 3), "n": 32, "draws": 10},
    }
    if name == "oracle":
        perfect = {"l1_true": 0.0, "l1_true_inside": 0.0, "l1_true_outside": 0.0, "ssim_true": 1.0}
        measures |= {key: with_interval(value, 0.0) for key, value in perfect.items()}
        measures["psnr_true"] = with_interval(100.0, 0.0)
        measures["skill"] = measures["skill_inside"] = with_interval(1.0, 0.0)
        measures["harm_outside"] = with_interval(0.0, 0.0)
    else:
        measures["psnr_true"] = with_interval(32 - 120 * damage - 8 * (1 - hit), 0.4)
        measures["ssim_true"] = with_interval(0.97 - 2 * damage, 0.005)
        measures["skill"] = with_interval(hit - 12 * damage, 0.03)
        measures["skill_inside"] = with_interval(hit - 4 * damage, 0.02)
        measures["harm_outside"] = with_interval(8 * damage, 0.02)
        for key, factor in (("l1_true", 1.0), ("l1_true_inside", 4.0), ("l1_true_outside", 0.6)):
            measures[key] = with_interval(factor * (0.008 + damage + 0.02 * (1 - hit)), 0.001)
    if attribute in RARE:
        measures["fd_target"] = {"value": None, "reason": "fewer than 50 real images with the attribute"}
    return measures


def face(rng: random.Random) -> Image.Image:
    """A head on a plain ground; enough to see rows and columns."""
    skin = rng.choice([(236, 200, 176), (198, 146, 110), (120, 82, 60)])
    hair = rng.choice([(40, 30, 28), (200, 160, 90), (110, 70, 40)])
    picture = Image.new("RGB", (SIDE * 4, SIDE * 4), tuple(rng.randrange(90, 200) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((46, 24, 210, 226), fill=hair)
    draw.ellipse((62, 48, 194, 236), fill=skin)
    for x in (104, 152):
        draw.ellipse((x - 8, 124, x + 8, 136), fill=(250, 250, 250))
        draw.ellipse((x - 4, 126, x + 4, 136), fill=(40, 40, 60))
    draw.arc((100, 160, 156, 204), 20, 160, fill=(150, 60, 60), width=6)
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def edited(picture: Image.Image, column: int, strength: float, blur: float) -> Image.Image:
    """The face with a tinted top that depends on the attribute's column."""
    colour = tuple((column * step) % 256 for step in (67, 131, 29))
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).ellipse((14, 4, 50, 24), fill=round(255 * strength))
    out = Image.composite(Image.new("RGB", picture.size, colour), picture, mask)
    return out.filter(ImageFilter.GaussianBlur(blur)) if blur else out


def write_pictures(samples: Path, rng: random.Random) -> None:
    def save(path: Path, pictures: list[Image.Image]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        strip = Image.new("RGB", (SIDE * len(pictures), SIDE))
        for i, picture in enumerate(pictures):
            strip.paste(picture, (i * SIDE, 0))
        strip.save(path)

    faces = [face(rng) for _ in range(FACES)]
    save(samples / "source.png", faces)
    for column, attribute in enumerate(CELEBA14):
        references = [face(rng) for _ in range(FACES)]
        save(samples / "reference" / f"{attribute}.png", references)
        for mode in BOTH:
            save(samples / "truth" / mode / f"{attribute}.png", [edited(one, column, 1, 0) for one in faces])
        for name, (_, kind, modes, skill, damage) in METHODS.items():
            for mode in modes:
                tint = skill if kind == "method" or name == "oracle" else 0.0
                made = references if name == "copy" else [edited(one, column, tint, damage * 12) for one in faces]
                if not (name == EVIL and attribute == "Male"):  # one strip is missing
                    save(samples / quote(name, safe="") / mode / f"{attribute}.png", made)


def write_details(folder: Path, name: str, mode: str, attribute: str, rng: random.Random) -> None:
    """The first eight edits, and two of the best, median and worst with their pictures."""
    places = ["fixed"] * FACES + [place for place in ("best", "median", "worst") for _ in range(2)]
    kinds = ["source", "truth", "edit"] + (["reference"] if mode == "reference" else [])
    shown, column = [], Image.new("RGB", (SIDE, SIDE * len(kinds) * 6))
    for number, place in enumerate(places):
        target, after = rng.randrange(2), rng.random()
        index = number if place == "fixed" else 100 + number
        reading = {"place": place, "index": index, "id": f"{name} {index}", "score": 0.01 * number, "target": target}
        reading |= {"before": rng.random(), "after": after, "hit": (after > 0.5) == (target == 1)}
        shown.append(reading | {"reference": f"{name} like {index}" if mode == "reference" else None})
    for number in range(6):
        source = face(rng)
        made = {
            "source": source,
            "truth": edited(source, 3, 1, 0),
            "edit": edited(source, 3, 0.6, 1),
            "reference": face(rng),
        }
        for row, kind in enumerate(kinds):
            column.paste(made[kind], (0, SIDE * (number * len(kinds) + row)))
    path = folder / "details" / quote(name, safe="") / mode / f"{attribute}.json"
    record = {"schema": 1, "key": "0" * 64, "protocol_hash": HASH, "method": name, "mode": mode, "attribute": attribute}
    write_json(path, record | {"measure": "l1_true", "kinds": kinds, "shown": shown})
    column.save(path.with_suffix(".png"))


def write_boards(samples: Path, rng: random.Random) -> None:
    """Rows of pairs of three methods and of the true edits, and the way from label to reference of one method."""
    for name in ("bridgegan", EVIL, "truth"):
        for figure in ("Male", "Bangs", "Mouth_Slightly_Open-and-Bangs"):
            write_board(samples / quote(name, safe="") / "pairs" / f"{figure}.png", 3, 4, rng)
    for attribute in ("Smiling", "Male"):
        write_board(samples / "bridgegan" / "interpolation" / f"{attribute}.png", 2, 7, rng)


def write_board(path: Path, rows: int, columns: int, rng: random.Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    board = Image.new("RGB", (SIDE * columns, SIDE * rows))
    for place in range(rows * columns):
        board.paste(face(rng), (place % columns * SIDE, place // columns * SIDE))
    board.save(path)
