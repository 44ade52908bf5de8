"""Everything that decides a number, in one record with one hash.

The hash is in every cell. Two cells may stand in one table only if their hashes are equal; `bridgebench report --diff`
says what keeps two runs apart.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

# Raised by one whenever the definition behind the name changes: stored cells are then measured again.
FLIP_RULE = 1
MEASURES = {
    "accuracy": 1,
    "fd": 1,
    "kid": 1,
    "leakage": 1,
    "preservation": 1,
    "counterfactual": 1,
    "diversity": 1,
}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DataRecord(_Record):
    """The images.

    Attributes:
        name, digest: the data set and the hash of its content.
        image_size: side in pixels.
        preparation: crop and resize filter from the file to the square image; None where images are drawn at size.
        n_real: test images, all on the real side of a distance.
        n: how many of them, the first ones, are edited.
        ids_sha256: hash over the ids of all test images, in order.
    """

    name: str
    digest: str
    image_size: int
    preparation: dict[str, Any] | None
    n_real: int
    n: int
    ids_sha256: str


class FeatureRecord(_Record):
    """The space in which distances and diversity are taken."""

    name: str
    title: str
    dimension: int
    digest: str


class Protocol(_Record):
    """Everything that decides a number, methods and their weights aside.

    Attributes:
        attributes: label columns, in order; each is a cell of every method and mode.
        judges: SHA-256 of the weights of the primary and the second judge.
        measures: version of each measure's definition.
        flip_rule: version of the one flip rule.
        edit_strength: at what strength methods edit.
        references: how references are drawn.
        batch: images an edit call (float sums may depend on it).
        seed, bootstrap, minimum_n, diversity_images, diversity_draws: as in the profile's ``[evaluation]``.
    """

    schema_version: Literal[1] = 1
    data: DataRecord
    attributes: tuple[str, ...]
    features: FeatureRecord
    judges: dict[Literal["primary", "second"], str]
    measures: dict[str, int] = MEASURES
    flip_rule: int = FLIP_RULE
    edit_strength: str = "each method's official test default"
    references: str = "one a source, seeded by seed, id and attribute, from the test images of the flipped value"
    batch: int
    seed: int
    bootstrap: int
    minimum_n: int
    diversity_images: int
    diversity_draws: int

    def record(self) -> dict[str, Any]:
        """The plain JSON form, as it stands in run.json."""
        return self.model_dump(mode="json")

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON form."""
        return hash_of(self.record())


def hash_of(record: Any) -> str:
    """SHA-256 (hex) of a JSON-able record, the same for equal records whatever the order of their keys."""
    canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def ids_hash(ids: Any) -> str:
    """SHA-256 over image ids, in order."""
    return hash_of([str(identity) for identity in ids])
