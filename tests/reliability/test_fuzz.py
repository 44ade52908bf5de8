"""A small share of what `fuzz.py` feeds to the readers of foreign files."""

from __future__ import annotations

from pathlib import Path

from fuzz import feed, fuzz
from readers import targets
from sample_pictures import jpegs, others, pngs


def test_each_reader_takes_its_good_files(tmp_path: Path) -> None:
    found = {}
    for target in targets(tmp_path):
        for number, good in enumerate(target.good):
            path = tmp_path / f"good{number}{target.suffix}"
            path.write_bytes(good)
            found[target.name, number] = feed(target, path)
    refused = [place for place, outcome in found.items() if outcome != "taken"]
    # A network that is no Inception, a table by another name, photos that are no PNG and no JPEG, and edits of 16 bits
    # and of another size.
    read = len(pngs()) + len(jpegs())
    photos = [("photo", read + number) for number in range(len(others()))]
    edits = [("edits made elsewhere", number) for number in (2, 10)]
    assert refused == [("importer: inception", 0), ("CelebA labels", 2), *photos, *edits]


def test_damaged_files_are_read_or_refused_in_words(tmp_path: Path) -> None:
    found = fuzz(700, seed=7, keep=tmp_path)
    assert sum(sum(outcomes.values()) for outcomes in found.values()) == 700
    assert not [reader for reader, outcomes in found.items() if outcomes["bug"]]
    assert sum(outcomes["refused"] for outcomes in found.values()) > 200
