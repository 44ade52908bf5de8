"""Judges and a feature network for tests: real networks, small, with their random first weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from bridgebench.eval.judges.classifier import AttributeClassifier, save_classifier
from bridgebench.methods.core.labels import CELEBA14


def small_judges(folder: Path, origin: str, attributes: Sequence[str] = CELEBA14) -> dict[str, Path]:
    """Writes the weights files of ``classifier``, ``judge`` and ``features`` into a folder; cards tell of `origin`."""
    files = {}
    for seed, (name, architecture) in enumerate([("classifier", "resnet"), ("judge", "plain"), ("features", "resnet")]):
        torch.manual_seed(seed)
        files[name] = folder / f"{name}.safetensors"
        save_classifier(AttributeClassifier(attributes, architecture, width=4), files[name], {"origin": origin})
    return files
