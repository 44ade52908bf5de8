"""What one data set tells about another: pairs and ranks worked out by hand and held against SciPy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fake_domains import write_domain_run
from fake_run import EVIL, write_cell, write_json
from fake_systems import systems_run
from pages import Page
from scipy.stats import kendalltau

from bridgebench.eval.measures.accuracy import SECOND
from bridgebench.eval.measures.fd import FD_PAPER
from bridgebench.methods.core.files import quote
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.reports.pages.gallery import build_gallery
from bridgebench.reports.read.ranks import Pairs
from bridgebench.reports.read.run import Run
from bridgebench.reports.site import build
from bridgebench.reports.tables.transfer import transfer_sections, transfers

DRAWN = {"bridgegan": 0.9, "stgan": 0.6, "stargan": 0.7, "smit": 0.2}
PHOTOS = {"bridgegan": 0.5, "stgan": 0.8, "stargan": 0.7, "smit": 0.1}


def photos_run(folder: Path, accuracy: dict[str, float], name: str = "photos") -> Path:
    """As `systems_run`, of another data set, without true edits and without the made-up run's stranger."""
    run = systems_run(folder, accuracy)
    record = json.loads((run / "run.json").read_text())
    record["data"]["name"], record["profile_name"] = "celeba", name
    for method in ("oracle", EVIL):
        del record["methods"][method]
        for kind in ("cells", "cost"):
            shutil.rmtree(run / kind / quote(method))
    write_json(run / "run.json", record)
    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    folder = tmp_path_factory.mktemp("runs")
    return Run(systems_run(folder / "drawn", DRAWN)), Run(photos_run(folder / "photos", PHOTOS))


def test_pairs_ranks_and_means_by_hand(runs: tuple[Run, Run]) -> None:
    found = {one.card.key: one for one in transfers(*runs, "label")}
    for key in ("accuracy_second", "fd_paper"):
        # Drawn: BridgeGAN, StarGAN, STGAN, SMIT. Photos: STGAN, StarGAN, BridgeGAN, SMIT. Only pairs with SMIT agree.
        assert found[key].pairs == Pairs(alike=3, opposite=3, tied=0)
        assert found[key].ranks == {
            "bridgegan": ((1, 1), (3, 3)),
            "stargan": ((2, 2), (2, 2)),
            "stgan": ((3, 3), (1, 1)),
            "smit": ((4, 4), (4, 4)),
        }
    means = found[SECOND.key].means["stgan"]
    assert [one.value for one in means] == pytest.approx([0.6, 0.8])
    assert [one.value for one in found[FD_PAPER.key].means["stgan"]] == pytest.approx([40, 20])


def test_tau_is_scipys_and_equal_numbers_are_tied(tmp_path: Path, runs: tuple[Run, Run]) -> None:
    other = {"bridgegan": 0.4, "stgan": 0.8, "stargan": 0.9, "smit": 0.6}
    (found,) = (
        one for one in transfers(runs[0], Run(photos_run(tmp_path / "a", other)), "label") if one.card.key == SECOND.key
    )
    assert found.pairs.tau == pytest.approx(kendalltau([*DRAWN.values()], [*other.values()]).statistic)
    level = Run(photos_run(tmp_path / "b", other | {"stgan": 0.9}))
    (tied,) = (one for one in transfers(runs[0], level, "label") if one.card.key == SECOND.key)
    assert tied.pairs.tied == 1 and tied.ranks["stgan"][1] == tied.ranks["stargan"][1] == (1, 2)


def test_columns_without_a_value_are_left_out_and_so_is_a_system_of_few(tmp_path: Path, runs: tuple[Run, Run]) -> None:
    gaps = photos_run(tmp_path / "gaps", PHOTOS)
    write_cell(gaps, "stgan", "label", "Young", {})
    for attribute in CELEBA14[:8]:
        write_cell(gaps, "smit", "label", attribute, {})
    (found,) = (one for one in transfers(runs[0], Run(gaps), "label") if one.card.key == SECOND.key)
    assert {*found.means} == {"bridgegan", "stargan", "stgan"} and found.columns == 13
    assert found.pairs == Pairs(alike=0, opposite=3, tied=0)


def test_only_other_data_with_the_same_columns_and_three_systems_is_compared(
    tmp_path: Path, runs: tuple[Run, Run]
) -> None:
    few = Run(photos_run(tmp_path / "few", {"bridgegan": 0.9, "stargan": 0.8}))
    animals = Run(write_domain_run(tmp_path / "animals"))
    assert transfer_sections([runs[0], few, animals]) == []
    again = Run(systems_run(tmp_path / "again", PHOTOS))
    assert transfer_sections([runs[0], again]) == []  # the same data: rows of one protocol share a table


def test_the_page_that_leads_to_the_runs_shows_it_with_drawn_images_first(tmp_path: Path) -> None:
    build(photos_run(tmp_path / "a photos", PHOTOS, name=EVIL))
    build(systems_run(tmp_path / "drawn", DRAWN))
    page = build_gallery(tmp_path)
    assert page is not None
    text = page.read_text(encoding="utf-8")
    drawn = json.loads((tmp_path / "drawn/run.json").read_text())["profile_name"]
    assert EVIL not in text and f"What {drawn} tells about" in text
    assert "four systems were measured on both" in text and "Pairs of systems in the same order" in text
    links = [a["href"] or "" for tag, a in Page(text).elements if tag == "a"]
    assert not [link for link in links if "tables/" in link]  # there are no files of these tables


def test_the_sentence_counts_the_measures(runs: tuple[Run, Run]) -> None:
    (section,) = transfer_sections(runs[::-1])
    found = transfers(*runs, "label")
    whole, none = (sum(test(one.pairs.tau) for one in found) for test in (lambda t: t == 1, lambda t: t <= 0))
    assert f"in {whole} of {len(found)} measures. In {none} of {len(found)} measures, " in section.text[0]
    rows = section.table.groups[0].rows
    assert [row.title for row in rows] == [one.card.title for one in found]
    assert [cell.text for cell in rows[0].cells][:1] == ["4"]
    for row, one in zip(rows, found, strict=True):
        assert [cell.text for cell in row.cells[1:4]] == [
            str(n) for n in (one.pairs.alike, one.pairs.opposite, one.pairs.tied)
        ]
    assert {one.pairs.total for one in found} == {6}  # of four systems
