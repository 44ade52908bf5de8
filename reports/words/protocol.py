"""The protocol in words: what each line of it decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridgebench.eval.records.differences import flatten

# In reading order; "measures." and "data.preparation." stand for every line that begins so.
_WORDS = {
    "data.name": "The data set.",
    "data.digest": "SHA-256 of the content of the test images: other pictures, another protocol.",
    "data.split": "Whose images are edited: recipes are chosen on validation, results are told on test.",
    "data.image_size": "Side of every image in pixels.",
    "data.preparation": "Crop and resize from the file to the square image; none: the images are drawn at this size.",
    "data.preparation.": "Part of how a file becomes a square image of this data set.",
    "data.n": "How many test images are edited: the first ones (of domains, of each).",
    "data.ids_sha256": "SHA-256 of the names of all test images in order.",
    "data.n_real": "How many images stand on the real side of a distance.",
    "data.real.": "SHA-256 of the images of a split that stands on the real side of a distance.",
    "cells": "What is edited in a cell: the flip of one attribute, or the conversion of one domain into another.",
    "attributes": "The label columns that the judges read, in order.",
    "rules.": "What an image cannot have together (exclusive), or never without another one (implies): by the profile.",
    "others": "The cells that are no flips or conversions; none: there are no such cells.",
    "others.cells.": "What the edits of this cell do.",
    "others.several_n": "How many test images are edited in the cells of several flips and of added attributes.",
    "others.probes_n": "How many in the other cells that are no flips.",
    "others.rule": "How the flips and the references of each image are chosen in these cells.",
    "others.strengths": "At which shares of the way from no edit to a method's default.",
    "others.mixes": "At which weights of the label's style against the reference's.",
    "flip_rule": "Version of the one rule by which flips repair contradictions (one hair colour at most, ...).",
    "references": "How the reference of each source is drawn.",
    "outputs": "How many edits of each source are measured (conversions).",
    "edit_strength": "At which strength the methods edit.",
    "judges.primary": "SHA-256 of the first judge's weights: accuracy and leakage are its readings.",
    "judges.second": "SHA-256 of the second judge's weights, which no method or control ever saw.",
    "features.title": "What distances in this feature space are called.",
    "features.name": "The feature space of distances and of diversity.",
    "features.dimension": "Numbers a picture in it.",
    "features.digest": "SHA-256 of the network that computes it.",
    "networks": "SHA-256 of the weights of the networks that single measures look through.",
    "networks.": "SHA-256 of the weights of the network that this measure looks through.",
    "minimum_n": "With fewer images than this on a side of a distance there is a dash instead of a number.",
    "diversity_images": "Over how many sources the diversity is taken (flips).",
    "diversity_draws": "How many edits of each of them (flips).",
    "bootstrap": "Resamples of a 95 % bootstrap interval, in runs that had one.",
    "seed": "From it derive references, latent vectors and subsets.",
    "batch": "Images an edit call: sums of floating-point numbers may depend on it.",
    "measures.": "Version of this measure's definition.",
    "own_measures.": "Of a measure of a plug-in: the package that it is from, and the version of its definition.",
    "device": "Where networks compute, if not on the CPU.",
    "schema_version": "Version of this record's form.",
}
_PLACES = {key: place for place, key in enumerate(_WORDS)}


@dataclass(frozen=True)
class ProtocolLine:
    """A line of the protocol: its key, its value, and what it decides (empty for a key that is not known here)."""

    key: str
    value: str
    words: str


def lines(protocol: Mapping[str, Any]) -> list[ProtocolLine]:
    """Every line of a protocol in reading order; unknown ones last."""
    found = [ProtocolLine(key, _readable(value), words(key)) for key, value in flatten(protocol)]
    return sorted(found, key=lambda line: (_PLACES.get(_entry(line.key), len(_PLACES)), line.key))


def words(key: str) -> str:
    """What a line of the protocol decides; empty if it is not known here."""
    return _WORDS.get(_entry(key), "")


def _entry(key: str) -> str:
    if key in _WORDS:
        return key
    return next((entry for entry in _WORDS if entry.endswith(".") and key.startswith(entry)), "")


def _readable(value: str) -> str:
    """Lists as words with commas, nothing as "none"."""
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    if isinstance(parsed, list):
        return ", ".join(str(one) for one in parsed)
    return "none" if parsed is None else value
