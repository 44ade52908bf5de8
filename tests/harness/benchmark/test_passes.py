"""Nothing is computed twice: the passes of a small benchmark of two methods, two attributes, both modes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import bridgebench.harness.benchmark.workbench
from bridgebench import methods
from bridgebench.eval.judges.classifier import FEATURES
from bridgebench.eval.judges.features import Extractor
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import all_cells, groups, select
from bridgebench.harness.benchmark.workbench import Setup, workbench
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.bridgegan.editor import BridgeGAN
from bridgebench.methods.editor import Editor

ATTRIBUTES = ("Smiling", "Young")
METHODS, MODES, EDITED, TESTED = 2, 2, 12, 24
DRAWN = 2 * 3  # images of the diversity, and the edits of each: of their own, for an edit's bits may follow its batch
EDITS = METHODS * MODES * len(ATTRIBUTES) * EDITED
MATCHED = len(ATTRIBUTES) * EDITED  # for both modes and all methods
DRAWS = len(ATTRIBUTES) * DRAWN * 3  # by reference of both methods, by label of the one that draws noise


@pytest.fixture
def profile(tmp_path: Path, tiny_profile: Callable[..., Path]) -> Path:
    """Faces edited by a BridgeGAN of random weights and by identity."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"width": 4, "code_channels": 4, "spade_hidden": 4, "encoder_width": 4, "mapping_blocks": 1}
    methods.save(BridgeGAN(image_size=32, **sizes), tmp_path / "bridgegan.safetensors", {"origin": "tests"})
    return tiny_profile(
        ('"identity", "oracle"', '"bridgegan", "identity"'),
        ("[weights]", '[weights]\nbridgegan = "bridgegan.safetensors"'),
    )


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many images the feature space was given, call by call."""
    seen: list[int] = []

    def extract(images: Any) -> np.ndarray:
        seen.append(len(images))
        return np.random.default_rng(0).normal(size=(len(images), FEATURES)).astype(np.float32)

    other = Extractor("another", "FD (another)", FEATURES, "0", extract)
    monkeypatch.setattr(bridgebench.harness.benchmark.workbench, "load_extractor", lambda *arguments: other)
    yield seen


def test_each_network_sees_each_image_once(
    tmp_path: Path, profile: Path, extracted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = workbench(Setup(load_profile(profile), None, None, tmp_path / "run"))
    passes: Counter[str] = Counter()
    for judge in ("primary", "second"):
        # The trunk is what costs, by whichever door the judge is asked.
        count = partial(seen, passes, judge)
        getattr(bench, judge).trunk.register_forward_pre_hook(count)
    edit = Editor.edit

    def counted(editor: Editor, images: Tensor, *labels: Any, **given: Any) -> Tensor:
        passes["boards" if "mix" in given else "edits"] += len(images)
        return edit(editor, images, *labels, **given)

    monkeypatch.setattr(Editor, "edit", counted)
    entries, _ = select(bench.setup.profile, None, has_truth=True)
    hash_ = bench.protocol.hash
    for (mode, attribute), cells in groups(all_cells(entries, ATTRIBUTES, hash_)).items():
        assert run_job(Job(bench.setup, hash_, mode, attribute, tuple(cells))) == []

    assert passes["edits"] == EDITS + DRAWS  # the boards of the pages, which weigh two codes, come on top
    assert passes["second"] == EDITS
    assert passes["primary"] == EDITS + TESTED
    assert sum(extracted) == EDITS + TESTED + DRAWS + MATCHED


def seen(passes: Counter[str], judge: str, _: Any, inputs: tuple[Tensor]) -> None:
    passes[judge] += len(inputs[0])
