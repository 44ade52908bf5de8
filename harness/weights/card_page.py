"""The training card of a weights file, as a page of Markdown beside it.

The trainer writes the page with every weights file; ``bridgebench weights card`` writes it for files that are there
already. Only the file's header is read (no tensor, no torch), so the page says nothing that the file does not. It
begins with what a hub reads (Hugging Face's metadata of models): license, library, task, tags, metrics.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bridgebench.harness.profiles.profile import load_profile, shipped_profiles
from bridgebench.harness.weights.show import parameter_count
from bridgebench.harness.weights.training_card import workers
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import read_bytes, refuse_existing, write_bytes
from bridgebench.methods.core.labels import DOMAINS
from bridgebench.methods.core.weights import header
from bridgebench.templates import environment

_ROWS = 8  # of a curve's points
_OURS = re.compile(rb"Made from the header of `[^`\n]+` by `bridgebench weights card`")
# What each data set allows for weights that were trained on it.
_LICENSES = {
    "faces": {"license": "mit"},
    "animals": {"license": "mit"},
    "celeba": {
        "license": "other",
        "license_name": "celeba-non-commercial-research",
        "license_link": "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    },
    "afhq": {"license": "cc-by-nc-4.0"},
}
_FIRST_ROWS = 3  # of the first iterations


def write_card(path: Path) -> Path:
    """Writes the card of a weights file beside it, with the ending ``.md``.

    Raises:
        UserError: the file is missing or damaged, or the card cannot be written or a file of somebody else is there.
    """
    card = path.with_suffix(".md")
    if card.is_file() and not _OURS.search(read_bytes(card)):
        refuse_existing(card)
    write_bytes(card, card_text(path).encode())
    return card


def card_text(path: Path) -> str:
    """The card of a weights file.

    Raises:
        UserError: the file is missing or damaged, or its card is none of ours.
    """
    found = header(path)
    try:
        told = _told(found["card"]) | {"head": _head(path.stem, found)}
    except Exception as error:  # a card is what somebody wrote into a weights file: it may hold anything
        raise UserError(
            f"The card in {path} is none of a training of ours ({type(error).__name__}: {error})."
        ) from error
    return (
        environment()
        .get_template("training_card.md.j2")
        .render(
            name=_inline(path.stem),
            file=_inline(path.name),
            method=_inline(found["method"]),
            size=_inline(str(found["config"].get("image_size") or "")),
            numbers=f"{parameter_count(path):,}",
            mib=f"{path.stat().st_size / 2**20:.2f}",
            **told,
        )
    )


def _head(name: str, found: Mapping[str, Any]) -> dict[str, str]:
    """What a hub reads, by key: each value as JSON, which is YAML, too."""
    card, attributes = found["card"], found["config"].get("attributes") or ()
    judges = found["method"] == "classifier"
    data = _data_of(card)
    subject = "image-translation" if attributes and set(attributes) <= set(DOMAINS) else "facial-attribute-editing"
    head: dict[str, Any] = {
        **_LICENSES.get(data, {"license": "unknown"}),
        "library_name": "bridgebench",
        "pipeline_tag": "image-classification" if judges else "image-to-image",
        "tags": ["bridgebench", str(found["method"]), subject],
        "metrics": ["accuracy"] if judges else ["accuracy", "fid", "kid", "ssim"],
    }
    score = card.get("scores", {}).get("test") if isinstance(card.get("scores"), dict) else None
    if judges and score:
        metric = {"type": "accuracy", "value": round(score["mean"], 4), "name": "accuracy on test images"}
        result = {
            "task": {"type": "image-classification"},
            "dataset": {"name": data or "unknown", "type": data or "unknown"},
            "metrics": [metric],
        }
        head["model-index"] = [{"name": name, "results": [result]}]
    return {key: json.dumps(value) for key, value in head.items()}


def _data_of(card: Mapping[str, Any]) -> str:
    """The name of the data set that was trained on; empty if the card does not say it."""
    recipe, data = card.get("recipe") or {}, card.get("data") or {}
    if "name" in data:
        return str(data["name"])
    profile = card.get("profile") or recipe.get("profile")  # older cards name a shipped profile alone
    return load_profile(profile).data.name if profile in shipped_profiles() else ""


def _told(card: Mapping[str, Any]) -> dict[str, Any]:
    """What the card tells, as the template takes it."""
    curves = card.get("curves", {})
    return {
        "facts": _cells(_facts(card)),
        "recipe": {_toml_key(key): _toml(value) for key, value in card.get("recipe", {}).items()},
        "losses": _cells(_losses(curves)) if curves.get("iterations") else [],
    }


def _facts(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts that the header holds, as rows of the table."""
    code, data = card.get("code", {}), card.get("data", {})
    minutes = card.get("training_minutes", card.get("minutes"))
    dirty = ", with changes that were not committed" if code.get("git_dirty") else ""
    facts = {
        "command": card.get("origin"),
        "seed": card.get("seed"),
        "trained by": _shared(card),
        "data": ", ".join(f"{key} {_short(value)}" for key, value in data.items()),
        "looks through": card.get("feature_network"),
        "iterations": card.get("iterations", card.get("recipe", {}).get("steps")),
        "images seen": card.get("images_seen"),
        "average of weights": card.get("averaging"),
        "images mirrored at random": "yes" if card.get("mirror") else None,
        "precision": card.get("precision"),
        "time": None if minutes is None else f"{minutes} minutes",
        "hardware": _machine(card.get("hardware")),
        "accuracy on test images": _score(card, "test"),
        "accuracy on true edits": _score(card, "flips"),
        **_eyes(card.get("windows")),
        "commit": f"{code['git_commit']}{dirty}" if code.get("git_commit") else None,
        "packages": ", ".join(f"{n} {v}" for n, v in (card.get("packages") or card.get("versions") or {}).items()),
        "date": card.get("date"),
    }
    return [(name, _number(value)) for name, value in facts.items() if value not in (None, "")]


def _shared(card: Mapping[str, Any]) -> str | None:
    """How many processes and threads trained, if the card says it; cards without threads mean one."""
    return workers(card["processes"], card.get("threads", 1)) if "processes" in card else None


def _machine(hardware: Any) -> str | None:
    if not isinstance(hardware, dict):
        return hardware
    device = hardware.get("gpu") or "no GPU"
    memory, python, system = hardware.get("memory_gib"), hardware.get("python"), hardware.get("os")
    return f"{hardware.get('cpu')}, {hardware.get('cores')} cores, {device}, {memory} GiB; Python {python}, {system}"


def _score(card: Mapping[str, Any], kind: str) -> str | None:
    found = card.get("scores", {}).get(kind)
    return (
        None if found is None else f"{100 * found['mean']:.2f} % (lowest {100 * found['min']:.1f} %, N = {found['n']})"
    )


def _eyes(found: Mapping[str, Any] | None) -> dict[str, str]:
    """What the network that finds eyes made of windows of test photos; nothing for another network."""
    if found is None:
        return {}
    names = ("error", "error_95", "face", "no_face", "drawn", "covered")
    shares = {name: f"{100 * found[name]:.1f} %" for name in names}
    return {
        "windows of test photos": _number(found["n"]),
        "error of the eyes, as a share of their distance": f"{shares['error']} (95th percentile {shares['error_95']})",
        "right about faces": f"{shares['face']} of windows with one, {shares['no_face']} of those without",
        "right about drawn faces, and about covered eyes": f"{shares['drawn']} and {shares['covered']} (balanced)",
    }


def _losses(curves: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The table's head, then the first iterations, then some points of the curves, the last among them."""
    names = list(curves["losses"])
    first, points = _points(curves.get("first", {}), names)[:_FIRST_ROWS], _points(curves, names)
    if len(points) > _ROWS:
        points = [points[round(k * (len(points) - 1) / (_ROWS - 1))] for k in range(_ROWS)]
    return [("iteration", *names), *first, *points]


def _points(curves: Mapping[str, Any], names: Sequence[str]) -> list[tuple[str, ...]]:
    losses = curves.get("losses", {})
    return [
        (f"{iteration:,}", *(_figure(losses[name][row] if name in losses else None) for name in names))
        for row, iteration in enumerate(curves.get("iterations", ()))
    ]


def _cells(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Rows whose text stays in its cell of a Markdown table, whatever a header says."""
    return [
        [re.sub(r"([|\[\]])", r"\\\1", " ".join(text.replace("<", "&lt;").split())) for text in row] for row in rows
    ]


def _inline(text: str) -> str:
    """A text that stays in its place within a line of Markdown."""
    return " ".join(text.replace("`", "'").replace("<", "&lt;").split())


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _short(value: Any) -> str:
    """A value as text; a long one, such as a hash, by its beginning."""
    return _number(value) if len(str(value)) < 40 else f"{str(value)[:16]}…"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml_key(key)} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
