"""What every cell of a run needs, opened once a process: test images, judges, feature space, real side, editors."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

import methods
from eval.cell import Bench
from eval.classifier import load_classifier
from eval.features import load_extractor
from eval.judging import Reading, read
from eval.reals import Reals
from harness.data.open import open_split
from harness.pixels import digest
from harness.plan import Entry, judge_weights
from harness.profiles import Profile
from harness.protocol import DataRecord, FeatureRecord, Protocol, hash_of, ids_hash
from harness.store import RunDirectory
from methods.files import write_bytes

if TYPE_CHECKING:
    from methods.base import Editor


@dataclass(frozen=True)
class Setup:
    """What a worker must be told to open the same workbench as everybody else.

    Attributes:
        profile: the profile.
        data_root: where CelebA lies.
        limit: use the first so many test images only.
        run: the run directory; on a cluster, in a folder that all machines share.
    """

    profile: Profile
    data_root: Path | None
    limit: int | None
    run: Path

    def __hash__(self) -> int:  # a profile holds dicts
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
        self.primary = load_classifier(judge_weights("primary", profile), profile.attributes)
        self.second = load_classifier(judge_weights("second", profile), profile.attributes)
        self.extractor = load_extractor(settings.features, self.primary, profile.weights.get("inception"))
        self.test = open_split(profile, "test", data_root=setup.data_root, limit=setup.limit)
        self.labels = np.asarray(self.test.labels)
        self.attributes = self.test.attributes
        self.n = min(settings.n or len(self.labels), len(self.labels))
        self._editors: dict[tuple[str, str | None], Editor] = {}

    @cached_property
    def protocol(self) -> Protocol:
        """Everything that decides a number."""
        preparation = getattr(self.test.images, "preparation", None)
        space, settings = self.extractor, self.settings
        return Protocol(
            data=DataRecord(
                name=self.test.name,
                digest=self.test.digest,
                image_size=self.test.image_size,
                preparation=preparation.describe() if preparation is not None else None,
                n_real=len(self.labels),
                n=self.n,
                ids_sha256=ids_hash(self.test.ids),
            ),
            attributes=tuple(self.attributes),
            features=FeatureRecord(name=space.name, title=space.title, dimension=space.dimension, digest=space.digest),
            judges={"primary": self.primary.digest, "second": self.second.digest},
            batch=settings.batch,
            seed=settings.seed,
            bootstrap=settings.bootstrap,
            minimum_n=settings.minimum_n,
            diversity_images=settings.diversity_images,
            diversity_draws=settings.diversity_draws,
        )

    @cached_property
    def sources(self) -> NDArray[np.uint8]:
        """The images that are edited, (n, H, W, 3)."""
        return np.array(self.test.images[: self.n])

    @cached_property
    def positions(self) -> dict[bytes, int]:
        """Where each test image stands, by the digest of its pixels."""
        return {digest(image): index for index, image in enumerate(np.asarray(self.test.images))}

    @cached_property
    def source_reading(self) -> Reading:
        """What the primary judge reads of them."""
        return read(self.primary, self.sources)

    @cached_property
    def bench(self) -> Bench:
        """The measures' view of all this."""
        reals = Reals(self._real_features(), self.labels, self.attributes, self.settings.seed)
        return Bench(
            primary=self.primary,
            second=self.second,
            extractor=self.extractor,
            reals=reals,
            seed=self.settings.seed,
            resamples=self.settings.bootstrap,
            minimum_n=self.settings.minimum_n,
        )

    def editor(self, entry: Entry) -> Editor:
        """The method of `entry`, loaded once, with the classifier attached if it needs one."""
        key = (entry.name, entry.sha256)
        if key not in self._editors:
            if entry.weights is None:
                cls = methods.editor_class(entry.name)
                editor = cls(attributes=self.attributes, image_size=self.test.image_size).eval()
            else:
                editor = methods.load(entry.name, entry.weights).eval()
            if "classifier" in entry.card.needs:
                editor.attach(classifier=self.primary)
            self._editors[key] = editor
        return self._editors[key]

    def _real_features(self) -> NDArray[np.float32]:
        """Features of all test images, (N, D); kept in the run directory under what decides them."""
        key = hash_of([self.protocol.data.model_dump(), self.protocol.features.model_dump()])
        path = self.run.root / "cache" / f"real-features-{key[:16]}.npy"
        if path.is_file():
            return np.load(path, allow_pickle=False)
        features = self.extractor(self.test.images)
        buffer = io.BytesIO()
        np.save(buffer, features, allow_pickle=False)
        write_bytes(path, buffer.getvalue())
        return features


def workbench(setup: Setup, protocol_hash: str | None = None) -> Workbench:
    """The workbench of a setup, opened once in this process; one thread computes, so bytes repeat.

    Args:
        setup: what to open.
        protocol_hash: that of the caller's run: a worker that lives on after a judge was trained anew opens again.

    Raises:
        RuntimeError: this machine sees other data, judges or code than the one that planned the run.
    """
    bench = _opened(setup)
    if protocol_hash not in (None, bench.protocol.hash):
        _opened.cache_clear()
        bench = _opened(setup)
        if protocol_hash != bench.protocol.hash:
            raise RuntimeError("this worker sees other data, judges or code than the process that planned the run")
    return bench


@lru_cache(maxsize=1)
def _opened(setup: Setup) -> Workbench:
    one_thread()
    return Workbench(setup)


def one_thread() -> None:
    """Sums must not depend on a thread count: all computing in this process is done by one thread."""
    import threadpoolctl

    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)
