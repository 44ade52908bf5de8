"""Pairs that are each other's reference, and the way from a label edit to a reference edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.benchmark.page_pictures import (
    MIX_ROWS,
    MIXES,
    pair_case,
    write_mixes,
    write_pairs,
    write_true_pairs,
)
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.methods.core.labels import CELEBA14


@pytest.fixture
def bench(tiny_profile: Callable[..., Path], tmp_path: Path) -> Workbench:
    from bridgebench.harness.profiles.profile import load_profile

    return workbench(Setup(load_profile(tiny_profile()), None, None, tmp_path / "run"))


def squares(path: Path, columns: int) -> np.ndarray:
    """(rows, columns, 32, 32, 3)"""
    with Image.open(path) as opened:
        board = np.asarray(opened.convert("RGB"))
    return board.reshape(-1, 32, columns, 32, 3).transpose(0, 2, 1, 3, 4)


def test_the_two_of_a_pair_differ_in_the_attributes_and_are_each_others_reference(bench: Workbench) -> None:
    column = CELEBA14.index("Male")
    case = pair_case(bench, ("Male",))
    assert case is not None and case.references is not None
    half = len(case.sources) // 2
    assert np.array_equal(case.sources[:half], case.references[half:])
    assert np.array_equal(case.sources[half:], case.references[:half])
    labels = bench.labels[case.sources, column]
    assert labels[:half].all() and not labels[half:].any()
    assert np.array_equal(case.targets[:, column], 1 - labels)


def test_two_attributes_are_flipped_at_once(bench: Workbench) -> None:
    case = pair_case(bench, ("Smiling", "Young"))
    assert case is not None
    columns = [CELEBA14.index(name) for name in ("Smiling", "Young")]
    assert np.array_equal(case.targets[:, columns], 1 - bench.labels[case.sources][:, columns])
    assert pair_case(bench, ("Smiling", "Wings")) is None


def test_boards_hold_the_images_on_both_edges_and_the_edits_between(bench: Workbench) -> None:
    from bridgebench import methods
    from bridgebench.harness.benchmark.cases import case_of
    from bridgebench.harness.benchmark.edits import TrueEdits

    true_edits = TrueEdits(bench, case_of(bench, "reference", "Male"))
    editor = methods.editor_class("oracle")(attributes=CELEBA14, image_size=32).eval()
    write_pairs(bench, "Male", editor.attach(truth=true_edits), editor.name)
    write_true_pairs(bench, "Male", true_edits)
    write_pairs(bench, "Young", editor, editor.name)  # no pairs go with this attribute
    case = pair_case(bench, ("Male",))
    assert case is not None
    made, true = (squares(bench.run.pairs_file(name, ("Male",)), 4) for name in ("oracle", "truth"))
    assert np.array_equal(made, true) and len(made) == len(case.sources) // 2
    assert np.array_equal(made[:, 0], bench.images(case.sources[: len(made)]))
    assert np.array_equal(made[:, 3], bench.images(case.sources[len(made) :]))
    assert not np.array_equal(made[:, 1], made[:, 0])
    assert not bench.run.pairs_file("oracle", ("Young",)).exists()


def test_mixes_go_from_the_label_edit_to_the_reference_edit(bench: Workbench) -> None:
    import torch

    from bridgebench.harness.benchmark.cases import case_of
    from bridgebench.harness.benchmark.edits import edit_images
    from bridgebench.methods.bridgegan.editor import BridgeGAN

    torch.manual_seed(0)
    editor = BridgeGAN(
        image_size=32, width=4, code_channels=4, spade_hidden=8, encoder_width=4, mapping_blocks=3
    ).eval()
    case = case_of(bench, "reference", "Smiling", editor)
    write_mixes(bench, "Smiling", editor, editor.name, case)
    board = squares(bench.run.interpolation_file("bridgegan", "Smiling"), 2 + len(MIXES))
    part = case.take(slice(MIX_ROWS))
    label = edit_images(bench, editor, part.sources, part.targets, None, part.draws)
    reference = edit_images(bench, editor, part.sources, part.targets, part.references, part.draws)
    assert np.array_equal(board[:, 0], bench.images(part.sources))
    assert np.array_equal(board[:, 1], label) and np.array_equal(board[:, -2], reference)
    assert not np.array_equal(board[:, 3], label) and not np.array_equal(board[:, 3], reference)


def test_a_method_without_the_option_has_no_mixes(bench: Workbench) -> None:
    from bridgebench import methods
    from bridgebench.harness.benchmark.cases import case_of

    editor = methods.editor_class("identity")(attributes=CELEBA14, image_size=32).eval()
    write_mixes(bench, "Smiling", editor, editor.name, case_of(bench, "reference", "Smiling", editor))
    assert not bench.run.interpolation_file("identity", "Smiling").exists()
