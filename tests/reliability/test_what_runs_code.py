"""SECURITY.md lists all that may run code: the calls that could are in the places named here, and nowhere else."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("bridgebench", "methods", "eval", "harness", "reports", "templates")

# Calls that run or import what a name or a file says, each with the modules that may and why.
ALLOWED = {
    "import_module": {
        "harness/benchmark/guest.py",  # the editor class of a method that is installed
        "harness/processes/nursery.py",  # our own function, named by our own process
        "harness/weights/official.py",  # the module `official` of a method that is installed
        "methods/__init__.py",  # the class that the card of an installed method names
        "methods/core/foreign.py",  # the card of an installed plug-in
    },
    "import_object": {
        "methods/core/foreign.py",  # an installed plug-in, in the process that tells what it says of itself
        "harness/benchmark/guest.py",  # a measure that is installed and that a profile names, in its own process
        "eval/measures/own.py",  # the same, for its contract
    },
    "Popen": {
        "harness/processes/nursery.py",
        "methods/core/foreign.py",  # Python, with a program of ours
        "methods/command.py",  # the command on the card of a method that is installed
    },
    "subprocess.run": {"harness/processes/environment.py"},  # git
}
NEVER = (
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "runpy.run_path", "runpy.run_module",
    "torch.jit.load", "jit.load", "torch.hub.load", "torch.package.PackageImporter", "torch.export.load",
    "pickle.load", "pickle.loads", "pickle.Unpickler", "cloudpickle.load", "cloudpickle.loads", "joblib.load",
    "dill.load", "shelve.open", "marshal.loads", "yaml.load", "yaml.unsafe_load", "shutil.unpack_archive",
)  # fmt: skip
# Keyword arguments without which a call could run code.
ONLY_WITH = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


def _calls() -> list[tuple[str, str, ast.Call]]:
    """All calls of the product: the file, what is called as the source spells it, and the call."""
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Call):
                    found.append((path.relative_to(ROOT).as_posix(), ast.unparse(node.func), node))
    return found


CALLS = _calls()


def test_nothing_that_runs_a_file_is_ever_called() -> None:
    assert len(CALLS) > 5000
    assert [(file, name) for file, name, _ in CALLS if name in NEVER] == []
    assert [(file, name) for file, name, _ in CALLS if name.endswith(".extractall")] == []


def test_readers_of_pickles_read_data_alone() -> None:
    seen = set()
    for file, name, call in CALLS:
        if name in ONLY_WITH:
            key, value = ONLY_WITH[name]
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert given.get(key) == str(value), f"{file}, line {call.lineno}: {name} without {key}={value}"
            seen.add(name)
    assert seen == ONLY_WITH.keys()


def test_names_are_imported_and_processes_started_in_known_places_alone() -> None:
    for ending, places in ALLOWED.items():
        found = {file for file, name, _ in CALLS if name == ending or name.endswith(f".{ending}")}
        assert found == places, ending
    started = {file for file, name, _ in CALLS if name.startswith("subprocess.")}
    assert started == ALLOWED["Popen"] | ALLOWED["subprocess.run"]
