"""Matched real images: of photos the nearest by labels, of drawings new people, for both modes the same."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np

from bridgebench.eval.records.reals import RealsRecord
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.matching import MOST_DIFFERING, assign, matched_reals, null_of_matched
from bridgebench.harness.benchmark.workbench import Setup, workbench
from bridgebench.harness.data.animals.dataset import load_animals
from bridgebench.harness.data.faces.dataset import load_faces
from bridgebench.harness.profiles.profile import load_profile


def test_an_assignment_has_the_least_total_difference_of_all() -> None:
    """Against all permutations of five images for four edits of three labels; the first label is edited."""
    random = np.random.default_rng(0)
    for _ in range(20):
        sources = random.integers(0, 2, (4, 3))
        targets = sources.copy()
        targets[:, 0] = 1 - sources[:, 0]
        labels = random.integers(0, 2, (5, 3))
        best = (-1, 0)
        for images in permutations(range(5), 4):
            differing = (targets != labels[[*images]]).sum(axis=1)
            right = (targets[:, 0] == labels[[*images], 0]) & (differing <= MOST_DIFFERING)
            best = max(best, (int(right.sum()), -int(differing[right].sum())))
        found = assign(sources, targets, labels)
        assert (len(found.edits), -int(found.differing.sum())) == best
        assert len(set(found.images.tolist())) == len(found.images)
        assert (targets[found.edits, 0] == labels[found.images, 0]).all()
        assert (found.differing == (targets[found.edits] != labels[found.images]).sum(axis=1)).all()


def test_an_edit_of_several_labels_gets_an_image_with_all_of_them() -> None:
    sources, targets = np.zeros((1, 4), np.uint8), np.array([[1, 1, 1, 0]], np.uint8)
    labels = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]], np.uint8)
    assert assign(sources, targets, labels).images.tolist() == [1]  # the others lack a value that the edit gives


def test_edits_without_images_get_none() -> None:
    """Also where all test images are edited, so that none is left."""
    edits = np.zeros((3, 2), np.uint8), np.ones((3, 2), np.uint8)
    assert len(assign(*edits, np.zeros((4, 2), np.uint8)).edits) == 0
    assert len(assign(*edits, np.empty((0, 2), np.uint8)).edits) == 0


def test_fresh_drawings_have_the_labels_and_are_new_people(tmp_path: Path) -> None:
    faces = load_faces("test", 4, 32, cache_dir=tmp_path)
    labels = faces.labels[[0, 1, 0]]
    fresh = faces.fresh(labels)
    assert fresh.shape == (3, 32, 32, 3) and np.array_equal(fresh, faces.fresh(labels))
    assert not np.array_equal(fresh[0], fresh[2]) and not np.array_equal(fresh[0], faces.images[0])
    assert np.array_equal(faces.fresh(labels[:1])[0], fresh[0])  # whatever else is drawn
    animals = load_animals("test", 3, 32, cache_dir=tmp_path)
    assert animals.fresh(animals.labels).shape == (3, 32, 32, 3)


def test_reals_of_a_cell_are_kept_and_both_modes_have_the_same(tmp_path: Path, write_tiny: Callable[..., Path]) -> None:
    bench = workbench(Setup(load_profile(write_tiny(tmp_path)), None, None, tmp_path / "run"))
    label, reference = (matched_reals(bench, mode, "Smiling") for mode in ("label", "reference"))
    targets = case_of(bench, "label", "Smiling").targets
    assert np.array_equal(label.labels, targets) and not label.differing.any()
    assert np.array_equal(label.features, reference.features)
    assert np.array_equal(label.features, bench.extractor(bench.test.fresh(targets)).astype(np.float16))
    file = bench.run.reals_file("label", "Smiling")
    assert file.stat().st_size < 100_000
    stored = np.load(file)
    assert RealsRecord.find(file, str(stored["key"])) is not None and RealsRecord.find(file, "another") is None
    file.write_bytes(file.read_bytes()[:-100])
    assert RealsRecord.find(file, str(stored["key"])) is None
    again = matched_reals(bench, "label", "Smiling")
    assert np.array_equal(again.features, label.features)
    null = null_of_matched(bench, "Smiling")
    assert null["value"] is None or null["value"] > 0
