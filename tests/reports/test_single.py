"""One file with everything in it: nothing to fetch, every link inside, no picture twice."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fake_run import EVIL, write_run
from pages import Page
from PIL import Image

from bridgebench.reports.pages.html import Site
from bridgebench.reports.read.run import Run
from bridgebench.reports.single import HINTS, single_file
from bridgebench.reports.site import build, render, site_of


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(write_run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def site(run: Run) -> Site:
    return site_of(run)


@pytest.fixture(scope="module")
def files(run: Run) -> dict[str, bytes]:
    return render(run)


@pytest.fixture(scope="module")
def html(site: Site) -> str:
    return single_file(site).decode()


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_it_names_nothing_outside_itself_and_every_anchor_is_there(page: Page) -> None:
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        for name in ("src", "href"):
            link = attributes.get(name)
            if link is not None:
                assert link.startswith("data:") or (link.startswith("#") and link[1:] in ids), (tag, link[:80])
        for name in ("for", "aria-labelledby"):
            assert set((attributes.get(name) or "").split()) <= set(ids)
        assert not [name for name in attributes if name.startswith("on")]
    assert not {tag for tag, _ in page.elements} & {"iframe", "object", "embed", "base", "form"}


def test_every_page_is_an_article_and_is_linked(files: dict[str, bytes], page: Page) -> None:
    articles = [a["id"] for tag, a in page.elements if tag == "article"]
    assert len(articles) == len([path for path in files if path.endswith(".html")])
    linked = {(a["href"] or "").removeprefix("#") for tag, a in page.elements if tag == "a" and "href" in a}
    assert set(articles) <= linked


def test_a_picture_lies_in_it_once_and_pixel_by_pixel(files: dict[str, bytes], page: Page) -> None:
    pictures = [a for tag, a in page.elements if tag == "img"]
    whole = {a["id"]: a["src"] or "" for a in pictures if "src" in a}
    copies = [a["data-copy"] for a in pictures if "src" not in a]
    assert copies and set(copies) <= set(whole)
    assert len(set(whole.values())) == len(whole)
    first = base64.b64decode(next(iter(whole.values())).partition("base64,")[2])
    decoded = Image.open(io.BytesIO(first)).convert("RGB").tobytes()
    assert decoded == Image.open(io.BytesIO(files["grids/source-1.png"])).convert("RGB").tobytes()


def test_only_its_own_scripts_may_run(html: str, page: Page) -> None:
    policy = next(a["content"] or "" for tag, a in page.elements if tag == "meta" and "http-equiv" in a)
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 2 and "unsafe" not in policy.partition("script-src")[2]
    for script in scripts:
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert "default-src 'none'" in policy and EVIL not in html


def test_it_says_what_the_folder_of_pages_says(files: dict[str, bytes], html: str) -> None:
    """Words, tables and the tree of elements of every page: only what links and names pictures differs."""
    articles = re.findall(r"<article [^>]*>(.*?)</article>", html, re.DOTALL)
    pages = [
        files["index.html"],
        *(data for path, data in files.items() if path.endswith(".html") and path != "index.html"),
    ]
    assert len(articles) == len(pages)
    turned = {"id", "for", "name", "src", "href", "download", "data-copy", "aria-labelledby"}
    for article, page in zip(articles, pages, strict=True):
        body = re.search(r"<body>(.*)<script>", page.decode(), re.DOTALL)
        assert body is not None
        inside, alone = Page(article), Page(body[1])
        assert inside.words == alone.words
        kept = [
            [(tag, {key: value for key, value in found.items() if key not in turned}) for tag, found in one.elements]
            for one in (inside, alone)
        ]
        assert kept[0] == kept[1]


def test_what_does_not_fit_is_left_out_and_said(site: Site) -> None:
    first, provenance = site.pages[0], next(page for page in site.pages if page.path == "provenance.html")
    site = replace(site, pages=[first, replace(provenance, path="cells/a.html")])
    whole = single_file(site)
    some = single_file(site, most=len(whole) - 1).decode()
    assert f"it leaves out {HINTS}.</p>".replace("'", "&#39;") in some
    hints = [[a for tag, a in Page(text).elements if tag == "td" and "title" in a] for text in (whole.decode(), some)]
    assert hints[0] and not hints[1]
    some = single_file(site, most=len(some.encode()) - 1).decode()
    assert "head say too, the pages of single cells.</p>" in some
    small = single_file(site, most=1).decode()
    assert "the pages of single cells, the figures as single files, the tables and records as files, " in small
    assert not [a for tag, a in Page(small).elements if tag == "a" and (a.get("href") or "").startswith("data:")]


def test_it_is_written_where_it_was_asked_for(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", pictures=False)
    assert build(run, single=True) == run / "report.html" and (run / "report.html").is_file()
    assert build(run, tmp_path / "mail.html", single=True).read_bytes() == (run / "report.html").read_bytes()
    assert not (run / "report").exists()
