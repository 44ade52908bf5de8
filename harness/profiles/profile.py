"""Profiles: small TOML files that say on what data a benchmark runs and how it is measured.

The shipped ones lie in ``harness/profiles/``; a user's own is given by its path. With ``like = "faces64"`` a profile
holds only what differs from that shipped one, whose keys it takes over. A profile is checked when it is read:
a mistake is told in one sentence with the file, the key and what was expected.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bridgebench.harness.profiles.hub_file import is_hub_address, parse_hub_address
from bridgebench.harness.profiles.variants import Variant
from bridgebench.methods import MethodCard, card, names
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.core.files import read_bytes, real_path
from bridgebench.methods.core.labels import (
    CELEBA14,
    CELEBA40,
    DOMAINS,
    WORN,
    Attributes,
    Domains,
    LabelSpace,
    check_cell,
    check_names,
)

SHIPPED = Path(__file__).parent
_LARGEST = 2**20  # bytes of a profile
# The label columns that each data set of ours has; those of other data sets are what the profile names.
_COLUMNS: dict[str, LabelSpace] = {
    "faces": Attributes((*CELEBA14, *WORN)),
    "celeba": Attributes(CELEBA40),
    "animals": Domains(DOMAINS),
    "afhq": Domains(DOMAINS),
}
# Names of the cells that are no flips (harness.benchmark.kinds): no attribute may have one of them.
_OTHER_CELLS = re.compile(r"\d+-flips?(-.*)?|round-trip|null-edit|strength|way|.*-added")
FOLDER = "folder"
DATA_GROUP = "bridgebench.datasets"  # the entry points of plug-ins' data sets; see harness.data.plugins
PAPERS_PAIR = "Mouth_Slightly_Open+Bangs"
_NO_WEIGHTS_OF_OURS = ("inception-imagenet", "lpips", "dinov2", "clip")
PHOTOS = "celeba64"
"""The profile whose weights edit a user's photo."""
DRAWN_HERE = ("faces", "animals")  # every edit of theirs has a true image

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Images = Annotated[int, Field(ge=0, le=10_000_000)]  # a stranger's profile cannot ask for memory without end


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CropTable(_Table):
    """``[data] crop``: the square that is cut out of each photo, in its pixels."""

    left: Count
    top: Count
    size: Positive


class SharesTable(_Table):
    """``[data] shares``: what part of a folder's images each split gets, by a hash of their names or of a column."""

    train: Share = 0.8
    validation: Share = 0.1
    test: Share = 0.1

    @model_validator(mode="after")
    def _one_in_all(self) -> SharesTable:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("the three shares must be 1 together.")
        return self


class DataTable(_Table):
    """``[data]``: which images, and how many of each split (0: all there are; of domains, all of them together).

    `split` matters for CelebA alone: by its own list ("partition"), by file order as BridgeGAN's code does it
    ("official-code"), or a part of it by a list that comes with bridgebench ("part").
    `mirror_train` mirrors each training image with probability 0.5 whenever it is seen, for every method alike.
    `crop` is for CelebA, where BridgeGAN's crop is taken without it, and for folders, where it is the largest square in
    the middle. `resize` is for CelebA alone: the filter that brings the crop to `image_size`, by default BridgeGAN's,
    which has no antialias: take "antialiased" where photos are halved or more.
    `skip_damaged` leaves damaged and missing photos out instead of stopping at the first; the protocol records them.

    `name` is one of ours, or that of a plug-in's data set (`harness.data.plugins`). Of "folder" and of plug-ins:
    `root` is the folder, relative to the profile. `labels` says what the label columns are: "attributes", or "domains"
    of which an image has one. `may_be_passed_on` says whether its pictures may be; if not, pages that are meant for
    others show the edits alone. Of "folder" alone (`harness.data.folder`): `split_column` is the column with the split
    of each image. Without it, and without folders for the splits, `shares` divides the images by a hash of the column
    `group_column` (a person is then in one split alone), or else of the file's name.
    """

    name: str
    image_size: Annotated[int, Field(ge=32, le=2048, multiple_of=32)]
    train: Images
    validation: Images
    test: Images
    balance_train: bool = False
    mirror_train: bool = False
    split: Literal["partition", "official-code", "part"] = "partition"
    skip_damaged: bool = False
    crop: CropTable | None = None
    resize: Literal["legacy_bicubic", "antialiased"] = "legacy_bicubic"
    root: str | None = None
    labels: Literal["attributes", "domains"] = "attributes"
    may_be_passed_on: bool | None = None
    split_column: str | None = None
    group_column: str | None = None
    shares: SharesTable | None = None

    @property
    def photos_stay(self) -> bool:
        """Whether the images may not be passed on: those of CelebA and AFHQ, and others unless the profile says so."""
        return self.name not in DRAWN_HERE and not self.may_be_passed_on

    @field_validator("name")
    @classmethod
    def _known_data(cls, name: str) -> str:
        known = [*_COLUMNS, FOLDER, *installed_data()]
        if name not in known:
            raise ValueError(f"there is no data set '{name}' among {', '.join(known)}.{did_you_mean(name, known)}")
        return name

    @model_validator(mode="after")
    def _keys_of_the_data(self) -> DataTable:
        ours, folder = self.name in _COLUMNS, self.name == FOLDER
        for key in ("root", "may_be_passed_on"):
            if ours and getattr(self, key) is not None:
                raise ValueError(f"{key} is for folders and for data sets of plug-ins, not for '{self.name}'.")
        if ours and self.labels != "attributes":
            raise ValueError(f"labels is for folders and for data sets of plug-ins, not for '{self.name}'.")
        for key in ("split_column", "group_column", "shares"):
            if not folder and getattr(self, key) is not None:
                raise ValueError(f"{key} is for the data set 'folder', not for '{self.name}'.")
        if self.labels == "domains" and (self.split_column or self.group_column):
            raise ValueError("a folder a domain has no columns: leave split_column and group_column out.")
        if self.split_column and self.shares:
            raise ValueError("the column of the splits leaves nothing to the shares: leave one of the two keys out.")
        return self

    @model_validator(mode="after")
    def _photos_of_celeba(self) -> DataTable:
        if self.name not in ("celeba", FOLDER) and self.crop is not None:
            raise ValueError(f"crop is for the photos of 'celeba' and of folders, not for '{self.name}'.")
        if self.name != "celeba" and self.resize != "legacy_bicubic":
            raise ValueError(f"resize is for the photos of 'celeba', not for '{self.name}'.")
        crop = self.crop
        if self.name == "celeba" and crop is not None and (crop.left + crop.size > 178 or crop.top + crop.size > 218):
            raise ValueError(f"the crop {crop.model_dump()} does not lie within a photo of 178 x 218 pixels.")
        return self


class RulesTable(_Table):
    """``[attributes]``, besides their `names`: what an image cannot have together, and what never comes alone.

    Attributes:
        exclusive: groups of attributes of which an image has at most one, such as the colours of hair.
        implies: attributes that are on whenever another one is, as in ``{ Goatee = ["Beard"] }``.
    """

    exclusive: list[list[str]] = []
    implies: dict[str, list[str]] = {}

    def in_space(self, space: LabelSpace) -> LabelSpace:
        """The label space with these rules in place of its own.

        Raises:
            ValueError: it has domains, or a rule names no attribute of it or contradicts another rule.
        """
        if not isinstance(space, Attributes):
            raise ValueError("domains exclude each other already: leave the rules out.")
        named = [*self.exclusive, *([name, *others] for name, others in self.implies.items())]
        for name in (each for rule in named for each in rule):
            if name not in space.columns:
                raise ValueError(f"a rule names '{name}', which is no attribute.{did_you_mean(name, space.columns)}")
        groups = tuple(tuple(group) for group in self.exclusive)
        return replace(space, rules=groups, implies=tuple((name, tuple(on)) for name, on in self.implies.items()))


class SeveralTable(_Table):
    """``[evaluation.several]``: the cells that flip several attributes, and those that only add one.

    Attributes:
        n: how many test images each of them edits; 0: there are no such cells.
        k: the cells flip 1, 2, ... up to k attributes at once.
        sequence: how many attributes the cells flip that do it one after the other; below 2: there are none.
        pairs: pairs of attributes that have a cell of their own, as in ``"Mouth_Slightly_Open+Bangs"``; None: this pair
            of the paper, where both are attributes of the profile.
    """

    n: Count = 48  # with the probes, a fifth more edits than the flips of the default profile
    k: Positive = 5
    sequence: Count = 3
    pairs: list[str] | None = None

    def pairs_of(self, space: LabelSpace) -> list[str]:
        """The pairs that the attributes allow.

        Raises:
            ValueError: a pair is not of two attributes, or one of the two excludes the other.
        """
        if self.pairs is None:
            return [PAPERS_PAIR] if set(PAPERS_PAIR.split("+")) <= set(space.columns) else []
        for pair in self.pairs:
            names = pair.split("+")
            if len(names) != 2 or len(set(names) & set(space.columns)) != 2:
                raise ValueError(f"'{pair}' is not a pair of two attributes, as in '{PAPERS_PAIR}'.")
            if names[0] in space.excluded(names[1]):
                raise ValueError(f"'{pair}': the two exclude each other.")
            check_cell(pair)
        return self.pairs


class ProbesTable(_Table):
    """``[evaluation.probes]``: round trip, null edit, strength, and the way from label to reference.

    Attributes:
        n: how many test images each of them edits; 0: there are no such cells.
    """

    n: Count = 32


class EvaluationTable(_Table):
    """``[evaluation]``: everything about the measuring that a user may choose.

    Attributes:
        n: how many test images are edited (the first ones; of domains, the first ones of each; 0: all). The real side
            is every test image; of domains, every training image.
        split: whose images are edited. Recipes are chosen on "validation"; "test" is for what is reported.
        batch: images an edit call; part of the protocol, as float sums may differ between batch sizes.
        seed: references, latent vectors and subsets all derive from it.
        features: the feature space of distances and diversity.
        identity: by which face recognizer identity is measured: "dlib" for photos (the extra bridgebench[identity]).
        minimum_n: fewer images than this on a side of a distance: a dash instead of a number.
        diversity_images, diversity_draws: how many edits of how many images the diversity is taken over (attributes).
        outputs: edits of each source image, all of which are measured (domains).
        time_limit: seconds in which a plug-in's method must be loaded, and in which it must edit a batch (and a measure
            of a plug-in likewise); it decides no number.
        measures: measures of plug-ins that are taken besides, by their names.
        several, probes: the other kinds of cells.
    """

    n: Count
    split: Literal["test", "validation"] = "test"
    batch: Positive
    seed: Count = 0
    features: Literal["neutral", "inception", "inception-imagenet"] = "neutral"
    identity: Literal["dlib"] | None = None
    minimum_n: Annotated[int, Field(ge=2)]
    diversity_images: Positive = 8
    diversity_draws: Annotated[int, Field(ge=2)] = 10
    outputs: Annotated[int, Field(ge=2)] = 10
    time_limit: Annotated[float, Field(gt=0)] = 1800.0
    measures: list[str] = []
    several: SeveralTable = SeveralTable()
    probes: ProbesTable = ProbesTable()

    @field_validator("measures")
    @classmethod
    def _none_twice(cls, measures: list[str]) -> list[str]:
        if len(set(measures)) != len(measures):
            raise ValueError("it must name no measure twice.")
        return measures


class Profile(_Table):
    """A checked profile.

    Attributes:
        name: the file's name without ``.toml``.
        about: what it is for, in a line; `bridgebench profiles` shows it.
        attributes: label columns, in order: attributes, or domains.
        rules: in place of the data set's own rules; in the file they stand in the table ``[attributes]``, whose `names`
            are then the label columns.
        methods: what `bridgebench benchmark` runs when no --methods are given: methods, and variants by their names.
        data, evaluation: the tables of the same names.
        train: recipes, one free table a method, checked by the method that is trained; and for the networks
            ``classifier``, ``judge``, ``features`` and ``guide``.
        averaging: ``[train] averaging``: the share that the running average of every method's weights keeps of itself
            an iteration (`methods.training.averaging`); 0: the last weights are kept, no average.
        variants: methods with another seed or recipe, by name.
        chosen_on: on which images the recipes were chosen, in words; pages show it.
        weights: weights files by method (and by the same four names), instead of trained or shipped ones; and those
            of the feature spaces "inception" and "inception-imagenet"; and of networks that single measures look
            through: ``lpips`` (a file), ``dinov2`` and ``clip`` (folders). Those that are safetensors files of ours may
            be named by the address of a file on a hub (`harness.profiles.hub_file`).
    """

    name: str
    about: str = ""
    attributes: tuple[str, ...]
    rules: RulesTable | None = None
    methods: tuple[str, ...]
    data: DataTable
    evaluation: EvaluationTable
    train: dict[str, dict[str, Any]] = {}
    averaging: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weights: dict[str, str] = {}
    chosen_on: str = ""
    variants: dict[str, Variant] = {}

    def variant(self, name: str) -> Variant:
        """What a name of this profile stands for: one of its variants, or the method of that name as it is."""
        return self.variants.get(name) or Variant(method=name)

    def card(self, name: str) -> MethodCard:
        """The card of a method, or of a variant of one.

        Raises:
            UserError: there is neither.
        """
        if name in self.variants:
            return self.variants[name].card(name)
        if self.variants and name not in names():
            hint, known = did_you_mean(name, [*self.variants, *names()]), ", ".join(self.variants)
            raise UserError(
                f"There is no method '{name}'.{hint} `bridgebench methods` lists those that are installed; the profile "
                f"'{self.name}' has the variants {known}."
            )
        return card(name)

    def recipe(self, name: str) -> dict[str, Any]:
        """The recipe of a method or variant: the method's table, with what the variant changes."""
        variant = self.variant(name)
        return {**self.train.get(variant.method, {}), **variant.recipe}

    @property
    def space(self) -> LabelSpace:
        """What the label columns are, as the data set and the rules say."""
        known = _COLUMNS.get(self.data.name)
        if known is not None:
            found = known.select(self.attributes)
        elif self.data.labels == "domains":
            found = Domains(self.attributes)
        else:
            found = Attributes(self.attributes, rules=())
        return found if self.rules is None else self.rules.in_space(found)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the cells of a method and mode, in a table's order: the attributes, or the conversions."""
        return self.space.cells

    def on_split(self, split: Literal["test", "validation"]) -> Profile:
        """The same profile, edited and measured on the images of another split."""
        changed = self.evaluation.model_copy(update={"split": split})
        return type(self).model_validate(self.model_copy(update={"evaluation": changed}).model_dump())

    def from_anywhere(self) -> Profile:
        """The same profile with the whole path of its images' folder, for processes that work in another folder."""
        if self.data.root is None:
            return self
        root = str(real_path(self.data.root))
        return self.model_copy(update={"data": self.data.model_copy(update={"root": root})})

    def without_damaged(self) -> Profile:
        """The same profile with ``data.skip_damaged`` on."""
        return self.model_copy(update={"data": self.data.model_copy(update={"skip_damaged": True})})

    @field_validator("name")
    @classmethod
    def _no_path(cls, name: str) -> str:
        # It names folders, and the profile of a run may be a stranger's.
        if not name.strip(".") or any(each in "/\\" or not each.isprintable() for each in name):
            raise ValueError(f"{name!r} cannot name a folder.")
        return name

    @field_validator("attributes")
    @classmethod
    def _none_twice(cls, attributes: tuple[str, ...]) -> tuple[str, ...]:
        if not attributes or len(set(attributes)) != len(attributes):
            raise ValueError("it must name at least one attribute and none twice.")
        check_columns(attributes)
        return attributes

    @model_validator(mode="after")
    def _known_attributes(self) -> Profile:
        try:
            self.space.check_rules()
        except ValueError as error:
            raise ValueError(f"attributes: {error}") from error
        return self

    @model_validator(mode="after")
    def _known_pairs(self) -> Profile:
        if not self.space.exclusive:
            try:
                self.evaluation.several.pairs_of(self.space)
            except ValueError as error:
                raise ValueError(f"evaluation.several.pairs: {error}") from error
        return self

    @field_validator("weights")
    @classmethod
    def _sound_addresses(cls, weights: dict[str, str]) -> dict[str, str]:
        for name, value in weights.items():
            if is_hub_address(value):
                if name in _NO_WEIGHTS_OF_OURS:
                    raise ValueError(f"{name} is no safetensors file of bridgebench: name a path, not an address.")
                parse_hub_address(value)
        return weights

    @field_validator("variants")
    @classmethod
    def _sound_variants(cls, variants: dict[str, Variant]) -> dict[str, Variant]:
        for name, variant in variants.items():
            try:
                variant.check(name)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        return variants

    @model_validator(mode="after")
    def _enough_images(self) -> Profile:
        edited, split = self.evaluation.n * len(self.space.parts), self.evaluation.split
        found: int = getattr(self.data, split)
        if found and edited > found:
            asked = f"evaluation.n = {self.evaluation.n}{self.space.of_each}"
            raise ValueError(f"{asked} is more than data.{split} = {found}.")
        return self


def check_columns(names: Sequence[str]) -> None:
    """Checks the names of label columns.

    Raises:
        ValueError: as `methods.core.labels.check_names`; or a name is that of another cell of the benchmark.
    """
    check_names(names)
    for name in names:
        if _OTHER_CELLS.fullmatch(name):
            raise ValueError(f"the name '{name}' is that of another cell of the benchmark: rename it.")


def shipped_profiles() -> list[str]:
    """The names of the profiles that come with bridgebench, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_profile(name_or_path: str | Path) -> Profile:
    """The profile of that name, or the one in a ``.toml`` file.

    Raises:
        UserError: no such profile, no valid TOML, an unknown key, or a value that does not fit.
    """
    path = _locate(str(name_or_path))
    table = _read(path)
    like = table.pop("like", None)
    if "rules" in table:
        raise UserError(f"{path}: there is no key 'rules': exclusive and implies stand in the table [attributes].")
    if like is not None:
        if like not in shipped_profiles():
            raise UserError(f"{path}: like = {like!r} is none of the shipped profiles {', '.join(shipped_profiles())}.")
        base = _read(SHIPPED / f"{like}.toml")
        if isinstance(table.get("attributes"), dict):
            table["attributes"].setdefault("names", base["attributes"])
        table = _changed(base, table)
    _divide_attributes(path, table)
    for key in ("attributes", "methods"):
        if isinstance(table.get(key), list):
            table[key] = tuple(table[key])
    train = table.get("train")
    if isinstance(train, dict) and "averaging" in train:  # it stands beside the methods' tables
        table["averaging"] = train.pop("averaging")
    try:
        profile = Profile(name=path.stem, **table)
    except ValidationError as error:
        raise UserError(_sentence(path, error)) from error
    # Weights and images are named relative to the profile, so that they can be moved together.
    weights = {
        key: value if is_hub_address(value) else str(path.parent / value) for key, value in profile.weights.items()
    }
    changed: dict[str, Any] = {"weights": weights}
    if profile.data.root is not None:
        changed["data"] = profile.data.model_copy(update={"root": str(path.parent / profile.data.root)})
    return profile.model_copy(update=changed)


def installed_data() -> list[str]:
    """The names of the data sets of plug-ins, sorted; nothing of them is imported."""
    return sorted({entry.name for entry in entry_points(group=DATA_GROUP)} - {*_COLUMNS, FOLDER})


def _divide_attributes(path: Path, table: dict[str, Any]) -> None:
    """Divides a table ``[attributes]`` into the names and their rules; a plain list of names stays."""
    if isinstance(table.get("attributes"), dict):
        rules = dict(table["attributes"])
        if "names" not in rules:
            raise UserError(f"{path}: the key 'attributes.names' is missing.")
        table["attributes"], table["rules"] = rules.pop("names"), rules


def _read(path: Path) -> dict[str, Any]:
    """The table in a profile's file."""
    try:
        table = tomllib.loads(read_bytes(path, _LARGEST).decode())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid TOML: {error}.") from error
    if "name" in table:
        raise UserError(f"{path}: a profile is named by its file; remove the key 'name'.")
    return table


def _changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A table with other values for some keys, in inner tables too."""
    found = dict(base)
    for key, value in changes.items():
        inner = found.get(key)
        found[key] = _changed(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return found


def _locate(name: str) -> Path:
    if name.endswith(".toml") or "/" in name or "\\" in name:
        path = Path(name)
        if not path.is_file():
            raise UserError(f"There is no profile file {path}.")
        return path
    if name not in shipped_profiles():
        hint = did_you_mean(name, shipped_profiles())
        known = ", ".join(shipped_profiles())
        raise UserError(f"There is no profile '{name}'.{hint} Shipped are: {known}; your own is given as a .toml file.")
    return SHIPPED / f"{name}.toml"


def _sentence(path: Path, error: ValidationError) -> str:
    """The first thing wrong with a profile, in one sentence."""
    # An unknown key is told first: it is the likely cause of a missing one.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    where = [str(part) for part in first["loc"]]
    key = ".".join(["attributes", *where[1:]] if where[:1] == ["rules"] else where) or "the profile"
    if first["type"] == "extra_forbidden":
        hint = did_you_mean(where[-1], _keys_at(where[:-1]))
        return f"{path}: there is no key '{key}'.{hint}"
    if first["type"] == "missing":
        return f"{path}: the key '{key}' is missing."
    if first["type"] == "value_error":
        return f"{path}: {key}: {first['ctx']['error']}"
    expected = first["msg"].removeprefix("Input should be ").replace("a valid tuple", "a list")
    return f"{path}: {key} should be {expected}, not {first['input']!r}."


def _keys_at(where: list[str]) -> list[str]:
    model: type[BaseModel] = Profile
    for part in where:
        inner = RulesTable if part == "rules" else model.model_fields[part].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return [key for key in model.model_fields if key != "name" or model is DataTable]
