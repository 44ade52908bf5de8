"""What all cells of a run need, opened once per process: test images, judges, feature space, real images, editors."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.cell import Instruments
from bridgebench.eval.distances.reals import Reals
from bridgebench.eval.judges.classifier import load_classifier
from bridgebench.eval.judges.features import load_extractor
from bridgebench.eval.judges.networks import Network, Networks, vectors
from bridgebench.eval.judges.reading import Reading, read
from bridgebench.eval.measures import MEASURES
from bridgebench.eval.measures.own import own_measure
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.intact import has_all
from bridgebench.eval.records.measured import CachedArrays
from bridgebench.eval.records.protocol import (
    DEALT,
    DRAWN,
    DataRecord,
    FeatureRecord,
    OtherCells,
    OwnMeasure,
    Protocol,
    hash_of,
    ids_hash,
)
from bridgebench.eval.records.seal import file_hashes
from bridgebench.eval.statistics.subgroups import SKINS
from bridgebench.harness.benchmark.kinds import MIXES, STRENGTHS, other_cells
from bridgebench.harness.benchmark.loaded_methods import LoadedMethods
from bridgebench.harness.benchmark.networks import SPACES, open_networks
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.benchmark.remote_measures import RemoteMeasures
from bridgebench.harness.data.base import ImageSet, Split
from bridgebench.harness.data.drawn.dataset import DrawnSet
from bridgebench.harness.data.open import open_split
from bridgebench.harness.data.pixels import digest
from bridgebench.harness.processes.devices import repeatable
from bridgebench.harness.processes.memory import give_back
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.weights.find import judge_weights, named_weights, network_weights
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes

if TYPE_CHECKING:
    from bridgebench.methods.editor import Editor

_SKIN = "person/skin"  # the parameter of drawn faces, 0 light to 1 dark
Arrays = dict[str, NDArray[np.float32]]
_PRECISION = "half"  # of cached features; older caches hold features in single precision


@dataclass(frozen=True)
class Setup:
    """What a worker needs to open the same workbench as the other processes.

    Attributes:
        profile: the profile.
        data_root: folder of the data set.
        limit: use only this many test images, the first ones.
        run: the run directory; on a cluster, it must be in a folder that all machines share.
        device: where the networks compute, as PyTorch names it.
    """

    profile: Profile
    data_root: Path | None
    limit: int | None
    run: Path
    device: str = "cpu"

    def __hash__(self) -> int:  # a profile holds dicts, which have no hash
        return hash((self.profile.name, self.run))


class Workbench:
    """Opens the data and the judges of a setup.

    Raises:
        UserError: data or weights are missing or damaged.
    """

    def __init__(self, setup: Setup) -> None:
        profile, settings = setup.profile, setup.profile.evaluation
        self.setup = setup
        self.settings = settings
        self.run = RunDirectory(setup.run)
        self.device = device = setup.device
        self.primary = load_classifier(judge_weights("primary", profile), profile.attributes, device)
        self.second = load_classifier(judge_weights("second", profile), profile.attributes, device)
        if self.primary.architecture == self.second.architecture:
            raise UserError(
                f"Both judges of the profile '{profile.name}' are of the architecture '{self.primary.architecture}', "
                "so that what fools one fools the other: train or name a judge of another."
            )
        self.extractor = load_extractor(settings.features, _weights_of_features(profile), device)
        self.networks, self.missing_networks = open_networks(profile, device)
        self.test = open_split(profile, settings.split, data_root=setup.data_root, limit=setup.limit)
        self.labels = np.asarray(self.test.labels)
        self.attributes = self.test.attributes
        self.space = profile.space
        self.columns = profile.columns
        self.others = other_cells(profile.space, settings)
        self.own_measures = [own_measure(name) for name in settings.measures]
        self.measures = RemoteMeasures(self.own_measures, settings.time_limit)
        self.n = min(settings.n or len(self.labels), len(self.labels))
        self.editors = LoadedMethods(
            self.space,
            self.test.image_size,
            device,
            self.primary,
            classifier_file=judge_weights("primary", profile),
            time_limit=settings.time_limit,
        )

    @cached_property
    def protocol(self) -> Protocol:
        """Everything that decides a number."""
        features, settings = self.extractor, self.settings
        # A flip is edited once, and some flips again for diversity. A conversion is edited several times, all measured.
        references, images, draws, outputs = {
            "flips": (DRAWN, settings.diversity_images, settings.diversity_draws, None),
            "conversions": (DEALT, None, None, settings.outputs),
        }[self.space.kind]
        return Protocol(
            data=DataRecord(
                name=self.test.name,
                digest=self.test.digest,
                split=self.settings.split,
                image_size=self.test.image_size,
                preparation=None if self.test.preparation is None else dict(self.test.preparation),
                real={split: images.digest for split, images in self.real_splits.items()},
                n_real=sum(len(images.labels) for images in self.real_splits.values()),
                n=sum(len(self.edited(part)) for part in self.space.parts),
                ids_sha256=ids_hash(self.test.ids),
            ),
            attributes=tuple(self.attributes),
            cells=self.space.kind,
            rules=self.space.own_rules(),
            references=references,
            features=FeatureRecord(
                name=features.name, title=features.title, dimension=features.dimension, digest=features.digest
            ),
            judges={"primary": self.primary.digest, "second": self.second.digest},
            networks={name: network.digest for name, network in sorted(self.networks.items())},
            own_measures={
                measure.name: OwnMeasure(package=measure.record.package, version=measure.record.family[1])
                for measure in self.own_measures
            },
            batch=settings.batch,
            seed=settings.seed,
            minimum_n=settings.minimum_n,
            diversity_images=images,
            diversity_draws=draws,
            outputs=outputs,
            others=OtherCells(
                cells=dict(self.others),
                several_n=settings.several.n,
                probes_n=settings.probes.n,
                strengths=STRENGTHS,
                mixes=MIXES,
            ),
            device=None if self.device == "cpu" else self.device.partition(":")[0],
        )

    @cached_property
    def real_splits(self) -> dict[str, ImageSet]:
        """The splits of the real images for distances: the test images; for domains, all images to train on."""
        if not self.space.exclusive:
            return {self.settings.split: self.test}
        profile, root = self.setup.profile, self.setup.data_root
        # AFHQ has no validation images: our validation split is a part of its training images.
        splits: tuple[Split, ...] = ("train", "validation") if profile.data.name == "afhq" else ("train",)
        return {split: open_split(profile, split, data_root=root) for split in splits}

    @cached_property
    def real_pool(self) -> NDArray[np.int64]:
        """Indices of the test photos that may be real images: every second one of those that are not edited.

        Drawings need none: their real images are drawn anew.
        """
        drawn = self.test.has_truth or self.space.exclusive
        return np.empty(0, np.int64) if drawn else np.arange(self.n, len(self.labels))[1::2]

    @cached_property
    def reference_pool(self) -> NDArray[np.int64]:
        """Indices of the test images that may be references: no reference is on the real side of a distance."""
        return np.setdiff1d(np.arange(len(self.labels)), self.real_pool)

    @cached_property
    def groups(self) -> dict[str, NDArray[np.uint8]]:
        """Groups of test images that no label tells, (N,) by sort: the skin of drawn faces, from light to dark."""
        names, values = self.test.parameters() if isinstance(self.test, DrawnSet) else ((), np.empty(0))
        if _SKIN not in names:
            return {}
        thirds = values[:, names.index(_SKIN)] * len(SKINS)
        return {"skin": np.minimum(thirds, len(SKINS) - 1).astype(np.uint8)}

    def images(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Test images by index, uint8 (M, H, W, 3); no other images are read."""
        return np.asarray(self.test.images[indices])

    def edited(self, part: str | None) -> NDArray[np.int64]:
        """Indices of the test images that are edited: the first ones of a part of the label space."""
        return self.space.rows(self.labels, part)[: self.settings.n or None]

    @cached_property
    def positions(self) -> dict[bytes, int]:
        """The index of each test image, by the digest of its pixels."""
        found: dict[bytes, int] = {}
        for start in range(0, len(self.labels), self.settings.batch):  # reading single images of a memory map is slow
            images = np.asarray(self.test.images[start : start + self.settings.batch])
            found |= {digest(image): index for index, image in enumerate(images, start)}
        return found

    @cached_property
    def source_reading(self) -> Reading:
        """Logits and features of the primary judge for all test images; kept in the run directory."""
        key = hash_of([self.protocol.data.model_dump(), self.primary.digest, _PRECISION])
        found = self._kept(
            f"reading-{key[:16]}", ("logits", "features"), lambda: vars(read(self.primary, self.test.images))
        )
        return Reading(found["logits"], found["features"])

    @cached_property
    def test_features(self) -> NDArray[np.float32]:
        """Features of all test images, (N, D)."""
        return self._features("test", self.test)

    @cached_property
    def instruments(self) -> Instruments:
        """What the measures need: judges, feature space and the real images for distances."""
        features = [
            self.test_features if images is self.test else self._features(split, images)
            for split, images in self.real_splits.items()
        ]
        labels = np.concatenate([np.asarray(images.labels) for images in self.real_splits.values()])
        # A single memory map is not copied.
        whole = features[0] if len(features) == 1 else np.concatenate(features)
        reals = Reals(whole, labels, self.space, self.settings.seed)
        return Instruments(
            primary=self.primary,
            second=self.second,
            extractor=self.extractor,
            reals=reals,
            minimum_n=self.settings.minimum_n,
            networks=Networks(self.networks, self.missing_networks, self._deep_reals(labels)),
            measures=[*MEASURES, *self.measures.cards],
        )

    def _deep_reals(self, labels: NDArray) -> dict[str, Reals]:
        """The real images of conversions in the spaces of DINOv2 and CLIP, as far as these are there."""
        names = [name for name in SPACES if name in self.networks and self.space.exclusive]
        return {name: Reals(self._vectors(name), labels, self.space, self.settings.seed) for name in names}

    def _vectors(self, name: str) -> NDArray[np.float32]:
        """Vectors of all real images by a network, (M, D)."""
        network, found = self.networks[name], []
        for split, images in self.real_splits.items():
            key = hash_of([images.digest, network.digest])
            made = partial(self._vectors_of, network, images)
            found.append(self._kept(f"{name}-{split}-{key[:16]}", ("vectors",), made)["vectors"])
        return np.concatenate(found)

    def _vectors_of(self, network: Network, images: ImageSet) -> Arrays:
        return {"vectors": vectors(network, images.images)}

    def keep_features(self) -> None:
        """Stores the readings of all test images and the real features in the run directory, where workers find them.

        What is stored already is not computed again.
        """
        _ = self.source_reading, self.instruments

    def editor(self, participant: Participant) -> Editor:
        """The method of `participant`, with the classifier attached if it needs one."""
        return self.editors.of(participant)

    def _features(self, split: str, images: ImageSet) -> NDArray[np.float32]:
        """Features of all images of a split, (N, D)."""
        key = hash_of([images.digest, self.protocol.features.model_dump(), _PRECISION])
        return self._kept(f"{split}-{key[:16]}", ("features",), lambda: {"features": self.extractor(images.images)})[
            "features"
        ]

    def _kept(self, stem: str, names: Sequence[str], made: Callable[[], Arrays]) -> Arrays:
        """Arrays from the run directory's cache; missing arrays are made. `stem` identifies what decides the arrays.

        The arrays are memory maps, shared by all workers of a machine. Each process checks them once, against the
        hashes that lie beside them.
        """
        root, record = self.run.root, self.run.cached_arrays(stem)
        paths = {name: self.run.root / "cache" / f"{stem}-{name}.npy" for name in names}
        if not _are_kept(root, record, paths.values()):
            for name, array in made().items():
                buffer = io.BytesIO()
                np.save(buffer, array, allow_pickle=False)
                write_bytes(paths[name], buffer.getbuffer())
            CachedArrays(schema=1, files=file_hashes(root, paths.values())).write(record)
            give_back()  # networks have run over all images
        return {name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in paths.items()}


def _weights_of_features(profile: Profile) -> Path | None:
    """The weights file of the profile's feature space; None: where its library keeps its download."""
    space = profile.evaluation.features
    return network_weights("features", profile) if space == "neutral" else named_weights(space, profile)


def _are_kept(root: Path, record: Path, paths: Iterable[Path]) -> bool:
    """Whether the arrays are those that the record lists."""
    found = CachedArrays.find(record)
    names = {path.relative_to(root).as_posix() for path in paths}
    return found is not None and set(found.files) == names and has_all(root, found.files)


def workbench(setup: Setup, protocol_hash: str | None = None) -> Workbench:
    """The workbench of a setup, opened once in this process. One thread computes, so results repeat exactly.

    Args:
        setup: what to open.
        protocol_hash: hash of the caller's protocol. If it differs (a judge was retrained), the setup is opened again.

    Raises:
        UserError: data or weights are missing, or differ from those that the run was planned with.
    """
    bench = _opened(setup)
    if protocol_hash not in (None, bench.protocol.hash):
        _opened.cache_clear()
        bench = _opened(setup)
        if protocol_hash != bench.protocol.hash:
            raise UserError(
                "This worker sees other data, judges or code than the process that planned the run: start it anew."
            )
    return bench


@lru_cache(maxsize=1)
def _opened(setup: Setup) -> Workbench:
    repeatable()
    return Workbench(setup)
