"""examples/own-environment: a method whose packages contradict ours, checked, loaded and run by a worker.

The tests have no network: in its environment, which has none of our packages, a stand-in takes the place of NumPy 1.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bridgebench import methods
from bridgebench.harness.benchmark import plan
from bridgebench.harness.benchmark.failures import PluginFailed
from bridgebench.harness.benchmark.plan import Participant, key_of
from bridgebench.harness.benchmark.remote import RemoteEditor
from bridgebench.harness.commands.main import main
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14

EXAMPLE = Path(__file__).parents[3] / "examples" / "own-environment"
NUMPY_1 = "__version__ = '1.26.4'\nfloat_ = float\n"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of its environment."""
    folder = tmp_path_factory.mktemp("own")
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "numpy.py").write_text(NUMPY_1)
    return folder / "bin" / "python"


@pytest.fixture
def site(tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the example installed in it, on this process's path."""
    folder = tmp_path / "site"
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    shutil.copytree(EXAMPLE / "warm_tint", folder / "warm_tint")
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entries = "".join(f"{name} = {value}\n" for name, value in project["entry-points"][methods.GROUP].items())
    (info / "entry_points.txt").write_text(f"[{methods.GROUP}]\n{entries}")
    monkeypatch.setenv("WARM_TINT_PYTHON", str(python))
    monkeypatch.syspath_prepend(folder)
    methods._entries.cache_clear()
    methods.foreign.read_card.cache_clear()
    yield folder
    methods._entries.cache_clear()
    methods.foreign.read_card.cache_clear()


def tinted(image: np.ndarray, steps: int) -> np.ndarray:
    """The edit, by NumPy 2: red up and blue down by 8 a label."""
    found = image.astype(int)
    found[..., 0] += 8 * steps
    found[..., 2] -= 8 * steps
    return found.clip(0, 255).astype(np.uint8)


def test_its_packages_contradict_ours(site: Path, python: Path) -> None:
    program = str(site / "warm_tint" / "program" / "edit.py")
    ours = subprocess.run([sys.executable, program], input="", capture_output=True, text=True, check=False)
    assert ours.returncode == 1 and "float_" in ours.stderr
    theirs = subprocess.run([python, program], input="", capture_output=True, text=True, check=False)
    assert theirs.returncode == 0 and "NumPy 1.26.4" in theirs.stderr
    with_ours = subprocess.run([python, "-c", "import torch"], capture_output=True, text=True, check=False)
    assert "No module named 'torch'" in with_ours.stderr


def test_the_contract_is_checked_and_its_code_never_runs_here(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "warm-tint", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kept"] and len(found["points"]) > 10
    assert all(point["passed"] for point in found["points"])
    assert "warm_tint" not in sys.modules
    assert main(["methods"]) == 0
    assert "warm-tint" in capsys.readouterr().out
    with pytest.raises(UserError, match="takes no weights file"):
        methods.load("warm-tint", "weights.safetensors")


def test_a_worker_gets_its_edits_and_its_cost(site: Path, judges: dict[str, Path]) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (3, 32, 32, 3), np.uint8)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    source = torch.zeros(3, len(CELEBA14))
    source[:, 0] = 1
    labels = 1 - source
    participant = Participant(methods.card("warm-tint"), None, None, None, "x")
    editor = RemoteEditor(participant, CELEBA14, 32, "cpu", judges["classifier"], 300.0)
    try:
        edited = editor.edit(images, labels, source_labels=source)
        found = ((edited + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        np.testing.assert_array_equal(found, tinted(pixels, len(CELEBA14) - 2))
        cost = editor.measure_cost(images, labels, None, source)
        assert cost["parameters"] == 0 and 1 < cost["peak_memory_mib"] < 200  # of its Python, which has no torch
        folder = Path(editor._folder.name) if editor._folder else Path()
        assert folder.is_dir()
    finally:
        editor.end()
    assert not folder.exists()


def test_what_goes_wrong_there_is_the_report_of_its_cell(
    site: Path, judges: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = methods.card("warm-tint")
    program = Path(card.command[1])
    before = key_of(Participant(card, None, None, None, "x"), "label", "Male", "protocol")
    program.write_text("import sys\nprint('no GPU here', file=sys.stderr)\nsys.exit(7)\n")
    with pytest.raises(PluginFailed) as error:
        RemoteEditor(Participant(card, None, None, None, "x"), CELEBA14, 32, "cpu", judges["classifier"], 300.0)
    assert error.value.report.splitlines()[-1].endswith(
        "The program of Warm tint ended before it answered: exit code 7; its last words: no GPU here."
    )
    plan._state_of_command.cache_clear()
    assert key_of(Participant(card, None, None, None, "x"), "label", "Male", "protocol") != before


def test_the_same_program_makes_the_edits_of_a_folder_of_tasks(site: Path, python: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    task = {"task": "0", "mode": "label", "source": "a.png", "turn_on": ["Bangs"], "turn_off": [], "strength": None}
    lines = [{**task, "mix": None, "edit": "b.png"}, {**task, "mix": None, "source": "b.png", "edit": "c.png"}]
    done = subprocess.run(
        [python, str(site / "warm_tint" / "program" / "edit.py")], cwd=tmp_path, text=True, check=True,
        input="".join(f"{json.dumps(line)}\n" for line in lines), capture_output=True,
    )  # fmt: skip
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"task": "0"}] * 2
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "c.png")), tinted(tinted(pixels, 1), 1))
