"""Benchmarks in which the zoo of misbehaving plug-ins takes part: the plug-ins installed, photos, a profile."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from misbehaving import class_of
from PIL import Image
from small_runs import SMALL

from bridgebench import methods
from bridgebench.harness.profiles.profile import Profile, load_profile

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_judges import small_judges

ATTRIBUTES = ["Smiling"]
_PHOTOS = 16
_KEPT = ("cells", "samples", "details")


@contextmanager
def installed(site: Path, names: Iterable[str]) -> Iterator[None]:
    """Installs animals of the zoo into a folder on this process's path, as an installer would do it."""
    shutil.copytree(Path(__file__).parent / "misbehaving", site / "misbehaving")
    info = site / "misbehaving-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: misbehaving\nVersion: 1\n")
    entries = [f"{name} = misbehaving:{class_of(name)}" for name in names]
    (info / "entry_points.txt").write_text("\n".join([f"[{methods.GROUP}]", *entries]))
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(site)
        methods._entries.cache_clear()
        yield
    methods._entries.cache_clear()


def write_photos(root: Path) -> Path:
    """A small data set in CelebA's layout, for drawn faces have more attributes; returns its folder."""
    draw = np.random.default_rng(0)
    (root / "img_align_celeba").mkdir()
    names = [f"{number:06d}.png" for number in range(1, _PHOTOS + 1)]
    for name in names:
        Image.fromarray(draw.integers(0, 256, (218, 178, 3), np.uint8)).save(root / "img_align_celeba" / name)
    rows = [f"{name} {' '.join(map(str, draw.choice([-1, 1], len(ATTRIBUTES))))}" for name in names]
    (root / "list_attr_celeba.txt").write_text("\n".join([str(_PHOTOS), " ".join(ATTRIBUTES), *rows]))
    (root / "list_eval_partition.txt").write_text("\n".join(f"{name} 2" for name in names))
    return root


def write_profile(folder: Path) -> Profile:
    """A small profile of one attribute, in which an edit may take four seconds."""
    weights = [f'{name} = "{path.name}"' for name, path in small_judges(folder, "zoo", ATTRIBUTES).items()]
    text = f'attributes = {ATTRIBUTES}\nmethods = ["identity"]\n{SMALL}time_limit = 4\n\n[weights]\n'
    for old, new in [('"faces"', '"celeba"'), ("train = 64", "train = 0"), ("validation = 8", "validation = 0")]:
        text = text.replace(old, new)
    (folder / "zoo.toml").write_text(text + "\n".join(weights))
    return load_profile(folder / "zoo.toml")


def files_of(run: Path, method: str) -> dict[str, bytes]:
    """All records and pictures of a method's cells."""
    found = (path for kept in _KEPT for path in (run / kept / method).rglob("*") if path.is_file())
    return {str(path.relative_to(run)): path.read_bytes() for path in found}
