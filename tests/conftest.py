"""What tests of several rooms need: a cache of their own, judges, and a profile small enough to run in seconds."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

TINY = """
attributes = {attributes}
methods = ["identity", "oracle"]

[data]
name = "faces"
image_size = 32
train = 64
validation = 16
test = 24

[evaluation]
n = 12
batch = 5
minimum_n = 4
diversity_images = 2
diversity_draws = 3

[evaluation.several]
n = 0

[evaluation.probes]
n = 0

[weights]
classifier = "{classifier}"
judge = "{judge}"
features = "{features}"
"""


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Drawn images are cached in a folder of this test session, never in the user's own."""
    before = os.environ.get("BRIDGEBENCH_CACHE")
    folder = tmp_path_factory.mktemp("cache")
    os.environ["BRIDGEBENCH_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["BRIDGEBENCH_CACHE"]
    else:
        os.environ["BRIDGEBENCH_CACHE"] = before


@pytest.fixture(autouse=True)
def signals_left_alone() -> Iterator[None]:
    """Fails a test after which a watch over signals goes on: it would end this process at a later test's signal."""
    yield
    watched = signal.set_wakeup_fd(-1) != -1
    assert not watched, "the test left a watch over signals: call main(), or replace `guarded` in what calls it"


@pytest.fixture(scope="session")
def judges(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weights files of a small ``classifier``, ``judge`` and ``features``: real networks, untrained."""
    from small_judges import small_judges

    return small_judges(tmp_path_factory.mktemp("judges"), "tests")


@pytest.fixture(scope="session")
def write_tiny(judges: dict[str, Path]) -> Callable[..., Path]:
    """Writes a profile of 24 embedded faces at 32 px into a folder; each further argument (a, b) replaces a by b."""
    from bridgebench.methods.core.labels import CELEBA14

    def write(folder: Path, *changes: tuple[str, str]) -> Path:
        text = TINY.format(attributes=list(CELEBA14), **judges)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = folder / "tiny.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def tiny_profile(tmp_path: Path, write_tiny: Callable[..., Path]) -> Callable[..., Path]:
    """`write_tiny` into the test's own folder."""
    return partial(write_tiny, tmp_path)
