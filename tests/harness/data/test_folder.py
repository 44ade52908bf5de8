"""A folder of images with a table, or with a folder a domain: what is read of it, and what is told of a bad one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.data.folder import SPLITS, by_hash, list_folder
from bridgebench.harness.data.metadata import read_metadata
from bridgebench.harness.data.open import open_split
from bridgebench.harness.profiles.profile import Profile, SharesTable, load_profile
from bridgebench.methods.core.errors import UserError

PROFILE = """
like = "smoke"
attributes = {attributes}
methods = ["identity"]

[data]
name = "folder"
root = "photos"
train = 0
validation = 0
test = 0
balance_train = false
{more}
[evaluation]
n = 0
"""
Table = Callable[..., Profile]


def picture(path: Path, shade: int, size: tuple[int, int] = (40, 40)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade % 256, shade // 256, 7)).save(path)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Writes a table, the images that it names, and a profile."""

    def write(
        text: str | bytes,
        *,
        more: str = "",
        attributes: tuple[str, ...] = ("Hat", "Bag"),
        name: str = "metadata.csv",
        files: int = 40,
    ) -> Profile:
        for number in range(files):
            picture(tmp_path / "photos" / f"{number}.png", number)
        (tmp_path / "photos" / name).write_bytes(text.encode() if isinstance(text, str) else text)
        path = tmp_path / "mine.toml"
        path.write_text(PROFILE.format(attributes=json.dumps(attributes), more=more))
        return load_profile(path)

    return write


def lines(count: int = 40, head: str = "file_name,Hat,Bag", line: str = "{n}.png,{hat},{bag}") -> str:
    rows = [line.format(n=n, hat=n % 2, bag=int(n % 3 == 0)) for n in range(count)]
    return "\n".join([head, *rows]) + "\n"


def test_every_image_is_in_one_split_with_its_own_labels(table: Table) -> None:
    profile = table(lines())
    seen: dict[str, list[int]] = {}
    for split in SPLITS:
        images = open_split(profile, split)
        assert images.labels.dtype == np.uint8 and images.attributes == ("Hat", "Bag")
        for place, name in enumerate(images.ids):
            assert name not in seen
            seen[name] = images.labels[place].tolist()
            number = int(name.removesuffix(".png"))
            assert (images.images[place] == np.array([number, 0, 7])).all()  # the picture of that name
            assert seen[name] == [number % 2, int(number % 3 == 0)]
        again = open_split(profile, split)
        assert (again.digest, again.ids) == (images.digest, images.ids)
        few = open_split(profile, split, limit=2)
        assert few.ids == images.ids[: len(few.ids)]
    assert len(seen) == 40


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace(",0", ",-1"),
        lambda text: text.replace(",0", ",false").replace(",1", ",True"),
        lambda text: text.replace(",0", ",0.0").replace(",1", ",1.0"),
        lambda text: text.replace("file_name,Hat,Bag", 'file_name, Hat ,"Bag"'),
    ],
)
def test_the_same_table_written_otherwise_gives_the_same_images(table: Table, change: Callable[[str], str]) -> None:
    plain = list_folder(table(lines()), None)
    other = list_folder(table(change(lines())), None)
    assert (other.files, other.rule) == (plain.files, plain.rule)
    assert (other.labels == plain.labels).all() and (other.splits == plain.splits).all()


def test_jsonl_is_read_like_csv(table: Table, tmp_path: Path) -> None:
    plain = list_folder(table(lines()), None)
    (tmp_path / "photos" / "metadata.csv").unlink()
    rows = [{"file_name": f"{n}.png", "Hat": bool(n % 2), "Bag": [0, 1][n % 3 == 0], "x": None} for n in range(40)]
    other = list_folder(table("\n".join(map(json.dumps, rows)), name="metadata.jsonl"), None)
    assert (other.files, other.labels.tolist()) == (plain.files, plain.labels.tolist())


def test_splits_by_column_by_folder_and_by_group(table: Table, tmp_path: Path) -> None:
    head, line = "file_name,Hat,Bag,part,person", "{n}.png,{hat},{bag},PART,P{hat}{bag}"
    text = "\n".join(
        row.replace("PART", ["train", "val", "test", "train"][n % 4])
        for n, row in enumerate(lines(40, head, line).split("\n"))
    )
    found = list_folder(table(text, more='split_column = "part"'), None)
    expected = [["train", "validation", "test", "train"][n % 4] for n in range(1, 41)]
    assert [SPLITS[split] for split in found.splits] == expected
    grouped = list_folder(table(text, more='group_column = "person"'), None)
    people = [f"P{n % 2}{int(n % 3 == 0)}" for n in range(40)]
    assert len({(person, split) for person, split in zip(people, grouped.splits.tolist(), strict=True)}) == len(
        {*people}
    )
    with pytest.raises(UserError, match=r"'P00' .* are in the splits"):
        list_folder(table(text, more='split_column = "part"\ngroup_column = "person"'), None)
    (tmp_path / "photos" / "metadata.csv").unlink()
    for part, numbers in (("train", range(6)), ("Val", range(6, 8)), ("test", range(8, 12))):
        for number in numbers:
            picture(tmp_path / "photos" / part / "in" / f"{number}.png", number)
        rows = "".join(f"./in/{number}.png,1,0\n" for number in numbers)
        (tmp_path / "photos" / part / "metadata.csv").write_text("file_name,Hat,Bag\n" + rows)
    profile = load_profile(tmp_path / "mine.toml").model_copy(
        update={
            "data": load_profile(tmp_path / "mine.toml").data.model_copy(
                update={"split_column": None, "group_column": None}
            )
        }
    )
    assert [len(open_split(profile, split)) for split in SPLITS] == [6, 2, 4]
    assert set(open_split(profile, "validation").ids) == {"Val/in/6.png", "Val/in/7.png"}


def test_shares_are_kept_and_an_added_image_moves_no_other() -> None:
    names = [f"{n}.png" for n in range(20_000)]
    splits, words = by_hash(names, SharesTable(train=0.7, validation=0.1, test=0.2))
    assert words == "70 / 10 / 20 %"
    assert np.abs(np.bincount(splits) / len(names) - [0.7, 0.1, 0.2]).max() < 0.01
    more, _ = by_hash(["new.png", *names], SharesTable(train=0.7, validation=0.1, test=0.2))
    assert (more[1:] == splits).all()


def test_photos_are_cut_to_the_square_in_the_middle_or_by_the_crop(table: Table, tmp_path: Path) -> None:
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, 30:70] = 200
    profile = table(lines())
    for n in range(40):
        Image.fromarray(wide).save(tmp_path / "photos" / f"{n}.png")
    assert (np.asarray(open_split(profile, "train", limit=1).images[0]) == 200).all()
    cropped = table(lines(), more="crop = { left = 0, top = 10, size = 30 }", files=0)
    assert (np.asarray(open_split(cropped, "train", limit=1).images[0]) == 0).all()
    outside = table(lines(), more="crop = { left = 80, top = 0, size = 30 }", files=0)
    with pytest.raises(UserError, match=r"100x40 pixels: the crop of 30 pixels at 80, 0 does not lie within it"):
        open_split(outside, "train", limit=1)


def replaced(old: str, new: str) -> str:
    text = lines()
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (lines(head="file,Hat,Bag"), ["no column 'file_name'", "Did you mean"]),
        (lines(head="file_name;Hat;Bag", line="{n}.png;{hat};{bag}"), ["no column 'file_name'", "commas"]),
        (lines(head="file_name,Hat,Bat"), ["no column 'Bag'", "Did you mean 'Bat'"]),
        (lines(head="file_name,Hat,Hat"), ["two columns 'Hat'"]),
        (replaced("6.png,0,1", "6.png,2,1"), ["line 8", "'2' for 'Hat'", "0 and 1, -1 and 1, or true and false"]),
        (replaced("6.png,0,1", "6.png,,1"), ["line 8", "no value for 'Hat'"]),
        (replaced("6.png,0,1", "6.png,-1,1"), ["line 8", "-1 for 'Hat'", "0 in other lines"]),
        (replaced("6.png,0,1", "6.png,1"), ["line 8", "2 values", "3 columns"]),
        (replaced("6.png,0,1", "5.png,0,1"), ["line 8", "5.png a second time", "line 7"]),
        (replaced("6.png,0,1", "./5.png,0,1"), ["line 8", "a second time"]),
        (replaced("6.png,0,1", "../6.png,0,1"), ["line 8", "leads out of the folder"]),
        (replaced("6.png,0,1", "a/../../6.png,0,1"), ["line 8", "leads out of the folder"]),
        (replaced("6.png,0,1", "/etc/6.png,0,1"), ["line 8", "a path from the table's folder"]),
        (replaced("6.png,0,1", "C:/6.png,0,1"), ["line 8", "a path from the table's folder"]),
        (replaced("6.png,0,1", "a\\6.png,0,1"), ["line 8", "a path from the table's folder"]),
        (replaced("6.png,0,1", '"a\n6.png",0,1'), ["a path from the table's folder", "a?6.png"]),
        (replaced("6.png,0,1", ",0,1"), ["line 8", "nothing is no picture's name"]),
        (replaced("6.png,0,1", "6.gif,0,1"), ["line 8", "'6.gif' is no picture's name"]),
        (replaced("6.png,0,1", ".6.png,0,1"), ["line 8", "no picture's name"]),
        (replaced("6.png,0,1", '"6.png,0,1'), ["damaged"]),
        (lines(0), ["names no image"]),
        ("", ["no column 'file_name'"]),
        (lines().encode() + b"\xff\xfe.png,0,1\n", ["line 42", "not written in UTF-8"]),
        (lines().replace("6.png", "6\0.png").encode(), ["line 8"]),
        (replaced("6.png,0,1", "x" * 200_000 + ".png,0,1"), ["line 8"]),
    ],
)
def test_a_bad_table_is_told_in_one_sentence_with_its_line(table: Table, text: str | bytes, parts: list[str]) -> None:
    with pytest.raises(UserError) as error:
        list_folder(table(text), None)
    said = str(error.value)
    assert "metadata.csv" in said and all(part in said for part in parts), said
    assert len(said) < 500 and said.isprintable()


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        (['{"file_name": "0.png", "Hat": 1}'], ["no column 'Bag'"]),
        (
            ['{"file_name": "0.png", "Hat": 1, "Bag": 0}', '{"file_name": "1.png", "Hat": 1}'],
            ["line 2", "'Bag' is lacking"],
        ),
        (['{"file_name": "0.png", "Hat": 1, "Bag": [0]}'], ["line 1", "'[0]' for 'Bag'"]),
        (['{"file_name": 7, "Hat": 1, "Bag": 0}'], ["line 1", "'7' is no picture's name"]),
        (["[1]"], ["line 1", "braces"]),
        (["{"], ["line 1 is not JSON"]),
        (["[" * 100_000], ["line 1 is not JSON"]),
    ],
)
def test_a_bad_jsonl_is_told_likewise(table: Table, rows: list[str], parts: list[str]) -> None:
    with pytest.raises(UserError) as error:
        list_folder(table("\n".join(rows), name="metadata.jsonl"), None)
    assert all(part in str(error.value) for part in ("metadata.jsonl", *parts)), error.value


def test_a_missing_image_a_damaged_one_and_a_link_that_leads_out_are_named(table: Table, tmp_path: Path) -> None:
    profile = table(lines())
    name = open_split(profile, "train").ids[0]
    path = tmp_path / "photos" / name
    for spoil, part in (
        (lambda: None, "is missing"),
        (lambda: path.write_bytes(b"no picture"), "is not a PNG or JPEG image"),
        (lambda: path.symlink_to("/etc/hosts"), "leaves"),
    ):
        path.unlink()
        spoil()
        with pytest.raises(UserError, match=f"{name}.*{part}"):
            open_split(profile, "train")
        profile_without = profile.without_damaged()
        images = open_split(profile_without, "train")
        assert name not in images.ids and images.preparation["left_out"]["n"] == 1
        if not path.exists() and not path.is_symlink():
            path.touch()


def test_a_folder_without_a_table_and_one_with_two_are_told(table: Table, tmp_path: Path) -> None:
    profile = table(lines())
    (tmp_path / "photos" / "metadata.jsonl").write_text("")
    with pytest.raises(UserError, match="has both"):
        list_folder(profile, None)
    for path in tmp_path.glob("photos/metadata.*"):
        path.unlink()
    (tmp_path / "photos" / "metadata.csv").symlink_to("/etc/hosts")
    with pytest.raises(UserError, match="symbolic link that leaves"):
        list_folder(profile, None)
    (tmp_path / "photos" / "metadata.csv").unlink()
    with pytest.raises(UserError, match=r"has no metadata\.csv"):
        list_folder(profile, None)
    with pytest.raises(UserError, match="There is no folder"):
        list_folder(profile.model_copy(update={"data": profile.data.model_copy(update={"root": "gone"})}), None)


def test_one_folder_a_domain(tmp_path: Path) -> None:
    for number in range(60):
        picture(tmp_path / "photos" / ("oil", "ink", "ölkreide")[number % 3] / f"{number}.png", number)
    text = PROFILE.format(
        attributes='["oil", "ink", "ölkreide"]', more='labels = "domains"\nshares.train = 0.5\nshares.test = 0.4'
    )
    (tmp_path / "mine.toml").write_text(text)
    profile = load_profile(tmp_path / "mine.toml")
    assert profile.columns[0] == "ink2oil" and profile.space.exclusive
    sets = [open_split(profile, split) for split in SPLITS]
    assert sum(map(len, sets)) == 60 and len({name for images in sets for name in images.ids}) == 60
    for images in sets:
        assert images.space.exclusive
        for place, name in enumerate(images.ids):
            assert images.labels[place].tolist() == [int(name.startswith(f"{one}/")) for one in images.attributes]
    (tmp_path / "mine.toml").write_text(text.replace('"oil"', '"oill"'))
    with pytest.raises(UserError, match=r"no folder of the domain 'oill'.*Did you mean 'oil'"):
        open_split(load_profile(tmp_path / "mine.toml"), "train")


def test_a_million_lines_take_seconds(tmp_path: Path) -> None:
    path = tmp_path / "metadata.csv"
    body = "".join(f"images/{n}.png,{n % 2},{-1 if n % 3 else 1},P{n // 7}\n" for n in range(1_000_000))
    path.write_text("file_name,Hat,Bag,person\n" + body)
    began = time.process_time()
    found = read_metadata(path, ["Hat", "Bag", "person"])
    labels = found.labels(["Hat", "Bag"])
    splits, _ = by_hash(found.texts("person"), SharesTable())
    assert time.process_time() - began < 30  # 5 s on a free machine
    assert len(found.files) == len(splits) == 1_000_000 and labels.mean(axis=0).round(3).tolist() == [0.5, 0.333]


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ('split_column = "part"\nshares.train = 0.5', "must be 1 together"),
        ('split_column = "part"\nshares.train = 0.8', "leaves nothing to the shares"),
        ('labels = "domains"\ngroup_column = "person"', "no columns"),
        ('labels = "folders"', "'attributes' or 'domains'"),
        ('resize = "antialiased"', "resize is for the photos of 'celeba'"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(table: Table, more: str, part: str) -> None:
    with pytest.raises(UserError, match=part):
        table(lines(), more=more)
