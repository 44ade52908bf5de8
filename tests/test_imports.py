"""The product's modules import one another in one direction: `ALLOWED` says in which.

Every import statement counts: those at the top of a module, those inside functions, and those under TYPE_CHECKING.
(That importing ``a.b`` also runs ``a/__init__.py`` counts where it matters: for torch.)
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("bridgebench", "methods", "eval", "harness", "reports", "templates")
# The folders of harness/ from top to bottom: each imports from its own line and the lines below.
_LAYERS = (("commands", "api"), ("train", "photo"), ("weights", "benchmark"), ("data",), ("processes", "profiles"))
# What the modules of a folder may import besides those of that folder. Of two folders that fit a module, the inner one
# counts.
ALLOWED: dict[str, tuple[str, ...]] = {
    "methods.core": (),
    "templates": (),
    "methods": (),
    "eval": ("methods",),
    "reports": ("eval.records", "eval.measures", "eval.statistics", "methods.core", "templates"),
    "bridgebench": ("harness.api", "harness.commands", "harness.processes", "harness.weights.hub", "reports.frames"),
    **{
        f"harness.{folder}": ("methods", "eval", "templates", *(f"harness.{n}" for line in _LAYERS[i:] for n in line))
        for i, layer in enumerate(_LAYERS)
        for folder in layer
    },
}
ALLOWED["harness.commands"] += ("reports",)
ALLOWED["harness.api"] += ("reports",)
_TORCH = {"torch", "torchvision", "torchmetrics", "lightning"}


def _modules() -> dict[str, Path]:
    """The product's modules by name, without a leading ``bridgebench.``."""
    found = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            found[".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


MODULES = _modules()
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """What import statements name; ``from a import b`` gives ``a.b``."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names)


def _ours(names: Iterable[str]) -> set[str]:
    """The product's modules among imported names, each a module or something in one."""
    short = {name.removeprefix("bridgebench.") for name in names if name.startswith("bridgebench")}
    return {name if name in MODULES else name.rpartition(".")[0] for name in short}


GRAPH = {name: _ours(_imported(ast.walk(tree))) - {name} for name, tree in TREES.items()}


def _within(module: str, folder: str) -> bool:
    return f"{module}.".startswith(f"{folder}.")


def test_every_import_names_a_module_of_ours_in_full():
    """Else the other tests would overlook it."""
    for name, tree in TREES.items():
        for imported in _imported(ast.walk(tree)):
            assert not imported.startswith("."), f"{name} imports {imported} relatively"
            assert imported.partition(".")[0] not in ROOMS[1:], f"{name} imports {imported} without bridgebench"
        assert GRAPH[name] <= MODULES.keys(), f"{name} imports what is not there"


def test_rooms_import_in_one_direction():
    found = set()
    for module, imports in GRAPH.items():
        homes = [folder for folder in ALLOWED if _within(module, folder)]
        assert homes or not imports, f"{module} lies in no folder that has a rule"
        for other in imports:
            home = max(homes, key=len)
            if not any(_within(other, folder) for folder in (home, *ALLOWED[home])):
                found.add((module, other))
    assert found == set()


def test_there_are_no_circles():
    TopologicalSorter(GRAPH).prepare()  # a CycleError names the modules of a circle


def _loads_torch(module: str, seen: set[str]) -> bool:
    """Whether importing a module imports torch: at its top, or at the top of a module that it imports there."""
    if module in seen:
        return False
    seen.add(module)
    names = set(_imported(TREES[module].body))
    parents = {module.rpartition(".")[0]} & MODULES.keys()
    return any(name.partition(".")[0] in _TORCH for name in names) or any(
        _loads_torch(other, seen) for other in _ours(names) | parents
    )


def test_reports_and_the_ground_of_the_methods_load_no_torch():
    """``methods.core`` may import torch inside functions, reports never."""
    rooms = [module for module in MODULES if _within(module, "reports") or _within(module, "methods.core")]
    assert [module for module in rooms if _loads_torch(module, set())] == []
    for module in MODULES:
        if _within(module, "reports"):
            named = {name.partition(".")[0] for name in _imported(ast.walk(TREES[module]))}
            assert not named & _TORCH, f"{module} imports torch"
