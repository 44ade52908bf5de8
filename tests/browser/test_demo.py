"""The demo in a real browser: a drawn face is edited by all methods, and nothing is asked of any other machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from bridgebench.harness.profiles.profile import load_profile

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_PATIENCE = 120_000  # ms


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    pytest.importorskip("gradio", reason="Gradio is not installed (pip install .[demo])")
    from bridgebench.harness.photo.demo import serve

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page = serve(load_profile("faces64"), port, wait=False)
    yield f"http://127.0.0.1:{port}"
    page.close()


def test_a_drawn_face_is_edited_by_all_methods(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.get_by_text("The edit should show").wait_for(timeout=_PATIENCE)
    page.get_by_label("Male").wait_for(timeout=_PATIENCE)
    page.wait_for_function("document.querySelectorAll('input[type=checkbox]:checked').length > 0", timeout=_PATIENCE)
    page.get_by_label("Smiling").check()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("gridcell", name="True edit").or_(page.get_by_text("True edit")).first.wait_for(timeout=_PATIENCE)
    shown = page.content()
    assert "BridgeGAN" in shown
    assert "StarGAN" in shown
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    context.close()


def test_labels_that_exclude_each_other_are_told(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_function("document.querySelectorAll('input[type=checkbox]:checked').length > 0", timeout=_PATIENCE)
    for name in ("Black_Hair", "Blond_Hair"):
        page.get_by_label(name).check()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_text("excludes another attribute").first.wait_for(timeout=_PATIENCE)
    context.close()
