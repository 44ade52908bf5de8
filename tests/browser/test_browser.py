"""What a reader does with the pages: sorts, filters, opens a cell, slides, with mouse, keyboard, phone, in the dark."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fake_run import EVIL
from PIL import Image, ImageChops

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Open = Callable[..., "Page"]
KINDS = ["index", "systems", "method", "attribute", "provenance", "figures", "cell"]
TABLE = "#accuracy-label"
FOCUSED = """() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return [document.activeElement.tagName, outlineStyle !== "none" && parseFloat(outlineWidth) >= 2];
}"""
SMILING = 3  # column of the table, the name's being 0


def names(page: Page, table: str = TABLE) -> list[str]:
    """The visible rows of a table from top to bottom."""
    heads = page.locator(f"{table} tbody tr[data-row] th").all()
    return [head.inner_text() for head in heads if head.is_visible()]


def numbers(page: Page, column: int, group: int) -> list[float]:
    cells = page.locator(f"{TABLE} tbody >> nth={group} >> tr[data-row] td:nth-of-type({column})")
    return [float(text.split()[0]) for text in cells.all_inner_texts()]


def picture(element: Locator) -> Image.Image:
    return Image.open(io.BytesIO(element.screenshot(animations="disabled"))).convert("RGB")


def differs(one: Image.Image, two: Image.Image) -> bool:
    return ImageChops.difference(one, two.resize(one.size)).getbbox() is not None


def mean_difference(one: Image.Image, two: Image.Image) -> float:
    """In grey levels, of two images of one size."""
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(two, dtype=float)).mean())


def test_a_column_is_sorted_by_the_keyboard_and_controls_stay_apart(open_page: Open) -> None:
    page = open_page("index.html")
    before = names(page)
    button = page.locator(f"{TABLE} thead th").nth(SMILING).locator("button")
    assert button.get_attribute("aria-label") == "Sort by Smiling"
    button.focus()
    for direction in ("descending", "ascending"):
        page.keyboard.press("Enter")
        assert page.locator(f"{TABLE} th[aria-sort]").all_inner_texts()[0].strip() == "Smiling"
        assert page.locator(f"{TABLE} th[aria-sort]").get_attribute("aria-sort") == direction
        for group in (0, 1):
            found = numbers(page, SMILING, group)
            assert found == sorted(found, reverse=direction == "descending")
        assert set(names(page)[:3]) == set(before[:3])  # three methods, then the controls
    page.keyboard.press("Enter")
    assert names(page) == before and page.locator(f"{TABLE} th[aria-sort]").count() == 0


def test_rows_are_sorted_by_name_and_dashes_stay_last(open_page: Open) -> None:
    page = open_page("index.html")
    page.locator(f"{TABLE} thead button").first.click()
    assert names(page)[1:3] == ["BridgeGAN", "StarGAN"]
    target = "#distance-label-target"
    gray = page.locator(f"{target} thead th").nth(7)
    assert "Gray Hair" in gray.inner_text()
    before = names(page, target)
    gray.locator("button").click()
    assert names(page, target) == before  # nobody has a value: the first order


def test_the_filter_hides_methods_attributes_and_modes_and_brings_them_back(open_page: Open) -> None:
    page = open_page("index.html")
    page.locator(".filter summary").click()
    whole = names(page)
    for name in (EVIL, "Smiling", "Edits by reference"):
        page.get_by_role("checkbox", name=name, exact=True).uncheck()
    assert page.locator(".filter output").inner_text() == "3 of 23 hidden"
    assert names(page) == [name for name in whole if name != EVIL]
    heads = page.locator(f"{TABLE} thead th").all()
    assert [head.is_visible() for head in heads] == [number != SMILING for number in range(len(heads))]
    widths = {
        len([c for c in row.locator("> *").all() if c.is_visible()])
        for row in page.locator(f"{TABLE} tr[data-row]").all()
        if row.is_visible()
    }
    assert widths == {15}
    assert not page.locator("#accuracy-reference").is_visible() and not page.locator("#grids").is_visible()
    page.get_by_role("button", name="Show everything").press("Enter")
    assert names(page) == whole and page.locator("#accuracy-reference").is_visible()
    assert page.locator(".filter output").inner_text() == "everything is shown"


def test_a_number_leads_to_the_edits_behind_it(open_page: Open, kinds: dict[str, str]) -> None:
    page = open_page("index.html")
    page.locator(f"#accuracy-reference tr[data-row='{EVIL}'] td").nth(SMILING - 1).locator("a").click()
    assert page.url.endswith(kinds["cell"]) and page.locator("h1").inner_text() == f"{EVIL}: Smiling"
    assert page.locator("#shared thead th").count() == 1 + 6
    heads = page.locator("#ranked thead th").all_inner_texts()[1:]
    assert [head.split("\n")[0] for head in heads] == ["Best 1", "Best 2", "Median 1", "Median 2", "Worst 1", "Worst 2"]
    rows = page.locator("#ranked tbody th").all_inner_texts()
    assert [row.split("\n")[0] for row in rows[:6]] == [
        "Source",
        "Reference",
        "Edit",
        "True edit",
        "Difference",
        "The judge",
    ]
    assert page.locator("#ranked .hit, #ranked .miss").count() == 6
    page.evaluate("document.querySelectorAll('img').forEach((image) => (image.loading = 'eager'))")
    page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")  # fails for one that is not there
    assert page.locator("img").count() > 60


def test_every_square_shows_its_own_part_of_the_picture(open_page: Open, kinds: dict[str, str], site: Path) -> None:
    page = open_page(kinds["cell"])
    column = Image.open((site / kinds["cell"]).with_name("smiling-edit.png")).convert("RGB")
    for number in range(6):
        own = column.crop((0, 64 * number, 64, 64 * number + 64))
        shown = picture(page.locator("#ranked tr.edit .square").nth(number)).resize((64, 64), Image.Resampling.BOX)
        assert mean_difference(own, shown) < 4, number  # a screenshot may be off by part of a pixel


def test_the_slider_of_a_cell_goes_from_edit_to_source_by_the_keyboard(open_page: Open, kinds: dict[str, str]) -> None:
    page = open_page(kinds["cell"])
    source, edit = (page.locator(f"#ranked tr.{kind} .square").first for kind in ("source", "edit"))
    slider = page.get_by_label("Slide from source to edit").last
    before = picture(edit)
    assert differs(picture(source), before)
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert slider.input_value() == "95" and differs(before, picture(edit))
    page.keyboard.press("Home")
    assert not differs(picture(source), picture(edit))
    page.keyboard.press("End")
    assert not differs(before, picture(edit))


def test_the_slider_of_a_grid_lays_the_source_under_every_edit(open_page: Open) -> None:
    page = open_page("index.html", device_scale_factor=1)
    slider = page.get_by_label("Slide from source to edit").first
    row = page.locator(".grids .scroll").first.locator("tr[data-row='BridgeGAN']")
    slider.focus()
    page.keyboard.press("Home")
    source, strip = picture(row.locator("td").first.locator("img")), picture(row.locator("img.strip"))
    own = source.resize((64, 64))
    for place in (0, 6, 13):
        left = round(place * strip.width / 14)
        under = strip.crop((left, 0, left + source.width, strip.height)).resize((64, 64))
        assert mean_difference(own, under) < 12, place  # a screenshot may be off by part of a pixel


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_marked_regions_scrolls_sideways_on_a_phone(
    open_page: Open, kinds: dict[str, str], kind: str
) -> None:
    page = open_page(kinds[kind], viewport={"width": 400, "height": 800}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_order_of_systems_is_drawn_told_and_hidden_with_its_mode(open_page: Open, kinds: dict[str, str]) -> None:
    page = open_page(kinds["systems"])
    charts = page.locator("#order .slope svg")
    assert charts.count() == 4
    words = charts.first.get_attribute("aria-label") or ""
    assert "BridgeGAN: rank 1 in the paper, 1 here" in words
    box = charts.first.bounding_box()
    for text in charts.first.locator("text").all():  # no label is cut off
        own = text.bounding_box()
        assert box and own and own["x"] >= box["x"] - 1 and own["x"] + own["width"] <= box["x"] + box["width"] + 1
    page.locator("#order details summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#order-ranks-label").is_visible()
    page.locator(".filter summary").click()
    page.get_by_role("checkbox", name="Edits by label", exact=True).uncheck()
    assert not charts.first.is_visible()


def test_dark_is_dark_and_light_is_light(open_page: Open) -> None:
    for scheme, dark in (("light", False), ("dark", True)):
        page = open_page("index.html", color_scheme=scheme)
        red = int(page.evaluate("getComputedStyle(document.body).backgroundColor").split("(")[1].split(",")[0])
        assert (red < 60) == dark


def test_the_keyboard_alone_reaches_everything_and_one_sees_where_it_is(open_page: Open, kinds: dict[str, str]) -> None:
    page = open_page(kinds["cell"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen: list[tuple[str, bool]] = []
    while not seen or seen[-1][0] != "BODY":
        page.keyboard.press("Tab")
        seen.append(tuple(page.evaluate(FOCUSED)))
    tags = {tag for tag, _ in seen}
    assert {"A", "INPUT", "DIV", "SUMMARY"} <= tags and all(visible for _, visible in seen[:-1]), seen


def test_without_a_script_everything_is_there_to_be_read(open_page: Open, kinds: dict[str, str]) -> None:
    page = open_page("index.html", java_script_enabled=False)
    assert len(names(page)) == 6 and page.locator("#accuracy-reference").is_visible()
    assert not page.locator(".filter").is_visible() and page.locator("button").count() <= 1
    assert not page.locator(".wipe").first.is_visible()
    page = open_page(kinds["cell"], java_script_enabled=False)
    assert page.locator("#ranked tr.edit img").first.is_visible()


def serious(page: Page, **options: Any) -> list[tuple[str, str]]:
    """What axe-core finds of serious or critical impact: the rule and the element."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = (
        axe.Axe().run(page, options={"resultTypes": ["violations"], "preload": False, **options}).response["violations"]
    )
    return [
        (violation["id"], node["html"][:200])
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:3]
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_serious(open_page: Open, kinds: dict[str, str], kind: str) -> None:
    assert serious(open_page(kinds[kind])) == []


def test_axe_finds_no_weak_contrast_in_the_dark(open_page: Open, kinds: dict[str, str]) -> None:
    page = open_page(kinds["cell"], color_scheme="dark")
    assert serious(page, runOnly={"type": "rule", "values": ["color-contrast"]}) == []


def test_a_hostile_name_is_shown_and_does_nothing(open_page: Open, kinds: dict[str, str]) -> None:
    for kind in KINDS:
        page = open_page(kinds[kind])
        page.wait_for_timeout(100)  # a picture that fails to load does so at once
        assert page.locator("img[src=x], [onerror]").count() == 0
        if kind in ("index", "method", "figures", "cell"):
            assert EVIL in page.locator("main").inner_text() + page.locator("h1").inner_text()
