"""A real browser on the pages of a made-up run, opened from disk. Skipped, with the reason, where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_run import write_run
from fake_systems import systems_run

from bridgebench.reports.read.run import Run
from bridgebench.reports.site import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Open = Callable[..., "Page"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a run with a method called ``<img src=x onerror=alert(1)>``; in "systems" of one with an order."""
    folder = tmp_path_factory.mktemp("site")
    _write(folder, render(Run(write_run(tmp_path_factory.mktemp("run")))))
    four = {"bridgegan": 0.9, "stgan": 0.7, "stargan": 0.7, "smit": 0.2}
    _write(folder / "systems", render(Run(systems_run(tmp_path_factory.mktemp("systems"), four))))
    return folder


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install .[dev])")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(BROWSERS)} is installed")
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=program, args=root)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser, site: Path) -> Iterator[Open]:
    """Opens a page by its path in the folder; afterwards, nothing may have gone wrong or left the machine."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def watch_requests(url: str) -> None:
        if not url.startswith(("file:///", "data:", "blob:")):
            wrong.append(f"a request to {url}")

    def open_path(path: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: watch_requests(request.url))
        page.on("requestfailed", lambda request: wrong.append(f"{request.url} failed"))
        page.on("pageerror", lambda error: wrong.append(f"an error: {error}"))
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("dialog", lambda dialog: (wrong.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
        page.goto((site / path).as_uri())
        return page

    yield open_path
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def kinds(site: Path) -> dict[str, str]:
    """A page of every kind by its path; those of methods and cells belong to the method with the hostile name."""
    evil = next(path.stem for path in sorted((site / "methods").glob("*.html")) if path.stem.startswith("img"))
    return {
        "index": "index.html",
        "systems": "systems/index.html",
        "method": f"methods/{evil}.html",
        "attribute": "attributes/smiling.html",
        "provenance": "provenance.html",
        "figures": "figures.html",
        "cell": f"cells/{evil}/reference/smiling.html",
    }
