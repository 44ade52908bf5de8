"""Edits made elsewhere get the very numbers that the same method gets here; what is wrong with them is told."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from bridgebench import methods
from bridgebench.eval.judges.classifier import to_float
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.run import MadeElsewhere
from bridgebench.eval.records.seal import file_hash
from bridgebench.eval.records.tasks import TaskFolder
from bridgebench.harness.benchmark.cells import Job, run_job
from bridgebench.harness.benchmark.export import export_tasks
from bridgebench.harness.benchmark.handed_in import Elsewhere, check_folder_of_tasks, edits_in, tasks_in
from bridgebench.harness.benchmark.plan import Cell, Participant, all_cells, groups
from bridgebench.harness.benchmark.provenance import run_record
from bridgebench.harness.benchmark.score import score
from bridgebench.harness.benchmark.workbench import Setup, workbench
from bridgebench.harness.commands.main import main
from bridgebench.harness.data.pixels import to_uint8
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.editor import Editor
from bridgebench.reports.site import build

Write = Callable[..., Path]
CHANGES = (
    ("n = 12", "n = 4"),
    ("[evaluation.several]\nn = 0", "[evaluation.several]\nn = 3\nk = 2\nsequence = 2"),
    ("[evaluation.probes]\nn = 0", "[evaluation.probes]\nn = 2"),
)
WEIGHTS = torch.linspace(-0.4, 0.5, len(CELEBA14))


def shade(images: Tensor, changes: Tensor, reference: Tensor | None, strength: float, mix: float | None) -> Tensor:
    """Lightens by what changes (N, A), or fades into the reference: no two tasks give the same edit."""
    lit = images * 0.9 + 0.1 * strength * (changes @ WEIGHTS).view(-1, 1, 1, 1)
    if reference is None:
        return lit
    faded = images + 0.3 * strength * (reference - images) * (changes != 0).any(dim=1).view(-1, 1, 1, 1)
    return faded if mix is None else mix * lit + (1 - mix) * faded


class Shade(Editor):
    """The method as bridgebench runs it."""

    card = MethodCard(
        name="shade", title="Shade", modes=frozenset({"label", "reference"}), kind="method", paper="", summary="",
        editor="", strength=(0.0, 1.0, 1.25),
    )  # fmt: skip

    def label_edit(self, images, labels, source_labels, *, strength=None, mix=None, **options):  # type: ignore[no-untyped-def]
        return shade(images, labels - source_labels, None, 1.0 if strength is None else strength, mix)

    def reference_edit(self, images, reference, labels, source_labels, *, strength=None, mix=None, **options):  # type: ignore[no-untyped-def]
        changes, strength = labels - source_labels, 1.0 if strength is None else strength
        if mix in (0.0, 1.0):  # the ends of the way are the plain edits
            reference, mix = (None if mix else reference), None
        return shade(images, changes, reference, strength, mix)


def make(folder: Path, wanted: Callable[[dict], bool] = lambda task: True) -> None:
    """The same method elsewhere: it knows the files of the folder alone."""

    def image(name: str) -> Tensor:
        return to_float(np.asarray(Image.open(folder / name).convert("RGB"))[None])

    for line in (folder / "tasks.jsonl").read_text().splitlines():
        task = json.loads(line)
        if wanted(task):
            sign = {**dict.fromkeys(task["turn_on"], 1.0), **dict.fromkeys(task["turn_off"], -1.0)}
            changes = torch.tensor([[sign.get(name, 0.0) for name in CELEBA14]])
            reference = task["reference"] and image(task["reference"])
            strength = 1.0 if task["strength"] is None else task["strength"]
            edited = shade(image(task["source"]), changes, reference, strength, task["mix"])
            Image.fromarray(to_uint8(edited)[0]).save(folder / task["edit"])


@dataclass(frozen=True)
class Done:
    """A folder of tasks with all edits, and the run in which they were measured beside the method itself."""

    profile: Profile
    tasks: Path
    run: RunDirectory
    said: list[str]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, write_tiny: Write) -> Done:
    folder = tmp_path_factory.mktemp("tasks")
    profile = load_profile(write_tiny(folder, *CHANGES))
    export_tasks(profile, folder / "asked")
    make(folder / "asked")
    run, said = folder / "run", list[str]()
    assert score(folder / "asked", "elsewhere", run, workers=1, title="<b>There</b>", say=said.append) == (run, [])
    bench = workbench(Setup(profile, None, None, run))
    here = Participant(Shade.card, None, None, None, "tests")
    bench.editors.loaded["shade", None] = Shade(image_size=32).eval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "is_foreign", lambda name: False)
        cells = all_cells([here], bench.columns, bench.protocol.hash, bench.others)
        for (mode, name), found in groups(cells).items():
            assert run_job(Job(bench.setup, bench.protocol.hash, mode, name, tuple(found))) == []
    there = RunDirectory(run)
    run_record(bench, profile, [here], there.read_run(), kept=True).write(there.run_file)
    return Done(profile, folder / "asked", there, said)


def cells_of(run: RunDirectory, method: str) -> dict[tuple[str, str], CellRecord]:
    return {(cell.mode, cell.attribute): cell for cell in run.cells() if cell.method == method}


def test_the_numbers_are_those_of_the_method_that_runs_here(done: Done) -> None:
    here, there = cells_of(done.run, "shade"), cells_of(done.run, "elsewhere")
    assert here.keys() == there.keys() and len(here) > 50
    assert {cell.kind for cell in here.values()} == {
        *("flip", "several", "sequence", "added", "round-trip", "null", "strength", "way")
    }
    for place, cell in here.items():
        without = {name: found for name, found in cell.measures.items() if name != "diversity"}
        found = {name: found for name, found in there[place].measures.items() if name != "diversity"}
        assert found == without, place
        assert (there[place].n, there[place].reason) == (cell.n, cell.reason)
    assert any(cell.measures for cell in here.values())
    dash = there["label", "Male"].measures["diversity"]
    assert dash.value is None and "no repeated draws" in (dash.reason or "")


def test_each_edit_is_asked_for_once_and_after_the_one_that_it_starts_from(done: Done) -> None:
    record, seen = TaskFolder(done.tasks).read(), set[str]()
    asked = set()
    for task in tasks_in(TaskFolder(done.tasks)):
        source = task["source"]
        assert source in record.images or source in seen
        seen.add(task["edit"])
        asked.add((source, tuple(task["target_labels"]), task["reference"], task["strength"], task["mix"]))
        assert task["protocol"] == record.protocol_hash and task["cells"] and task["kinds"]
    assert len(asked) == len(seen) == record.tasks
    table = (done.tasks / "tasks.csv").read_text().splitlines()
    assert len(table) == record.tasks + 1 and {line.count(",") for line in table} == {9}
    assert '"' not in "".join(table) and " " not in "".join(table)


def test_the_page_shows_them_beside_the_others_and_says_that_they_were_made_elsewhere(done: Done) -> None:
    page = build(done.run.root)
    own = (page.parent / "methods" / "elsewhere.html").read_text()
    assert "made elsewhere" in own and "&lt;b&gt;There&lt;/b&gt;" in own and "<b>There" not in own
    assert "identical to their source" in own.lower()
    front = page.read_text()
    assert "&lt;b&gt;There&lt;/b&gt;" in front and ">Shade<" in front
    assert not done.run.cost_files()


def test_a_second_call_measures_only_the_cells_whose_edits_are_others(
    done: Done, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(done.run.root, run.root)
    shutil.copytree(done.tasks, tmp_path / "asked")
    before = {cell.attribute + cell.mode: cell.key for cell in run.cells() if cell.method == "elsewhere"}
    task = next(task for task in tasks_in(TaskFolder(tmp_path / "asked")) if task["cells"] == ["reference/Male"])
    shutil.copy(tmp_path / "asked" / task["source"], tmp_path / "asked" / task["edit"])
    said: list[str] = []
    score(tmp_path / "asked", "elsewhere", run.root, workers=1, say=said.append)
    after = {cell.attribute + cell.mode: cell.key for cell in run.cells() if cell.method == "elsewhere"}
    assert {name for name in before if before[name] != after[name]} == {"Malereference"}
    assert "1 are identical to their source, which may be honest" in caplog.text
    assert any(f"{len(before)} cells, {len(before) - 1} of them done before" in line for line in said)
    assert "1 of" in run.read_run().methods["elsewhere"].quirks
    assert list(run.aside.glob("*-replaced/cells/elsewhere/reference/Male.json"))  # nothing is lost


@pytest.fixture
def asked(done: Done, tmp_path: Path) -> Path:
    """A folder of tasks with all edits, to be spoilt."""
    shutil.copytree(done.tasks, tmp_path / "asked")
    return tmp_path / "asked"


def refused(asked: Path, told: str, **options) -> None:  # type: ignore[no-untyped-def]
    """Scoring is refused with a sentence, and nothing is written."""
    with pytest.raises(UserError, match=told):
        score(asked, "elsewhere", asked.parent / "run", say=lambda line: None, **options)
    assert not (asked.parent / "run").exists()


def test_files_that_cannot_be_used_are_counted_and_refused(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edits = sorted((asked / "edits/label/Male").iterdir())
    Image.new("RGB", (64, 64)).save(edits[0])
    edits[1].write_bytes(edits[1].read_bytes()[:-40])
    Image.new("RGBA", (32, 32), (0, 0, 0, 9)).save(edits[2])
    edits[3].unlink()
    edits[3].symlink_to(edits[2])
    Image.new("L", (32, 32)).save(sorted((asked / "edits/label/Young").iterdir())[0])  # grey is fine
    (asked / "edits/label/Male/notes.txt").write_text("mine")
    assert main(["tasks", "check", str(asked), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    name = "edits/label/Male/"
    assert found["wrong_size"] == {name + edits[0].name: "64 x 64 pixels, not 32 x 32"}
    assert found["damaged"] == {
        name + edits[1].name: "damaged, or no PNG",
        name + edits[2].name: "transparent",
        name + edits[3].name: "a symbolic link",
    }
    assert found["surplus"] == ["label/Male/notes.txt"] and not found["missing"] and not found["usable"]
    refused(asked, "4 edits in .* cannot be used .*make them again; nothing was written")


def test_a_folder_that_was_begun_is_refused_and_one_that_was_not_is_a_dash(asked: Path, tmp_path: Path) -> None:
    for path in asked.glob("edits/*/*/*"):
        if not path.is_relative_to(asked / "edits/reference") or path.parent.name not in ("Male", "Young"):
            path.unlink()
    for path in sorted((asked / "edits/reference/Male").iterdir())[1:]:
        path.unlink()
    refused(asked, r"Some edits of edits/reference/Male are missing in .*--skip-incomplete; nothing was written")
    run, failed = score(asked, "elsewhere", tmp_path / "run", skip_incomplete=True, workers=1, say=lambda line: None)
    found = cells_of(RunDirectory(run), "elsewhere")
    assert failed == [] and {mode for mode, _ in found} == {"reference"}
    assert found["reference", "Male"].reason == (
        "its edits were made elsewhere, and 3 of the 4 that this takes were not made"
    )
    assert found["reference", "Young"].reason is None
    assert found["reference", "way"].reason is not None


def test_tasks_that_were_changed_are_refused(asked: Path, tmp_path: Path) -> None:
    image = asked / next(iter(TaskFolder(asked).read().images))
    kept = image.read_bytes()
    Image.new("RGB", (32, 32)).save(image)
    refused(asked, "is not the image that was exported: some program has changed it in place")
    image.write_bytes(kept)
    lines = asked / "tasks.jsonl"
    text = lines.read_text()
    lines.write_text(text.replace('"turn_on": ["Young"]', '"turn_on": []', 1))
    refused(asked, "tasks.jsonl is not what was exported: it was changed")
    lines.write_text(text)
    record = asked / "tasks.json"
    whole = record.read_text()
    record.write_text(whole.replace('"tasks": ', '"tasks": 1'))
    refused(asked, "tasks.json is damaged")
    record.write_text(whole)
    # Whoever alters the tasks on purpose makes all hashes anew: what the protocol asks for decides.
    lines.write_text(text.replace('"turn_on": ["Young"]', '"turn_on": []', 1))
    found = TaskFolder(asked).read()
    found.model_copy(update={"files": {**found.files, "tasks.jsonl": file_hash(lines)}}).write(record)
    refused(asked, "does not ask for what this protocol asks for: it was altered")
    lines.write_text(
        '{"task": "0", "source": "images/0.png", "edit": "edits/../../x.png", "turn_on": [], "turn_off": []}\n'
    )
    found.model_copy(update={"files": {**found.files, "tasks.jsonl": file_hash(lines)}}).write(record)
    with pytest.raises(UserError, match=r"tasks.jsonl, line 1, is no task"):
        edits_in(TaskFolder(asked), asked / "edits", check_folder_of_tasks(TaskFolder(asked)))
    with pytest.raises(UserError, match="is not a folder of tasks"):
        score(tmp_path, "elsewhere", None)


def test_numbers_of_two_protocols_and_two_methods_never_meet(done: Done, asked: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    export_tasks(done.profile, other, limit=3)
    make(other)
    with pytest.raises(UserError, match="has numbers of another protocol than the tasks"):
        score(other, "elsewhere", done.run.root, say=lambda line: None)
    with pytest.raises(UserError, match=r"has other tasks .*give another --out: nothing in it was touched"):
        export_tasks(done.profile, asked, limit=3)
    for name, told in (
        ("../x", "cannot name a method"), ("truth", "cannot name a method"), ("", "cannot name a method"),
        ("bridgegan", "is a method that is installed"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=told):
            score(asked, name, tmp_path / "run", say=lambda line: None)
    with pytest.raises(UserError, match="--title takes a line"):
        score(asked, "x", tmp_path / "run", title="\x1b[31m", say=lambda line: None)
    assert not (tmp_path / "run").exists()


def test_an_export_that_was_stopped_is_finished_and_leaves_edits_alone(done: Done, asked: Path) -> None:
    whole = {path: path.read_bytes() for path in asked.rglob("*") if path.is_file()}
    (asked / "tasks.json").unlink()
    (asked / "tasks.csv").unlink()
    next((asked / "images").iterdir()).unlink()
    with pytest.raises(UserError, match="a call that was stopped is finished by the same call"):
        score(asked, "elsewhere", None)
    export_tasks(done.profile, asked)
    assert {path: path.read_bytes() for path in asked.rglob("*") if path.is_file()} == whole


def test_a_part_is_asked_for_and_joins_the_run(done: Done, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "few"
    written = export_tasks(done.profile, folder, modes=("label",), kinds=("flip",))
    assert written.tasks == 4 * 14
    assert {task["mode"] for task in tasks_in(TaskFolder(folder))} == {"label"}
    assert main(["tasks", "export", "--profile", "smoke", "--kinds", "flips", "--out", str(tmp_path / "x")]) == 2
    assert "--kinds takes some of flip, several" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    text = (folder / "README.md").read_text()
    assert "you may pass this folder on" in text and "32 x 32 pixels" in text


def test_a_participant_travels_to_a_worker(done: Done) -> None:
    facts = MadeElsewhere(edits=1, asked=1, identical=0, sha256="0")
    edits = Elsewhere(done.tasks, ("label",), ("flip",), {"a": "b"}, {"label/Male": "c"}, False, facts)
    cell = Cell(Participant(Shade.card, None, None, None, "", elsewhere=edits), "label", "Male", "key")
    assert pickle.loads(pickle.dumps(cell)) == cell
