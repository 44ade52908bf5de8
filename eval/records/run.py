"""run.json: what was run, by which protocol, with which weights, code, packages and machine."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from bridgebench.eval.measures import MEASURES
from bridgebench.eval.measures.card import EDITING, Family, MeasureCard, Need, Place
from bridgebench.eval.records.record import CellKind, Number, Record, modes_of
from bridgebench.eval.records.seal import hash_of

Words = Annotated[str, Field(max_length=200)]  # what somebody says of himself; shown, and nothing else
_PHOTOS = ("celeba", "afhq")  # whose older records do not say that their images may not be passed on


class WeightsRecord(Record):
    """Which weights file was used, what its card says, and how the labels were drawn that it was trained on."""

    file: str
    sha256: str
    card: dict[str, Any] | None = None
    labels: Literal["balanced", "natural"] | None = None


class LossCurves(Record):
    """The losses of a training, in the card of its weights: a value an iteration noted, None where there was none."""

    iterations: tuple[int, ...] = ()
    losses: dict[str, tuple[Number | None, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _as_long_as_the_iterations(self) -> Self:
        if any(len(values) != len(self.iterations) for values in self.losses.values()):
            raise ValueError("a curve has another number of points than there are iterations")
        return self


class MadeElsewhere(Record):
    """Edits that were made outside of bridgebench and handed in as files.

    Attributes:
        edits, asked: how many edits were handed in, and how many were asked for.
        identical: how many of them are their source, to the pixel, though they were to change something.
        sha256: hash over the paths and the hashes of the files.
    """

    edits: int
    asked: int
    identical: int
    sha256: str


class MethodRecord(Record):
    """A method that takes part; of a variant of a method also which, its seed and what of the recipe it changes.

    Attributes:
        times_shorter: how many times as many images the official recipe trains on; None where that is not known.
        elsewhere: of a method whose edits were made outside of bridgebench.
        measured_as: in a merged run that calls the method otherwise, the name under which it was measured.
    """

    title: str
    kind: Literal["method", "control"]
    modes: tuple[str, ...]
    parameters: int | None = None
    paper: str = ""
    summary: str = ""
    quirks: str = ""
    groups: list[list[str]] = Field(default_factory=list)
    times_shorter: Number | None = None
    weights: WeightsRecord | None = None
    elsewhere: MadeElsewhere | None = None
    variant_of: str = ""
    seed: int | None = None
    changes: dict[str, Any] = Field(default_factory=dict)
    measured_as: str = ""

    @property
    def short_recipe(self) -> bool:
        """Whether its weights were trained on fewer images than the official recipe asks for."""
        return self.times_shorter is not None and self.times_shorter > 1


MEASURE_NAME = r"^[a-z][a-z0-9_]{0,39}$"
_Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


_SPACES = ("dinov2", "clip")  # networks that serve as feature spaces


class MeasureRecord(Record):
    """A plug-in's measure: all of its card but its function, so that pages can be made where it is not installed.

    Attributes:
        package, package_version: the package that it is from.
        family: the name and the version of its definition.
        function: which of the card's functions the plug-in has.
    """

    package: _Line
    package_version: _Line
    family: tuple[_Line, Annotated[int, Field(ge=1)]]
    function: Literal["of_images", "of_cell"]
    title: Annotated[_Line, Field(min_length=1)]
    about: Annotated[str, Field(min_length=1, max_length=1000)]
    about_conversions: Annotated[str, Field(max_length=1000)] = ""
    spoken: _Line = ""
    against: _Line = ""
    needs: tuple[Need, ...] = ()
    kinds: Annotated[tuple[CellKind, ...], Field(min_length=1)] = EDITING
    network: Literal["", "lpips", "dinov2", "clip", "identity", "faces"] = ""
    of_way: bool = False
    unmet: _Line = ""
    without: _Line = ""
    shares: bool = False
    unit: _Line = ""
    better: Literal["higher", "lower"] | None = None
    factor: Annotated[Number, Field(gt=0, le=1e6)] = 1.0
    digits: Annotated[int, Field(ge=0, le=9)] = 1
    span: tuple[Number, Number] | None = None
    distance: bool = False
    shown: tuple[Place, ...] = ("rest",)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.span is not None and not self.span[0] < self.span[1]:
            raise ValueError("span must be two numbers of which the second is greater")
        if self.against and self.function == "of_cell":
            raise ValueError("a ratio (`against`) is given by of_images")
        if self.function == "of_cell" and self.network not in ("", *_SPACES):
            raise ValueError(f"of_cell can look through {' or '.join(_SPACES)} only")
        return self

    def card(self, key: str) -> MeasureCard:
        """The card without its function. The units of a ratio have a name of their own: they are nobody else's."""
        facts = {name: getattr(self, name) for name in MeasureRecord.model_fields if name in _OF_CARD}
        against = f"{key}_unit" if self.against else ""
        return MeasureCard(**{**facts, "key": key, "family": Family(*self.family), "against": against})


_OF_CARD = frozenset(MeasureCard.__dataclass_fields__)


class DataSummary(Record):
    """The data set in short; the protocol tells more of it.

    Attributes:
        photos_stay: whether its images may not be passed on; None in records of older versions.
    """

    name: str
    digest: str
    n_test: int
    image_size: Annotated[int, Field(gt=0)]
    photos_stay: bool | None = None

    @property
    def keeps_photos(self) -> bool:
        """Whether pages that are meant for others may not show its images."""
        return self.name in _PHOTOS if self.photos_stay is None else self.photos_stay


class FeatureSpace(Record):
    """The feature space of every distance."""

    name: str
    title: str
    dimension: int
    digest: str


class Made(Record):
    """When, by which code and packages, and on which machine."""

    created: str
    code: dict[str, Any]
    packages: dict[str, str]
    hardware: dict[str, Any]


class Source(Made):
    """A run that a merged run has cells of: who made it, when, with what, and which cells it brought.

    Attributes:
        id: the run's `RunRecord.id`.
        by: who made it, in their own words.
        earlier: as in a run's record.
        methods: by the method's name, the cells that it brought, as ``mode/column``; none named: all that there are.
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    by: Words = ""
    earlier: tuple[Made, ...] = ()
    methods: dict[str, tuple[str, ...]]


class RunRecord(Record):
    """``run.json``.

    Attributes:
        by: who made the run, in their own words; nobody has checked it.
        sources: of a merged run, the runs that it was merged of. A cell that none of them brought was made later.
        columns: the names of the cells where they are not the attributes: conversions of domains.
        kinds: the names of the cells that are no flips or conversions, with their kinds.
        earlier: what else cells that were kept may have been made with.
        measures: the measures of plug-ins by name, in the profile's order.
        limit: how many of the test images are edited at most, if it was asked for.
        correlations: (A, A) correlations of the labels, of the profile's training images where these are drawn, else of
            the test images: what leakage is held against. None where a label is the same in all images.
    """

    schema_: Literal[1] = Field(alias="schema")
    created: str
    profile_name: str
    profile: dict[str, Any]
    protocol: dict[str, Any]
    protocol_hash: str
    code: dict[str, Any]
    packages: dict[str, str]
    hardware: dict[str, Any]
    earlier: tuple[Made, ...] = ()
    limit: Annotated[int, Field(gt=1)] | None = None
    data: DataSummary
    attributes: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: tuple[str, ...] = ()
    kinds: dict[str, CellKind] = Field(default_factory=dict)
    correlations: tuple[tuple[Number | None, ...], ...] = ()
    features: FeatureSpace
    judges: dict[str, WeightsRecord | None] = Field(default_factory=dict)
    methods: dict[str, MethodRecord]
    measures: dict[Annotated[str, Field(pattern=MEASURE_NAME)], MeasureRecord] = Field(default_factory=dict)
    by: Words = ""
    sources: tuple[Source, ...] = ()

    @property
    def id(self) -> str:
        """What tells this run from others, 16 hex digits: a hash of its protocol and of what it was made with.

        No name of a machine or a person is in it. An archive of the run has the same, also one of some methods alone.
        """
        return hash_of([self.protocol_hash, self.made.plain()])[:16]

    @property
    def cards(self) -> list[MeasureCard]:
        """The cards of all measures of the run: ours, and those of plug-ins, none of which stands for one of ours."""
        ours = {card.key for card in MEASURES}
        return [*MEASURES, *(measure.card(name) for name, measure in self.measures.items() if name not in ours)]

    @property
    def planned(self) -> int:
        """How many cells the run has when it is finished: one a method, mode and name of a cell."""
        flips: list[CellKind] = ["flip" for _ in self.columns or self.attributes]
        planned = [mode for kind in (*flips, *self.kinds.values()) for mode in modes_of(kind)]
        return sum(mode in method.modes for method in self.methods.values() for mode in planned)

    @property
    def made(self) -> Made:
        """What the run was last made with."""
        return Made(created=self.created, code=self.code, packages=self.packages, hardware=self.hardware)
