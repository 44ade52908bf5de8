"""A method from somebody else's package, as the README shows it: found, listed, loaded, edited with.

The example in tests/plugin_example is laid out as an installer would do it (its modules, and a .dist-info with the
entry points of its pyproject.toml), so that no build back end and no network is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bridgebench import methods
from bridgebench.methods.contract import run_contract
from bridgebench.methods.core.errors import UnsupportedMode

EXAMPLE = Path(__file__).parents[1] / "plugin_example"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder with the example installed in it."""
    folder = tmp_path_factory.mktemp("site")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    shutil.copytree(EXAMPLE / "colour_transfer", folder / "colour_transfer")
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entries = "".join(f"{name} = {value}\n" for name, value in project["entry-points"][methods.GROUP].items())
    (info / "entry_points.txt").write_text(f"[{methods.GROUP}]\n{entries}")
    return folder


@pytest.fixture
def installed(site, monkeypatch) -> Iterator[None]:
    """This process with the example on its path."""
    monkeypatch.syspath_prepend(site)
    methods._entries.cache_clear()
    yield
    methods._entries.cache_clear()


def test_it_is_listed_beside_ours(site):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    command = [sys.executable, "-m", "bridgebench", "methods"]
    listed = subprocess.run(command, env=environment, cwd=site, capture_output=True, text=True, check=True).stdout
    rows = {line.split()[0]: line for line in listed.splitlines() if line}
    assert {"bridgegan", "colour-transfer", "stargan"} <= set(rows)
    row = rows["colour-transfer"]
    assert "reference" in row
    assert "needs none" in row
    assert "Reinhard" in row


@pytest.mark.usefixtures("installed")
def test_it_loads_by_its_name_and_takes_on_the_references_colours():
    torch.manual_seed(0)
    images, reference = torch.rand(2, 3, 64, 64) - 0.5, (torch.rand(2, 3, 64, 64) - 0.5) * 0.5 + 0.2
    stay = torch.zeros(2, 14)
    move = stay.clone()
    move[0, 2] = 1
    editor = methods.load("colour-transfer")
    edited = editor.edit(images, move, reference, source_labels=stay)
    torch.testing.assert_close(edited[0].mean((1, 2)), reference[0].mean((1, 2)), atol=1e-3, rtol=0)
    torch.testing.assert_close(edited[0].std((1, 2)), reference[0].std((1, 2)), atol=2e-3, rtol=0)
    assert torch.equal(edited[1], images[1])
    half = editor.edit(images, move, reference, source_labels=stay, strength=0.5)
    torch.testing.assert_close(half, (images + edited) / 2)


@pytest.mark.usefixtures("installed")
def test_a_mode_that_it_lacks_is_told_in_one_sentence():
    editor = methods.load("colour-transfer")
    with pytest.raises(UnsupportedMode, match="Colour transfer has no label edit; it has: reference"):
        editor.edit(torch.zeros(1, 3, 64, 64), torch.zeros(1, 14), source_labels=torch.zeros(1, 14))


@pytest.mark.usefixtures("installed")
def test_it_keeps_the_contract():
    results = run_contract(methods.load("colour-transfer"))
    assert len(results) > 5
    assert [(result.name, result.detail) for result in results if not result.passed] == []
