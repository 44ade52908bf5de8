"""Cells of domains end to end on embedded animals: StarGAN v2's protocol, the controls, and what is kept for a page."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bridgebench import methods
from bridgebench.eval.distances.frechet import frechet_distance
from bridgebench.eval.judges.classifier import AttributeClassifier, save_classifier
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.plan import all_cells, groups, select
from bridgebench.harness.benchmark.runner import run_benchmark
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import DOMAINS, Domains

NAMES = ["dog2cat", "wild2cat", "cat2dog", "wild2dog", "cat2wild", "dog2wild"]
PROFILE = """
attributes = ["cat", "dog", "wild"]
methods = ["starganv2", "identity", "copy", "attack", "oracle"]
[data]
name = "animals"
image_size = 32
train = 36
validation = 3
test = 30
[evaluation]
n = 10
outputs = 3
batch = 5
minimum_n = 4
[weights]
classifier = "classifier.safetensors"
judge = "judge.safetensors"
features = "features.safetensors"
starganv2 = "starganv2.safetensors"
"""


def test_conversions_are_in_the_order_of_table_3() -> None:
    assert [*Domains(DOMAINS).cells] == NAMES
    assert Domains(DOMAINS).change("cat2dog") == ("cat", "dog")
    with pytest.raises(UserError, match="Did you mean 'cat2dog'"):
        Domains(DOMAINS).change("cat2dgo")


@pytest.fixture(scope="module")
def profile_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("animals")
    for seed, (name, architecture) in enumerate([("classifier", "resnet"), ("judge", "plain"), ("features", "resnet")]):
        torch.manual_seed(seed)
        save_classifier(AttributeClassifier(DOMAINS, architecture, width=4), folder / f"{name}.safetensors", {})
    editor = methods.editor_class("starganv2")(attributes=DOMAINS, image_size=32, width=4, widest=8, mapping_width=8)
    methods.save(editor, folder / "starganv2.safetensors", {"origin": "tests"})
    (folder / "tiny.toml").write_text(PROFILE)
    return folder / "tiny.toml"


@dataclass(frozen=True)
class Done:
    """A finished run."""

    bench: Workbench
    run: RunDirectory
    cells: dict[tuple[str, str, str], dict]


@pytest.fixture(scope="module")
def done(profile_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """All cells of two conversions, in this process."""
    bench = workbench(Setup(load_profile(profile_file), None, None, tmp_path_factory.mktemp("run")))
    entries, _ = select(bench.setup.profile, None, has_truth=True)
    cells = all_cells(entries, bench.columns, bench.protocol.hash)
    for (mode, name), found in groups([cell for cell in cells if cell.attribute in ("cat2dog", "dog2wild")]).items():
        assert run_job(Job(bench.setup, bench.protocol.hash, mode, name, tuple(found))) == []
    records = {(cell.method, cell.mode, cell.attribute): cell.plain() for cell in bench.run.cells()}
    return Done(bench, bench.run, records)


def test_cells_are_conversions_with_the_measures_of_the_protocol(done: Done) -> None:
    assert len(done.cells) == 2 * (4 + 4)
    for (method, mode, _), cell in done.cells.items():
        measures = cell["measures"]
        assert (cell["n"], cell["reason"]) == (10, None)
        assert measures["accuracy"]["n"] == measures["l1_true"]["n"] == 10
        assert measures["fd_target"]["n"] == 30 and measures["fd_target"]["n_real"] == 12
        assert measures["fd_paper"]["value"] is None and "target domain" in measures["fd_paper"]["reason"]
        assert measures["diversity"]["draws"] == 3
        assert not {"accuracy_added", "accuracy_removed", "leakage_by"} & measures.keys()
        if mode == "label" and method != "starganv2":
            assert measures["diversity"]["value"] == 0 and measures["kid"]["n"] == 10


def test_the_oracle_meets_the_truth_and_identity_the_source(done: Done) -> None:
    for mode in ("label", "reference"):
        for name in ("cat2dog", "dog2wild"):
            oracle, identity = (done.cells[method, mode, name]["measures"] for method in ("oracle", "identity"))
            assert oracle["l1_true"]["value"] == 0 and identity["l1_source"]["value"] == 0
            assert identity["l1_true"]["value"] == oracle["l1_source"]["value"] > 0.02


def kernel_mean(fake: np.ndarray, real: np.ndarray) -> float:
    """KID pair by pair, of three edits of each of ten sources: those of one source are no pair."""

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (np.inner(a.astype(np.float64), b.astype(np.float64)) / a.shape[1] + 1) ** 3

    pairs = [(i, j) for i in range(30) for j in range(30) if i % 10 != j % 10]
    within_fake = np.mean([kernel(fake[i : i + 1], fake[j : j + 1]) for i, j in pairs])
    within_real = kernel(real, real)[~np.eye(len(real), dtype=bool)].mean()
    return float(within_fake + within_real - 2 * kernel(fake, real).mean())


def test_copy_is_the_dealt_references(done: Done) -> None:
    """Its outputs are known: their distance and accuracy follow from the judge's readings of the test images alone."""
    bench = done.bench
    case = case_of(bench, "reference", "cat2dog")
    references = case.references
    assert references is not None and len(references) == 30
    assert (bench.labels[references] == [0, 1, 0]).all() and (bench.labels[case.sources] == [1, 0, 0]).all()
    assert (np.bincount(references, minlength=30)[1::3] == 3).all()  # ten dogs
    measures = done.cells["copy", "reference", "cat2dog"]["measures"]
    likeliest = bench.source_reading.logits[references].argmax(axis=1)
    assert measures["accuracy"]["value"] == pytest.approx((likeliest == 1).mean())
    features = bench.test_features[references]
    train = bench.instruments.reals
    assert len(train.features) == 36 and done.bench.protocol.data.real.keys() == {"train"}
    dogs = train.features[1::3]
    assert measures["fd_target"]["value"] == pytest.approx(frechet_distance(features, dogs), rel=1e-4)
    assert measures["kid"]["value"] == pytest.approx(kernel_mean(features, dogs), rel=1e-3, abs=1e-7)


def test_equal_outputs_count_as_often_as_different_ones(done: Done) -> None:
    cats = done.bench.test_features[:30:3]
    found = done.cells["identity", "label", "cat2dog"]["measures"]["fd_target"]
    expected = frechet_distance(np.repeat(cats, 3, axis=0), done.bench.instruments.reals.features[1::3])
    assert found["value"] == pytest.approx(expected, rel=1e-4)


def test_what_a_page_needs_of_conversions_is_kept(done: Done) -> None:
    run, test = done.run, done.bench.test

    def tiles(path: Path) -> np.ndarray:
        with Image.open(io.BytesIO(path.read_bytes())) as opened:
            pixels = np.asarray(opened)
        rows, columns = pixels.shape[0] // 32, pixels.shape[1] // 32
        return pixels.reshape(rows, 32, columns, 32, 3).swapaxes(1, 2)

    dogs, wild = test.images[1::3][:6], test.images[2::3][:6]
    assert (tiles(run.grid_images("source", "dog"))[0] == dogs).all()
    assert (tiles(run.grid_images("reference", "wild"))[0] == wild).all()
    copied = tiles(run.grid_file("copy", "reference", "dog2wild"))
    assert copied.shape[:2] == (6, 6) and all((copied[:, column] == wild).all() for column in range(6))
    idle = tiles(run.grid_file("identity", "label", "dog2wild"))
    assert idle.shape[:2] == (1, 6) and (idle[0] == dogs).all()
    drawn = tiles(run.grid_file("starganv2", "label", "dog2wild"))
    assert drawn.shape[:2] == (6, 6) and (drawn[0] != drawn[1]).any()
    truth = tiles(run.grid_file("truth", "reference", "dog2wild"))
    assert (truth == tiles(run.grid_file("oracle", "reference", "dog2wild"))).all()
    assert (tiles(run.sample_file("identity", "reference", "dog2wild"))[0, :6] == dogs).all()
    details = json.loads(run.details_file("oracle", "reference", "dog2wild").read_bytes())
    assert [one["id"] for one in details["shown"][:9]] == [*test.ids[1:24:3], test.ids[1]]


def test_cells_repeat_byte_for_byte(done: Done, tmp_path: Path) -> None:
    bench = workbench(Setup(done.bench.setup.profile, None, None, tmp_path))
    entries, _ = select(bench.setup.profile, ["starganv2"], has_truth=True)
    cells = [cell for cell in all_cells(entries, ["cat2dog"], bench.protocol.hash) if cell.mode == "label"]
    assert run_job(Job(bench.setup, bench.protocol.hash, "label", "cat2dog", tuple(cells))) == []
    place = ("starganv2", "label", "cat2dog")
    assert bench.run.cell_file(*place).read_bytes() == done.run.cell_file(*place).read_bytes()


def test_a_benchmark_of_controls(profile_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bridgebench.harness.benchmark.runner.run_jobs", lambda function, jobs, **where: (function(job) for job in jobs)
    )  # in this process
    profile = load_profile(profile_file)
    assert run_benchmark(profile, tmp_path / "run", methods=["identity"], say=lambda line: None) == []
    run = RunDirectory(tmp_path / "run")
    record = run.read_run().plain()
    assert record["columns"] == NAMES and record["attributes"] == list(DOMAINS)
    assert record["protocol"]["cells"] == "conversions" and record["protocol"]["outputs"] == 3
    assert record["data"]["n_test"] == 30
    baselines = json.loads(run.baselines_file.read_bytes())
    assert list(baselines["null"]) == sorted(NAMES) and baselines["floor"]["n"] == 6
    assert baselines["null"]["cat2dog"]["n"] == 10 and baselines["null"]["cat2dog"]["n_real"] == 12
    assert {path.stem for path in (run.root / "samples" / "source").iterdir()} == set(DOMAINS)


def test_a_domain_without_test_images_is_a_reason(profile_file: Path, tmp_path: Path) -> None:
    bench = workbench(Setup(load_profile(profile_file), None, 2, tmp_path))
    entries, _ = select(bench.setup.profile, ["identity"], has_truth=True)
    cells = [cell for cell in all_cells(entries, ["wild2cat"], bench.protocol.hash) if cell.mode == "label"]
    assert run_job(Job(bench.setup, bench.protocol.hash, "label", "wild2cat", tuple(cells))) == []
    record = next(bench.run.cells()).plain()
    assert record["measures"] == {} and record["reason"] == "there is no test image of the domain wild"


def test_probes_of_domains(profile_file: Path, tmp_path: Path) -> None:
    """There and back, no change, and the way from label to reference; the oracle gives sources back to the pixel."""
    profile = load_profile(profile_file)
    evaluation = profile.evaluation.model_copy(update={"probes": profile.evaluation.probes.model_copy(update={"n": 6})})
    profile = profile.model_copy(update={"evaluation": evaluation})
    bench = workbench(Setup(profile, None, None, tmp_path / "run"))
    assert set(bench.others) == {"round-trip", "null-edit", "strength", "way"}
    entries, _ = select(profile, ["starganv2", "oracle"], has_truth=True)
    for (mode, name), found in groups(all_cells(entries, (), bench.protocol.hash, bench.others)).items():
        assert run_job(Job(bench.setup, bench.protocol.hash, mode, name, tuple(found))) == []
    records = {(cell.method, cell.mode, cell.attribute): cell for cell in bench.run.cells()}
    for place in (("label", "round-trip"), ("reference", "round-trip"), ("label", "null-edit")):
        assert records["oracle", *place].measures["l1_source"].value == 0, place
        assert records["starganv2", *place].n == 6
    back = case_of(bench, "label", "round-trip")
    assert (back.earlier[0].targets != back.targets).any(axis=1).all() and not back.targets[:, 0].all()
    assert "look" in (records["oracle", "reference", "null-edit"].reason or "")
    assert records["starganv2", "label", "strength"].reason == "StarGAN v2 takes no strength"
    assert set(records["starganv2", "reference", "way"].measures["accuracy_second"].values) == {"0", "1"}
