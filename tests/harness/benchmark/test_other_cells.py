"""Cells of other kinds than flips: what they edit, that the oracle is right in each, and that their bytes repeat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bridgebench import methods
from bridgebench.eval.distances.frechet import frechet_distance
from bridgebench.eval.distances.neighbours import NEAREST
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.record import MODES
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.draws import best_references
from bridgebench.harness.benchmark.edits import TrueEdits, case_edits
from bridgebench.harness.benchmark.plan import all_cells, groups, is_done, select
from bridgebench.harness.benchmark.several import compatible
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.bridgegan.editor import BridgeGAN
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14, Attributes
from bridgebench.methods.stargan.editor import StarGAN

Write = Callable[..., Path]
CHANGES = (
    ('"identity", "oracle"', '"identity", "copy", "oracle"'),
    ("[evaluation.several]\nn = 0", "[evaluation.several]\nn = 10\nk = 4\nsequence = 3"),
    ("[evaluation.probes]\nn = 0", "[evaluation.probes]\nn = 6"),
)


@pytest.fixture
def bench(tiny_profile: Write, tmp_path: Path) -> Workbench:
    return workbench(Setup(load_profile(tiny_profile(*CHANGES)), None, None, tmp_path / "run"))


def run_all(bench: Workbench) -> None:
    participants, _ = select(bench.setup.profile, None, has_truth=True)
    cells = all_cells(participants, (), bench.protocol.hash, bench.others)
    for (mode, name), found in groups(cells).items():
        assert run_job(Job(bench.setup, bench.protocol.hash, mode, name, tuple(found))) == []
        assert [cell.place for cell in found if not is_done(cell, bench.run)] == []


def record(bench: Workbench, method: str, mode: str, name: str) -> CellRecord:
    return CellRecord.read(bench.run.cell_file(method, mode, name))


def assert_matched(bench: Workbench, mode: str, name: str) -> None:
    """The distance of a cell is that of its edits to new people with the labels which the edits aim at."""
    found = record(bench, "identity", mode, name).measures
    edits = Outcomes.read(bench.run.outcomes_file("identity", mode, name))
    reals = np.load(bench.run.reals_file(mode, name))
    assert (reals["labels"] == edits.target_labels[reals["edits"]]).all() and len(reals["edits"]) == len(edits.source)
    assert np.array_equal(reals["features"], bench.extractor(bench.test.fresh(edits.target_labels)).astype(np.float16))
    if len(edits.source) < bench.settings.minimum_n:
        assert "fewer than" in (found["fd_matched"].reason or "")
    else:
        sides = (side["features"].astype(np.float64) for side in (vars(edits), reals))
        assert found["fd_matched"].value == pytest.approx(frechet_distance(*sides), rel=1e-3)
        assert found["fd_matched"].differing == 0 and found["fd_matched"].n_real == len(edits.source)
        few = len(edits.source) <= NEAREST
        assert (found["precision"].value is None) == (found["coverage"].value is None) == few


def test_the_names_and_kinds_of_the_cells(bench: Workbench) -> None:
    names = [name for name, kind in bench.others.items() if kind != "added"]
    assert names == [
        *("1-flip", "2-flips", "3-flips", "4-flips", "Mouth_Slightly_Open+Bangs"),
        *("3-flips-in-sequence", "3-flips-reversed", "round-trip", "null-edit", "strength", "way"),
    ]
    assert bench.others["Young-added"] == "added" and list(bench.others.values()).count("added") == 14
    participants, _ = select(bench.setup.profile, ["identity", "copy"], has_truth=True)
    places = {cell.place for cell in all_cells(participants, (), "hash", bench.others)}
    assert ("identity", "label", "Young-added") not in places and ("identity", "label", "way") not in places
    assert ("copy", "reference", "Young-added") in places and ("identity", "label", "3-flips") in places
    assert bench.protocol.record()["others"]["cells"] == bench.others


def test_flips_of_a_combination_neither_undo_nor_repair_one_another() -> None:
    """Of 300 random labels: every chosen column ends at its other value, in whatever order the flips are made."""
    random, space = np.random.default_rng(0), Attributes(CELEBA14)
    for _ in range(300):
        labels = random.integers(0, 2, 14).astype(np.uint8)
        chosen = compatible(space, labels, random.permutation(14).tolist())
        ends = set()
        for order in (chosen, chosen[::-1], random.permutation(chosen).tolist()):
            target = labels
            for column in order:
                before = target
                target = space.target(target, CELEBA14[column])
                repaired = {int(other) for other in np.flatnonzero(before != target)} - {column}
                assert not repaired & set(chosen)
            assert (target[list(chosen)] != labels[list(chosen)]).all()
            ends.add(target.tobytes())
        assert len(ends) == 1 and len(chosen) >= 5


def test_each_image_has_a_combination_of_its_own_that_depends_on_nothing_else(bench: Workbench) -> None:
    for k in (1, 2, 4):
        case = case_of(bench, "label", "1-flip" if k == 1 else f"{k}-flips")
        assert (case.flipped.sum(axis=1) == k).all()
        sources = bench.labels[case.sources]
        assert (case.targets[case.flipped] != sources[case.flipped]).all()
        assert len({row.tobytes() for row in case.flipped}) > 1
    again = case_of(bench, "reference", "4-flips")
    assert (again.flipped == case.flipped).all() and (again.targets == case.targets).all()
    pair = case_of(bench, "label", "Mouth_Slightly_Open+Bangs")
    assert set(np.flatnonzero(pair.flipped.any(axis=0))) == {
        CELEBA14.index(n) for n in ("Mouth_Slightly_Open", "Bangs")
    }


def test_one_reference_shows_all_target_values_or_else_the_most() -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, (40, 6)).astype(np.uint8)
    flipped = np.zeros((40, 6), bool)
    flipped[:, [0, 2, 3, 5]] = True
    targets = np.where(flipped, 1 - labels, labels)
    found = best_references(0, [str(i) for i in range(40)], labels, np.arange(10, 40), np.arange(40), flipped, targets)
    assert found.min() >= 10
    for source, reference in enumerate(found):
        agreeing = [(labels[i] == targets[source])[flipped[source]].sum() for i in range(10, 40)]
        assert (labels[reference] == targets[source])[flipped[source]].sum() == max(agreeing)


def test_the_oracle_is_right_in_every_cell_and_identity_and_copy_are_what_they_are(bench: Workbench) -> None:
    run_all(bench)
    for name, kind in bench.others.items():
        for mode in MODES:
            if not bench.run.cell_file("oracle", mode, name).exists():
                assert mode == "label" and kind in ("added", "way")
                continue
            oracle, identity = record(bench, "oracle", mode, name), record(bench, "identity", mode, name)
            assert oracle.kind == kind
            if kind in ("several", "sequence", "added") and oracle.reason is None:
                assert oracle.measures["l1_true"].value == 0 and oracle.measures["skill"].value == pytest.approx(1)
                assert identity.measures["skill"].value == 0 and identity.measures["l1_source"].value == 0
                assert_matched(bench, mode, name)
            elif kind in ("round-trip", "null"):
                assert oracle.measures["l1_source"].value == identity.measures["l1_source"].value == 0
                assert oracle.measures["psnr_source"].value == 100
                assert "accuracy" not in oracle.measures and "leakage" not in oracle.measures
            elif kind == "strength":
                assert oracle.reason == "Oracle takes no strength" and oracle.measures == {}
    joint = record(bench, "identity", "label", "4-flips").measures
    assert joint["accuracy_joint_second"].value <= joint["accuracy_each_second"].value
    copy = record(bench, "copy", "reference", "null-edit").measures["l1_source"].value
    assert copy is not None and copy > 0
    assert record(bench, "copy", "reference", "round-trip").measures["l1_source"].value == 0, (
        "the source shows the way back"
    )
    assert record(bench, "copy", "reference", "way").reason == "Copy has no edit by label"


def test_the_way_of_a_method_without_mix_has_its_two_ends(bench: Workbench) -> None:
    run_all(bench)
    still, oracle = (record(bench, name, "reference", "way").measures for name in ("identity", "oracle"))
    assert set(oracle["accuracy_second"].values) == {"0", "1"} and "path" not in oracle and "skill" not in oracle
    assert still["gap"].value == 0 and oracle["gap"].value is not None and oracle["gap"].value > 0
    worst = min(value for value in oracle["accuracy_second"].values.values() if value is not None)
    assert oracle["accuracy_worst_second"].value == worst


def test_one_after_the_other_comes_to_the_same_true_edit_as_at_once(bench: Workbench) -> None:
    oracle = methods.editor_class("oracle")(attributes=CELEBA14, image_size=32).eval()
    ends = []
    for name in ("3-flips", "3-flips-in-sequence", "3-flips-reversed"):
        case = case_of(bench, "label", name)
        truth = TrueEdits(bench, case)
        made = case_edits(bench, oracle.attach(truth=truth), case)
        assert (made == truth.of(case)).all()
        ends.append(made)
    assert (ends[0] == ends[1]).all() and (ends[0] == ends[2]).all()
    first, last = (case_of(bench, "reference", f"3-flips-{order}") for order in ("in-sequence", "reversed"))
    assert (first.earlier[0].flipped == last.flipped & ~last.earlier[0].flipped & ~last.earlier[1].flipped).all()
    assert first.earlier[0].references is not None and last.references is not None
    assert (first.earlier[0].references == last.references).all(), "a flip has its reference at whatever step"


def test_strengths_and_mixes_reach_the_method(bench: Workbench) -> None:
    torch.manual_seed(0)
    small = {"width": 4, "code_channels": 4, "spade_hidden": 8, "encoder_width": 4, "mapping_blocks": 3}
    editor = BridgeGAN(image_size=32, **small).eval()
    case = case_of(bench, "label", "strength", editor)
    assert case.n == 6 and case.outputs == 5
    edits = case_edits(bench, editor, case).reshape(5, 6, 32, 32, 3)
    usual = case_edits(bench, editor, case_of(bench, "label", "1-flip").take(slice(6)))
    assert (edits[3] == usual).all() and (edits[0] != edits[3]).any() and (edits[4] != edits[3]).any()
    way = case_of(bench, "reference", "way", editor)
    along = case_edits(bench, editor, way).reshape(5, 6, 32, 32, 3)
    by_reference = case_edits(bench, editor, case_of(bench, "reference", "1-flip").take(slice(6)))
    assert (along[0] == usual).all() and (along[4] == by_reference).all() and (along[2] != along[0]).any()
    stargan = StarGAN(attributes=CELEBA14, image_size=32, width=4, blocks=1)
    assert case_of(bench, "label", "strength", stargan).reason == "StarGAN takes no strength"
    only_to_one = methods.editor_class("elegant").card
    assert only_to_one.strength is not None and only_to_one.strength[2] == 1


def test_added_cells_only_add(bench: Workbench) -> None:
    case = case_of(bench, "reference", "Bangs-added")
    column = CELEBA14.index("Bangs")
    assert case.n == 10 and not bench.labels[case.sources, column].any() and case.targets[:, column].all()
    assert case.references is not None and bench.labels[case.references, column].all()


def test_the_same_cells_have_the_same_bytes(bench: Workbench, tmp_path: Path) -> None:
    run_all(bench)
    other = workbench(Setup(bench.setup.profile, None, None, tmp_path / "again"))
    run_all(other)
    first, second = (
        {
            path.relative_to(one.run.root): path.read_bytes()
            for path in (*one.run.cell_files(), *one.run.outcomes_files())
        }
        for one in (bench, other)
    )
    assert first == second and len(first) > 100
    found = Outcomes.read(bench.run.outcomes_file("identity", "reference", "way"))
    assert found.step.tolist() == [1] * 6 + [0] * 6 and (found.flipped.sum(axis=1) == 1).all()


def test_pairs_that_cannot_be_are_refused(tiny_profile: Write) -> None:
    for pair in ("Bangs", "Bangs+Wings", "Bangs+Receding_Hairline", "Bangs+Bangs"):
        path = tiny_profile(("[evaluation.several]", f'[evaluation.several]\npairs = ["{pair}"]'))
        with pytest.raises(UserError, match=r"evaluation\.several\.pairs"):
            load_profile(path)
