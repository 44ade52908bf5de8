"""The jobs of the project: `nox -s benchmark`, `report`, `train`, `tests`, `soak`, `lint`, `docs`, `perf`.

Arguments go after `--`. All of them share one virtual environment, `.nox/shared`: torch is large, and one copy is
enough. It is brought up to date when pyproject.toml or Python changes, and left alone otherwise. `pythons` (the tests
with each supported Python) and `tests-lowest` (the tests with the lowest versions of all packages) make environments of
their own.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "tests"]

ROOT = Path(__file__).resolve().parent
SHARED = ROOT / ".nox" / "shared"
BIN = SHARED / ("Scripts" if os.name == "nt" else "bin")
ROOMS = ("eval", "harness", "methods", "reports", "templates")  # of the package, which a checkout has at its top
EMBEDDED = ("faces64", "animals64")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")  # the supported ones, the oldest first
# A file's tests stay together: they share runs and networks that are dear to make. `-n 0` runs all in one process.
TESTS = ("--ignore=tests/perf", "--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # small networks gain nothing from more, and test processes share the cores


def shared(session: nox.Session, *extras: str) -> str:
    """Brings the shared environment up to date, with some extras of pyproject.toml; returns its Python."""
    python = str(BIN / "python")
    made_from = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    stamp = SHARED / "made-from"  # a line for what it was made from, and one for each extra that is in it
    there = stamp.read_text().split() if stamp.is_file() else []
    if there[:1] != [made_from]:
        session.log("Installing into .nox/shared; the first time this fetches torch and takes some minutes.")
        session.run_install(sys.executable, "-m", "venv", "--clear", str(SHARED), external=True)
        there = [made_from]
    if missing := [extra for extra in extras if extra not in there]:
        named = f"{ROOT}[{','.join(missing)}]"
        session.run_install(python, "-m", "pip", "install", "--quiet", "-e", named, external=True)
        stamp.write_text("\n".join([*there, *missing]))
    return python


def bridgebench(session: nox.Session, *arguments: str) -> None:
    """Runs the command line of the shared environment, with all that its commands need."""
    session.run(shared(session, "all"), "-m", "bridgebench", *arguments, external=True)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Edit, measure and show: `bridgebench benchmark`; without arguments, all that is embedded."""
    if session.posargs:
        bridgebench(session, "benchmark", *session.posargs)
        return
    for profile in EMBEDDED:
        bridgebench(session, "benchmark", "--profile", profile)
    # Adds the page that leads to both; theirs are drawn already.
    bridgebench(session, "report", *(f"runs/{profile}" for profile in EMBEDDED))


@nox.session
def report(session: nox.Session) -> None:
    """Build the page from the records of a run: `bridgebench report`; without arguments, of all that is embedded."""
    if session.posargs:
        bridgebench(session, "report", *session.posargs)
        return
    bridgebench(session, "report", *(f"runs/{profile}" for profile in EMBEDDED if Path(f"runs/{profile}").is_dir()))


@nox.session
def train(session: nox.Session) -> None:
    """Train a method: `nox -s train -- bridgegan --profile smoke --minutes 3`."""
    bridgebench(session, "train", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; the timings of tests/perf are not among them."""
    session.run(shared(session, "dev"), "-m", "pytest", *TESTS, *session.posargs, env=ONE_THREAD, external=True)


@nox.session(venv_backend="venv", python=PYTHONS, reuse_venv=True)
def pythons(session: nox.Session) -> None:
    """Run the tests with each supported Python, in an environment of its own; one that is not installed is skipped."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", *TESTS, *session.posargs, env=ONE_THREAD)


@nox.session(name="tests-lowest", venv_backend="venv", python=PYTHONS[0], reuse_venv=True)
def tests_lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject.toml allows; UV_TORCH_BACKEND=cpu takes the small torch."""
    where = "download.pytorch.org" if os.environ.get("UV_TORCH_BACKEND") else "PyPI, with CUDA (about 6 GB on disk)"
    session.log(f"uv takes packages from PyPI, not from pip's own sources, and torch from {where}.")
    session.install("uv")
    # --upgrade: what an earlier call installed is not kept where pyproject.toml allows a lower version now.
    lowest = ("--python", f"{session.bin}/python", "--resolution", "lowest-direct", "--upgrade")
    session.run_install("python", "-m", "uv", "pip", "install", *lowest, "-e", ".[dev]")
    session.run("python", "-m", "pytest", *TESTS, *session.posargs, env=ONE_THREAD)


@nox.session
def soak(session: nox.Session) -> None:
    """Kill commands, damage files and run misbehaving plug-ins for hours: `nox -s soak -- --hours 4`."""
    session.run(shared(session, "dev", "soak"), "tests/reliability/soak.py", *session.posargs, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, types, and the weight of the tree."""
    python = shared(session, "dev")
    session.run(python, ".ci/weight.py", external=True)
    session.run(python, "-m", "ruff", "check", external=True)
    session.run(python, "-m", "ruff", "format", "--check", external=True)
    session.run(python, "-m", "mypy", external=True, env={"MYPYPATH": str(linked_package())})


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into site/; a link that leads nowhere is an error."""
    python = shared(session, "docs")
    linked_package()  # the API's pages are made of its docstrings
    session.run(python, "-m", "mkdocs", "build", external=True, env={"NO_MKDOCS_2_WARNING": "1"})


def linked_package() -> Path:
    """A folder with the package as a wheel has it, by links: mypy follows no `__path__` of a package."""
    package = SHARED.parent / "linked" / "bridgebench"
    package.mkdir(parents=True, exist_ok=True)
    for source in [*(ROOT / "bridgebench").glob("*.py*"), *(ROOT / room for room in ROOMS)]:
        link = package / source.name
        link.unlink(missing_ok=True)  # it leads nowhere where the checkout was moved
        link.symlink_to(source)
    return package.parent


@nox.session
def perf(session: nox.Session) -> None:
    """Run the timings: every script of tests/perf, or those named after `--`; `--write`: into tests/PERFORMANCE.md."""
    python = shared(session, "dev")
    flags = [argument for argument in session.posargs if argument.startswith("-")]
    named = [argument for argument in session.posargs if argument not in flags]
    for script in named or sorted(str(path) for path in (ROOT / "tests" / "perf").glob("*.py")):
        session.run(python, script, *flags, env=ONE_THREAD, external=True)
