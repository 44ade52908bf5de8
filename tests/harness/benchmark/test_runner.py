"""Benchmarks of tiny cells, end to end: what is kept, what is done again, and that the bytes repeat."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bridgebench import methods
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.pictures import strip_png
from bridgebench.harness.benchmark.cases import case_of
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.edits import TrueEdits
from bridgebench.harness.benchmark.plan import Cell, Participant, all_cells, groups, select
from bridgebench.harness.benchmark.runner import run_benchmark
from bridgebench.harness.benchmark.workbench import Setup, Workbench, workbench
from bridgebench.harness.data.pixels import to_uint8
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.editor import Editor
from bridgebench.reports.site import build

Write = Callable[..., Path]


def cells(run: Path) -> dict[str, bytes]:
    """The cells by path; what a kill left half-written has a hidden temporary name, and is none."""
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.glob("cells/*/*/[!.]*"))}


def strips(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.glob("samples/**/*.png"))}


def open_bench(profile: Profile, out: Path) -> tuple[Workbench, list[Cell]]:
    bench = workbench(Setup(profile, None, None, out))
    entries, _ = select(profile, None, has_truth=True)
    return bench, all_cells(entries, profile.attributes, bench.protocol.hash)


def do(bench: Workbench, wanted: list[Cell]) -> list[str]:
    """Runs cells in this process."""
    failed = []
    for (mode, attribute), found in groups(wanted).items():
        failed += run_job(Job(bench.setup, bench.protocol.hash, mode, attribute, tuple(found)))
    return failed


@dataclass(frozen=True)
class Killed:
    """A run of the command that was killed by SIGKILL, and then given again."""

    run: Path
    profile: Path
    at_kill: dict[str, bytes]
    said: list[str]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, write_tiny: Write) -> Killed:
    folder = tmp_path_factory.mktemp("killed")
    profile, run = write_tiny(folder), folder / "run"
    command = [sys.executable, "-m", "bridgebench", "benchmark", "--profile", str(profile), "--out", str(run)]
    process = subprocess.Popen([*command, "--workers", "2"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 500
    while len(cells(run)) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    at_kill = cells(run)
    said: list[str] = []
    assert run_benchmark(load_profile(profile), run, workers=2, say=said.append) == []
    return Killed(run, profile, at_kill, said)


def test_a_killed_run_given_again_has_the_bytes_of_an_undisturbed_one(killed: Killed, tmp_path: Path) -> None:
    bench, wanted = open_bench(load_profile(killed.profile), tmp_path / "undisturbed")
    assert 0 < len(killed.at_kill) < len(wanted) == 14 * 2 * 2
    # Undisturbed here means: in one process, and in the opposite order.
    assert do(bench, wanted[::-1]) == []
    assert cells(killed.run) == cells(bench.run.root)
    assert killed.at_kill.items() <= cells(bench.run.root).items()
    assert strips(killed.run) == strips(bench.run.root) | {"samples/source.png": strip_png(bench.images(np.arange(8)))}
    assert not list(killed.run.rglob("*.tmp"))


def test_the_oracle_meets_the_truth_and_identity_the_source(killed: Killed) -> None:
    for record in RunDirectory(killed.run).cells():
        measures = record.measures
        assert (record.schema_, record.n) == (1, 12)
        if record.mode == "reference" and record.reason is not None:
            continue  # 24 faces do not show every attribute
        if record.method == "oracle":
            assert measures["l1_true"].value == 0
            assert measures["skill"].value == measures["skill_inside"].value == 1
        else:
            assert measures["skill"].value == measures["skill_inside"].value == 0
            assert (measures["l1_source"].value, measures["ssim_source"].value) == (0, pytest.approx(1))
            assert measures["accuracy"].value == pytest.approx(1 - _right(killed, record.attribute))


def _right(killed: Killed, attribute: str) -> float:
    """How often the judge reads the sources rightly: identity fails exactly there."""
    bench, _ = open_bench(load_profile(killed.profile), killed.run)
    column = CELEBA14.index(attribute)
    labels = bench.labels[: bench.n, column] == 1
    return float(((bench.source_reading.logits[: bench.n, column] > 0) == labels).mean())


def test_the_run_directory_is_a_complete_record(killed: Killed) -> None:
    record = json.loads(RunDirectory(killed.run).run_file.read_bytes())
    assert {"created", "profile", "protocol", "code", "packages", "hardware", "judges"} <= record.keys()
    assert record["data"]["n_test"] == record["protocol"]["data"]["n"] == 12
    assert {name: method["kind"] for name, method in record["methods"].items()} == {
        "identity": "control",
        "oracle": "control",
    }
    baselines = json.loads((killed.run / "baselines.json").read_bytes())
    assert baselines["floor"]["n"] == 12 and set(baselines["null"]) == set(CELEBA14)
    with (killed.run / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 56 and {"accuracy", "accuracy_low", "accuracy_high", "skill"} <= rows[0].keys()
    with Image.open(killed.run / "samples" / "oracle" / "label" / "Bangs.png") as strip:
        assert strip.size == (8 * 32, 32)
    cost = json.loads((killed.run / "cost" / "oracle" / "label.json").read_bytes())
    assert cost["ms_per_image"] > 0
    assert build(killed.run).is_file()


def test_a_second_call_does_only_what_is_missing(killed: Killed, tmp_path: Path) -> None:
    run = RunDirectory(shutil.copytree(killed.run, tmp_path / "run"))
    before, times = cells(run.root), {path: path.stat().st_mtime_ns for path in run.root.glob("cells/*/*/*")}
    run.cell_file("identity", "label", "Male").unlink()
    run.cell_file("oracle", "reference", "Young").write_bytes(b'{"key": "of other weights"}')
    said: list[str] = []
    assert run_benchmark(load_profile(killed.profile), run.root, workers=1, say=said.append) == []
    assert any("56 cells, 54 of them done before" in line for line in said)
    assert cells(run.root) == before
    redone = {path.stem for path, old in times.items() if path.stat().st_mtime_ns != old}
    assert redone == {"Male", "Young"}


def test_another_protocol_measures_all_again_and_the_old_records_come_back(
    killed: Killed, tmp_path: Path, write_tiny: Write
) -> None:
    root = shutil.copytree(killed.run, tmp_path / "run")
    profile = load_profile(write_tiny(tmp_path, ("batch = 5", "batch = 6"), (', "oracle"]', "]")))
    said: list[str] = []
    run_benchmark(profile, root, workers=1, say=said.append)
    assert any("batch: 5 -> 6" in line for line in said)
    record = RunDirectory(root).read_run()
    assert {cell.protocol_hash for cell in RunDirectory(root).cells()} == {record.protocol_hash}
    assert set(record.methods) == {cell.method for cell in RunDirectory(root).cells()} == {"identity"}
    (folder,) = (root / "aside").iterdir()
    assert any(f"the old records are put aside in {folder} and taken up again if" in line for line in said)
    assert cells(folder) == cells(killed.run) and strips(folder) == strips(killed.run)
    said.clear()
    assert run_benchmark(load_profile(killed.profile), root, workers=1, say=said.append) == []
    assert any(f"Records of this protocol were put aside in {folder} before" in line for line in said)
    assert any("56 cells, 56 of them done before" in line for line in said)
    for name in ("run.json", "baselines.json", "summary.csv", "cost/oracle/label.json"):
        assert (root / name).read_bytes() == (killed.run / name).read_bytes()
    assert cells(root) == cells(killed.run) and strips(root) == strips(killed.run)
    assert not folder.exists()


class Broken(Editor):
    """Fails on one attribute, and returns what is no image on another."""

    card = methods.card("identity")

    def label_edit(self, images, labels, source_labels, **options):  # type: ignore[no-untyped-def]
        if bool((labels[:, CELEBA14.index("Male")] != source_labels[:, CELEBA14.index("Male")]).any()):
            raise RuntimeError("no idea")
        return images * float("nan")


def test_a_cell_that_fails_is_told_not_kept_and_stops_no_other(
    tiny_profile: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, wanted = open_bench(load_profile(tiny_profile()), tmp_path / "run")
    some = [cell for cell in wanted if cell.mode == "label" and cell.attribute in ("Male", "Young")]
    with monkeypatch.context() as patch:
        patch.setitem(bench.editors.loaded, ("identity", None), Broken(image_size=32).eval())
        assert do(bench, some) == ["identity/label/Young", "identity/label/Male"]
    assert set(cells(bench.run.root)) == {
        "cells/identity/label/Male.error.txt",
        "cells/identity/label/Young.error.txt",
        "cells/oracle/label/Male.json",
        "cells/oracle/label/Young.json",
    }
    assert "no idea" in bench.run.error_file("identity", "label", "Male").read_text()
    assert "not finite" in bench.run.error_file("identity", "label", "Young").read_text()
    assert do(bench, some) == []
    assert not list(bench.run.root.glob("cells/**/*.error.txt"))


def test_a_mode_without_references_says_why(tiny_profile: Write, tmp_path: Path) -> None:
    bench, wanted = open_bench(load_profile(tiny_profile(("test = 24", "test = 12"))), tmp_path / "run")
    constant = [name for column, name in enumerate(CELEBA14) if len(set(bench.labels[:, column])) == 1]
    assert constant, "twelve faces show no rare attribute"
    assert do(bench, [cell for cell in wanted if (cell.mode, cell.attribute) == ("reference", constant[0])]) == []
    for record in bench.run.cells():
        assert record.measures == {} and constant[0] in (record.reason or "")


def test_a_method_of_one_attribute_leaves_the_others_blank(tiny_profile: Write, tmp_path: Path) -> None:
    weights = tmp_path / "bangs.safetensors"
    editor = methods.editor_class("starganv2")(attribute="Bangs", image_size=32, width=4, widest=8, mapping_width=8)
    methods.save(editor, weights, {"origin": "tests"})
    path = tiny_profile(('"identity", "oracle"', '"starganv2"'), ("[weights]", f'[weights]\nstarganv2 = "{weights}"'))
    profile = load_profile(path)
    bench, wanted = open_bench(profile, tmp_path / "run")
    assert do(bench, [cell for cell in wanted if cell.mode == "label" and cell.attribute in ("Bangs", "Male")]) == []
    bangs, male = (
        json.loads(bench.run.cell_file("starganv2", "label", name).read_bytes()) for name in ("Bangs", "Male")
    )
    assert bangs["reason"] is None and bangs["measures"]["accuracy"]["n"] == 12
    assert male["measures"] == {} and male["reason"] == "StarGAN v2 with these weights edits Bangs only"


def test_truth_is_found_by_the_pixels_of_source_and_reference(tiny_profile: Write, tmp_path: Path) -> None:
    bench, _ = open_bench(load_profile(tiny_profile()), tmp_path / "run")
    case = case_of(bench, "reference", "Bangs").take(np.array([3, 0]))
    truth, sources, references, targets = TrueEdits(bench, case), case.sources, case.references, case.targets
    assert references is not None
    pixels = torch.from_numpy(np.array(bench.test.images)).permute(0, 3, 1, 2) / 127.5 - 1
    found = truth(pixels[sources], torch.from_numpy(targets), pixels[references])
    expected = bench.test.true_edit(sources, targets, [[("Bangs", one)] for one in references])
    assert (to_uint8(found) == expected).all()


def test_all_grey_levels_survive_the_way_to_floats_and_back() -> None:
    levels = torch.arange(256).repeat(3, 1).reshape(1, 3, 16, 16)
    assert (to_uint8(levels / 127.5 - 1) == levels.permute(0, 2, 3, 1).numpy()).all()
    with pytest.raises(ValueError, match="not finite"):
        to_uint8(torch.full((1, 3, 2, 2), float("nan")))


def test_an_entry_can_be_sent_to_a_worker() -> None:
    import pickle

    entry = Participant(methods.card("oracle"), None, None, None, "bridgebench 0")
    assert pickle.loads(pickle.dumps(entry)) == entry


def test_a_resumed_run_tells_what_made_the_cells_it_keeps(
    killed: Killed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(shutil.copytree(killed.run, tmp_path / "run"))
    before = json.loads(run.run_file.read_bytes())
    assert before["earlier"] == []
    run.cell_file("identity", "label", "Male").unlink()
    monkeypatch.setattr(
        "bridgebench.harness.benchmark.provenance.code",
        lambda: {"version": "9", "git_commit": "f" * 40, "git_dirty": False},
    )
    for _ in range(2):
        assert run_benchmark(load_profile(killed.profile), run.root, workers=1, say=lambda line: None) == []
    after = json.loads(run.run_file.read_bytes())
    made = {key: before[key] for key in ("created", "code", "packages", "hardware")}
    assert (after["code"]["version"], after["earlier"]) == ("9", [made])
    build(run.root)
    page = (run.root / "report" / "provenance.html").read_text(encoding="utf-8")
    assert "Kept from" in page and f"bridgebench {before['code']['version']}" in page
