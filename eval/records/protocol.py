"""Everything that decides a number, in one record with one hash.

The hash is in every cell. Two cells may stand in one table only if their hashes are equal; `bridgebench report --diff`
says what keeps two runs apart.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bridgebench.eval.measures import versions
from bridgebench.eval.records.record import CellKind
from bridgebench.eval.records.seal import hash_of

FLIP_RULE = 1  # raised by one whenever the flip rule changes: stored cells are then measured again

# How references are drawn: of flips, of conversions.
DRAWN = (
    "one a source, the same for every method, seeded by seed, id and attribute, from the test images of the flipped "
    "value that are on no real side of a distance"
)
DEALT = (
    "as many a source as outputs, dealt by seed and conversion from all test images of the target domain, shuffled "
    "anew each time they are used up"
)

# How the cells of other kinds choose what they flip.
OTHERS = (
    "several: each image has k attributes of its own, seeded by seed, id and k, taken in random order unless two "
    "clash: one turns on what excludes the other; by reference one image with all target values, or else with most of "
    "them; sequence: the same attributes in a row, each with the reference of its own flip; added: the first "
    "images without the attribute; probes: one such attribute of each image (or another domain); the way back has the "
    "source as its reference"
)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DataRecord(_Record):
    """The images.

    Attributes:
        name, digest: the data set and the hash of its content.
        split: whose images are edited: recipes are chosen on "validation".
        image_size: side in pixels.
        preparation: crop and resize filter from the file to the square image, by what rule the data set is split, and
            how many damaged photos were left out (with a hash over their names); None where images are drawn at size.
        real: digest of each split whose images are on the real side of a distance.
        n_real: how many images that are.
        n: how many test images, the first ones (of domains, of each), are edited.
        ids_sha256: hash over the ids of all test images, in order.
    """

    name: str
    digest: str
    split: Literal["test", "validation"] = "test"
    image_size: int
    preparation: dict[str, Any] | None
    real: dict[str, str]
    n_real: int
    n: int
    ids_sha256: str


class FeatureRecord(_Record):
    """The space in which distances and diversity are taken."""

    name: str
    title: str
    dimension: int
    digest: str


class OtherCells(_Record):
    """The cells that are no flips or conversions.

    Attributes:
        cells: their names, with their kinds.
        several_n, probes_n: how many test images they edit: those of several flips and of added attributes, and the
            others.
        rule: how the flips and the references of each image are chosen.
        strengths: shares of the way from no edit to a method's default.
        mixes: weights of the label's style against the reference's.
    """

    cells: dict[str, CellKind]
    several_n: int
    probes_n: int
    rule: str = OTHERS
    strengths: tuple[float, ...]
    mixes: tuple[float, ...]


class OwnMeasure(_Record):
    """A measure of a plug-in: the package that it is from, and the version of its definition."""

    package: str
    version: int


class Protocol(_Record):
    """Everything that decides a number, methods and their weights aside.

    Attributes:
        attributes: label columns, in order.
        cells: what a cell of a method and mode is: the flip of an attribute, or a conversion between two domains.
        rules: which attributes an image cannot have together or alone; None: CelebA's rules, and those of domains.
        judges: SHA-256 of the weights of the primary and the second judge.
        networks: SHA-256 of the weights of the networks that single measures look through, by name.
        measures: version of each family of measures.
        own_measures: the measures of plug-ins that the profile names, by their names.
        flip_rule: version of the one flip rule.
        edit_strength: at what strength methods edit.
        references: how references are drawn.
        batch: images an edit call (float sums may depend on it).
        seed, minimum_n: as in the profile's ``[evaluation]``.
        diversity_images, diversity_draws: likewise, of flips; None of conversions.
        outputs: likewise, of conversions; None of flips.
        others: the cells that are no flips or conversions.
        device: where networks compute, if not on the CPU, whose sums are others in the last digits.
    """

    schema_version: Literal[1] = 1
    data: DataRecord
    attributes: tuple[str, ...]
    cells: Literal["flips", "conversions"] = "flips"
    rules: dict[str, Any] | None = None
    features: FeatureRecord
    judges: dict[Literal["primary", "second"], str]
    networks: dict[str, str] = Field(default_factory=dict)
    measures: dict[str, int] = Field(default_factory=versions)
    own_measures: dict[str, OwnMeasure] = Field(default_factory=dict)
    flip_rule: int = FLIP_RULE
    edit_strength: str = "each method's official test default"
    references: str = DRAWN
    batch: int
    seed: int
    minimum_n: int
    diversity_images: int | None
    diversity_draws: int | None
    outputs: int | None = None
    others: OtherCells | None = None
    device: str | None = None

    def record(self) -> dict[str, Any]:
        """The plain JSON form, as it stands in run.json.

        Left out are the device where it is the CPU, the usual rules, and measures of plug-ins where there are none.
        """
        usual = {key for key in ("device", "rules", "own_measures") if not getattr(self, key)}
        return self.model_dump(mode="json", exclude=usual)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON form."""
        return hash_of(self.record())


def ids_hash(ids: Any) -> str:
    """SHA-256 over image ids, in order."""
    return hash_of([str(identity) for identity in ids])
