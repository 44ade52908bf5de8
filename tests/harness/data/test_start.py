"""`bridgebench init`: what it finds in a folder, and that the profile it writes is one that opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridgebench.harness.commands.main import main
from bridgebench.harness.data.open import open_split
from bridgebench.harness.data.start import start_profile, toml_text
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.harness.train.judges.recipe import judge_recipe
from bridgebench.methods.core.errors import UserError


def photos(folder: Path, count: int, size: tuple[int, int] = (80, 64)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 255, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03d}.png")


def write_table(folder: Path, head: str, row: str, count: int) -> None:
    values = {
        "hat": lambda n: n % 2,
        "bag": lambda n: int(n % 3 == 0),
        "none": lambda n: 0,
        "who": lambda n: f"P{n // 2}",
    }
    rows = [row.format(n=f"{n:03d}", **{key: value(n) for key, value in values.items()}) for n in range(count)]
    (folder / "metadata.csv").write_text("\n".join([head, *rows]), encoding="utf-8")


def test_the_profile_of_a_table_opens_and_fits_the_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path / "mine", 90)
    write_table(
        tmp_path / "mine", "file_name,Hat,Bag,Never,person_id,about", '{n}.png,{hat},{bag},{none},{who},a "<b>"', 90
    )
    assert main(["init", str(tmp_path / "mine.toml"), "--data", str(tmp_path / "mine")]) == 0
    said = capsys.readouterr().out
    assert (
        "with Hat" in said
        and "Left out 'Never'" in said
        and "64 x 80 pixels" in said
        and "square in the middle" in said
    )
    profile = load_profile(tmp_path / "mine.toml")
    assert profile.attributes == ("Hat", "Bag") and profile.data.group_column == "person_id"
    assert profile.data.root == str(tmp_path / "mine") and 'root = "mine"' in (tmp_path / "mine.toml").read_text()
    sizes = {split: len(open_split(profile, split)) for split in ("train", "validation", "test")}
    assert sum(sizes.values()) == 90 and sizes["train"] >= sizes["test"] >= 2 * profile.evaluation.n
    assert judge_recipe("classifier", profile).batch_size <= sizes["train"]
    for method in ("bridgegan", "stargan"):
        assert profile.recipe(method)["batch_size"] <= sizes["train"]
    assert main(["data", "check", str(tmp_path / "mine.toml")]) == 0
    # What is there is not replaced.
    with pytest.raises(UserError, match="exists already"):
        start_profile(tmp_path / "mine.toml", tmp_path / "mine")


def test_what_is_wrong_with_the_images_is_told_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    photos(folder, 60)
    write_table(folder, "file_name,Black_Hair,Blond_Hair", "{n}.png,{hat},0", 60)
    text = (folder / "metadata.csv").read_text().replace("002.png,0,0", "002.png,0,1")
    (folder / "metadata.csv").write_text(text)
    (folder / "007.png").write_bytes((folder / "007.png").read_bytes()[:200])
    (folder / "008.png").unlink()
    (folder / "009.png").write_bytes((folder / "010.png").read_bytes())
    (folder / "extra.png").write_bytes((folder / "011.png").read_bytes())
    assert main(["init", str(tmp_path / "mine.toml"), "--data", str(folder)]) == 0
    said = capsys.readouterr().out
    for part in ("007.png", "008.png is missing", "009.png = 010.png", "extra.png", "2 images are damaged or missing"):
        assert part in said, part
    profile = load_profile(tmp_path / "mine.toml")
    assert profile.data.skip_damaged
    assert profile.space.excluded("Black_Hair") == ["Blond_Hair"]  # CelebA's rule, which the labels keep
    assert open_split(profile, "train").preparation is not None
    assert main(["data", "check", str(tmp_path / "mine.toml")]) == 1


def test_the_profile_of_domains_opens(tmp_path: Path) -> None:
    for domain in ("oil", "ink"):
        photos(tmp_path / "mine" / domain, 30)
    (tmp_path / "mine" / "empty").mkdir()
    start_profile(tmp_path / "mine.toml", tmp_path / "mine")
    profile = load_profile(tmp_path / "mine.toml")
    assert profile.columns == ("oil2ink", "ink2oil") or set(profile.columns) == {"oil2ink", "ink2oil"}
    assert len(open_split(profile, "test")) > 0


@pytest.mark.parametrize("name", ["Brille", "眼鏡", "v1.2 (new)"])
def test_names_of_any_language_come_through(tmp_path: Path, name: str) -> None:
    photos(tmp_path / "mine", 40)
    write_table(tmp_path / "mine", f"file_name,{name},Bag", "{n}.png,{hat},{bag}", 40)
    start_profile(tmp_path / "mine.toml", tmp_path / "mine")
    assert load_profile(tmp_path / "mine.toml").attributes == (name, "Bag")


HOSTILE = ["<script>alert(1)</script>", "../../x", '"a\nb"', "x" * 300, '"a,b"', '"say ""hi"""', "A+B"]


@pytest.mark.parametrize("name", [*HOSTILE, "strength", "x-added"])
def test_a_name_that_cannot_be_one_is_left_out_or_refused_if_asked_for(tmp_path: Path, name: str) -> None:
    photos(tmp_path / "mine", 40)
    write_table(tmp_path / "mine", f"file_name,{name},Bag", "{n}.png,{hat},{bag}", 40)
    _, notes = start_profile(tmp_path / "mine.toml", tmp_path / "mine")
    assert load_profile(tmp_path / "mine.toml").attributes == ("Bag",)
    assert any(note.startswith("Left out a column") for note in notes) and all(note.isprintable() for note in notes)
    plain = name.strip('"').replace('""', '"')
    with pytest.raises(UserError) as error:
        start_profile(tmp_path / "other.toml", tmp_path / "mine", [plain, "Bag"])
    assert not (tmp_path / "other.toml").exists() and len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("head", "row", "count", "part"),
    [
        ("file_name,Hat", "{n}.png,2", 40, "no column of labels"),
        ("file_name,about", "{n}.png,text", 40, "no column of labels"),
        ("file_name,Hat,Hat", "{n}.png,{hat},{hat}", 40, "two columns 'Hat'"),
        ("name,Hat", "{n}.png,{hat}", 40, "no column 'file_name'"),
        ("file_name,Hat", "../{n}.png,{hat}", 40, "leads out of the folder"),
        ("file_name,Hat", "{n}.png,{hat}", 3, "too few images"),
    ],
)
def test_a_bad_folder_is_told_in_one_sentence_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], head: str, row: str, count: int, part: str
) -> None:
    photos(tmp_path / "mine", count)
    write_table(tmp_path / "mine", head, row, count)
    before = sorted(tmp_path.rglob("*"))
    assert main(["init", str(tmp_path / "mine.toml"), "--data", str(tmp_path / "mine")]) == 2
    said = capsys.readouterr().err
    assert part in said and said.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_single_wrong_value_in_a_column_of_labels_is_told(tmp_path: Path) -> None:
    photos(tmp_path / "mine", 40)
    write_table(tmp_path / "mine", "file_name,Hat", "{n}.png,{hat}", 40)
    text = (tmp_path / "mine" / "metadata.csv").read_text().replace("005.png,1", "005.png,2")
    (tmp_path / "mine" / "metadata.csv").write_text(text)
    with pytest.raises(UserError, match="line 7 has '2' for 'Hat'"):
        start_profile(tmp_path / "mine.toml", tmp_path / "mine")


def test_a_folder_that_holds_no_data_set_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match="holds no data set"):
        start_profile(tmp_path / "mine.toml", tmp_path / "mine")
    with pytest.raises(UserError, match="There is no folder"):
        start_profile(tmp_path / "mine.toml", tmp_path / "other")
    with pytest.raises(UserError, match="ends in"):
        start_profile(tmp_path / "mine.txt", tmp_path / "mine")


def test_texts_are_written_as_toml_reads_them() -> None:
    import tomllib

    for text in ('say "hi"', "back\\slash", "tab\t", "del\x7f", "眼鏡", ["a", 'b"']):
        assert tomllib.loads(f"key = {toml_text(text)}")["key"] == text


def test_export_writes_drawn_faces_that_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "faces"
    command = ["data", "export", "smoke", "--count", "40", "--attributes", "Earrings,Eyeglasses", "--out", str(out)]
    assert main(command) == 0
    assert main(command) == 2 and "exists already" in capsys.readouterr().err
    start_profile(tmp_path / "mine.toml", out)
    profile = load_profile(tmp_path / "mine.toml")
    images = open_split(profile, "train")
    assert profile.attributes == ("Earrings", "Eyeglasses") and 0.2 < images.labels.mean() < 0.8
    assert main(["data", "export", "celeba64", "--out", str(tmp_path / "no")]) == 2
    assert main(["data", "export", "smoke", "--attributes", "Hat", "--out", str(tmp_path / "no")]) == 2
    assert main(["data", "export", "animals64", "--count", "6", "--out", str(tmp_path / "animals")]) == 0
    assert sorted(path.name for path in (tmp_path / "animals").iterdir()) == ["cat", "dog", "wild"]
    assert not (tmp_path / "no").exists()
