"""A made-up run of domains: six conversions, by label and by reference; every number is invented by a seed."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parent))
from fake_run import BOTH, HASH, N, cell_measures, run_record, write_cell, write_json

DOMAINS = ("cat", "dog", "wild")
CONVERSIONS = ("dog2cat", "wild2cat", "cat2dog", "wild2dog", "cat2wild", "dog2wild")
SIDE, SAMPLES, GRID = 64, 8, 6
COATS = {"cat": (214, 150, 80), "dog": (120, 84, 58), "wild": (224, 176, 60)}
METHODS: dict[str, tuple[str, str, float, float]] = {
    "bridgegan": ("BridgeGAN", "method", 0.86, 0.03),
    "starganv2": ("StarGAN v2", "method", 0.8, 0.05),
    "identity": ("Identity", "control", 0.03, 0.0),
    "oracle": ("Oracle", "control", 0.99, 0.0),
}


def write_domain_run(folder: Path, seed: int = 0) -> Path:
    """A complete run with samples and grids; returns the folder."""
    rng = random.Random(seed)
    write_json(folder / "run.json", domain_record())
    null = {name: {"value": rng.uniform(20, 60), "n": N, "n_real": 200} for name in CONVERSIONS}
    write_json(folder / "baselines.json", {"floor": {"value": 1.23, "n": N // 2}, "null": null})
    for name, (_, _, skill, damage) in METHODS.items():
        for mode in BOTH:
            for conversion in CONVERSIONS:
                measures = cell_measures(rng, name, conversion, skill, damage)
                for absent in ("accuracy_added", "accuracy_removed"):
                    del measures[absent]
                for absent in ("fd_paper", "leakage"):
                    measures[absent] = {"value": None, "reason": "a conversion has none"}
                write_cell(folder, name, mode, conversion, measures)
    (folder / "summary.csv").write_text("method,mode,attribute,kind,n\n", encoding="utf-8")
    write_strips(folder / "samples", rng)
    write_grids(folder / "grids", rng)
    return folder


def domain_record() -> dict[str, Any]:
    record = run_record()
    plain = record["methods"]["bridgegan"]
    methods = {
        name: plain
        | {"title": title, "kind": kind, "modes": BOTH, "weights": plain["weights"] if kind == "method" else None}
        for name, (title, kind, _, _) in METHODS.items()
    }
    return record | {
        "profile_name": "animals64",
        "profile": {"methods": [*METHODS], "evaluation": {"n": N}},
        "data": record["data"] | {"name": "animals"},
        "attributes": list(DOMAINS),
        "columns": list(CONVERSIONS),
        "methods": methods,
        "protocol_hash": HASH,
    }


def animal(rng: random.Random, domain: str) -> Image.Image:
    """A head with ears in the domain's coat on a plain ground."""
    coat = tuple(min(255, max(0, part + rng.randrange(-24, 24))) for part in COATS[domain])
    picture = Image.new("RGB", (SIDE * 4, SIDE * 4), tuple(rng.randrange(110, 190) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for x in (70, 186):
        draw.polygon([(x - 34, 110), (x, 20 if domain == "cat" else 44), (x + 34, 110)], fill=coat)
    draw.ellipse((48, 60, 208, 230), fill=coat)
    for x in (98, 158):
        draw.ellipse((x - 12, 118, x + 12, 142), fill=(30, 40, 30))
    draw.ellipse((114, 160, 142, 180), fill=(60, 40, 40))
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def save(path: Path, rows: list[list[Image.Image]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    out = Image.new("RGB", (SIDE * len(rows[0]), SIDE * len(rows)))
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            out.paste(picture, (x * SIDE, y * SIDE))
    out.save(path)


def write_strips(samples: Path, rng: random.Random) -> None:
    for domain in DOMAINS:
        save(samples / "source" / f"{domain}.png", [[animal(rng, domain) for _ in range(SAMPLES)]])
    for conversion in CONVERSIONS:
        target = conversion.partition("2")[2]
        save(samples / "reference" / f"{conversion}.png", [[animal(rng, target) for _ in range(SAMPLES)]])
        for mode in BOTH:
            for name in ("truth", *METHODS):
                save(samples / name / mode / f"{conversion}.png", [[animal(rng, target) for _ in range(SAMPLES)]])


def write_grids(grids: Path, rng: random.Random) -> None:
    for kind in ("source", "reference"):
        for domain in DOMAINS:
            save(grids / kind / f"{domain}.png", [[animal(rng, domain) for _ in range(GRID)]])
    for conversion in CONVERSIONS:
        target = conversion.partition("2")[2]
        for name in ("truth", "bridgegan", "starganv2"):
            for mode in BOTH:
                count = 1 if name == "truth" and mode == "label" else GRID
                rows = [[animal(rng, target) for _ in range(GRID)] for _ in range(count)]
                save(grids / name / mode / f"{conversion}.png", rows)
