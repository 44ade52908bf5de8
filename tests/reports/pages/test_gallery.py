"""The page that leads to several runs, and the protocol in words."""

from __future__ import annotations

from pathlib import Path

from fake_domains import write_domain_run
from fake_run import write_run
from pages import Page

from bridgebench.eval.records.protocol import DataRecord, FeatureRecord, Protocol
from bridgebench.reports.pages.gallery import build_gallery
from bridgebench.reports.site import build
from bridgebench.reports.words.protocol import lines


def test_it_leads_to_the_pages_of_every_run(tmp_path: Path) -> None:
    build(write_run(tmp_path / "faces 64", pictures=False))
    build(write_domain_run(tmp_path / "animals64"))
    (tmp_path / "unfinished").mkdir()
    gallery = build_gallery(tmp_path)
    assert gallery == tmp_path / "index.html"
    page = Page(gallery.read_text(encoding="utf-8"))
    links = [
        (a.get("href") or "").replace("%20", " ") for tag, a in page.elements if tag == "a" and a.get("class") != "skip"
    ]
    assert links == [f"{run}/report/index.html" for run in ("animals64", "animals64", "faces 64")]
    pictures = [(a["src"] or "").replace("%20", " ") for tag, a in page.elements if tag == "img"]
    assert len(pictures) == 1 and all((tmp_path / one).is_file() for one in [*links, *pictures])


def test_one_run_needs_no_gallery(tmp_path: Path) -> None:
    build(write_run(tmp_path / "run", pictures=False))
    assert build_gallery(tmp_path) is None and not (tmp_path / "index.html").exists()


def test_every_line_of_the_protocol_is_explained() -> None:
    data = DataRecord(
        name="celeba",
        digest="d",
        image_size=128,
        preparation={"crop": 178, "filter": "bicubic"},
        real={"test": "d"},
        n_real=10,
        n=5,
        ids_sha256="i",
    )
    protocol = Protocol(
        data=data,
        attributes=("Young", "Male"),
        features=FeatureRecord(name="attributes", title="FD", dimension=4, digest="f"),
        judges={"primary": "p", "second": "s"},
        batch=1,
        seed=0,
        minimum_n=2,
        diversity_images=1,
        diversity_draws=2,
    )
    found = lines(protocol.record())
    assert found[0].key == "data.name" and all(line.words for line in found)
    by_key = {line.key: line.value for line in found}
    assert by_key["attributes"] == "Young, Male" and by_key["outputs"] == "none"
    unknown = lines({**protocol.record(), "zeal": 7})
    assert (unknown[-1].key, unknown[-1].value, unknown[-1].words) == ("zeal", "7", "")
