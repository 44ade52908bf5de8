"""`bridgebench init`: looks at a folder of images, and writes a profile that trains and benchmarks on them.

The recipes are short ones, for a first run within minutes on a CPU; the numbers of the evaluation fit the images.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.check import Examined, Report
from bridgebench.harness.data.check_folder import check_folder
from bridgebench.harness.data.folder import SPLIT_NAMES, SPLITS, domain_folders, list_folder, split_folders, tables_of
from bridgebench.harness.data.metadata import FILES, Metadata, read_metadata
from bridgebench.harness.data.photo_sources import PhotoFolder
from bridgebench.harness.profiles.profile import Profile, check_columns, load_profile
from bridgebench.methods.core.errors import UserError, did_you_mean
from bridgebench.methods.core.files import real_path, refuse_existing, write_bytes
from bridgebench.methods.core.labels import CELEBA_RULES

_OPENED = 20_000  # images that are opened, at most
_LARGEST_SIDE = 64  # pixels: a first training on a CPU takes minutes at this side, an hour at twice as much
_SPLIT_COLUMNS = ("split", "partition", "subset", "set")
_GROUP_COLUMNS = ("person", "person_id", "identity", "identity_id", "subject", "subject_id", "group", "group_id")
_MOSTLY = 0.9  # from this share of 0 and 1 on, a column is one of labels, and its other values are mistakes
# Shares to train on, to validate and to test: the first ones that leave enough of each split, in images.
_SHARES = ((0.8, 0.1, 0.1), (0.7, 0.1, 0.2), (0.6, 0.1, 0.3), (0.5, 0.15, 0.35), (0.4, 0.2, 0.4))
_ENOUGH = ((1000, 200), (60, 20), (12, 4), (7, 3), (4, 2))  # test and validation images, from plenty to the least
_CELEBAS = {(218, 178): "{ left = 16, top = 51, size = 146 }"}  # height and width of aligned photos, and the face there


@dataclass
class Found:
    """What a folder holds.

    Attributes:
        root: the folder.
        labels: "attributes" or "domains".
        names: the label columns.
        split_column, group_column: columns that look so; "" where there is none.
        notes: sentences for the user.
        groups: CelebA's groups of attributes that exclude each other, which the labels keep.
        apart: pairs of other attributes that no image has together.
    """

    root: Path
    labels: str
    names: list[str]
    split_column: str = ""
    group_column: str = ""
    notes: list[str] = field(default_factory=list)
    groups: list[list[str]] = field(default_factory=list)
    apart: list[list[str]] = field(default_factory=list)


def start_profile(path: Path, root: Path, attributes: Sequence[str] | None = None) -> tuple[Report, list[str]]:
    """Writes a profile for a folder of images.

    Args:
        path: the profile's file, which must not be there.
        root: the folder of the images.
        attributes: label columns (or domains) to take; None: all that look like some.

    Returns:
        What the folder holds and what is wrong with it, and sentences about what was chosen.

    Raises:
        UserError: the file cannot be written or is there already; or the folder is missing, holds no data set, too few
            images, or labels that are damaged. Nothing is then written.
    """
    if path.suffix != ".toml":
        raise UserError(f"A profile is a file that ends in .toml, not {path}.")
    refuse_existing(path)
    if not root.is_dir():
        raise UserError(f"There is no folder {root}.")
    if not str(real_path(root)).isprintable():
        raise UserError(f"The path of {root} has characters that a profile cannot hold: rename the folder.")
    found = look(root, attributes)
    draft, sizes = _divide(_draft(found, path), path, found)
    report, examined = check_folder(_loaded(path, found, draft), None, _OPENED)
    text = profile_text(found, draft | _by_pictures(found, examined, report), sizes)
    _parsed(path, text)
    write_bytes(path, text.encode())
    return report, found.notes


def look(root: Path, attributes: Sequence[str] | None = None) -> Found:
    """What a folder holds, by its table or its folders; no image is opened. For arguments see `start_profile`."""
    try:
        tables = tables_of(root)
    except UserError:
        if any((root / name).exists() for name in FILES):
            raise
        return _look_at_domains(root, attributes)
    whole = [read_metadata(path) for _, path in tables]
    found = Found(root, "attributes", [])
    known = [name for name in whole[0].names if all(name in table.names for table in whole)]
    for name in attributes or ():
        if name not in known:
            raise UserError(f"{whole[0].path} has no column '{name}'.{did_you_mean(name, known)}")
    for name in dict.fromkeys(attributes or known):
        if _is_label(name, whole, found, asked=attributes is not None):
            found.names.append(name)
    if not found.names:
        raise UserError(
            f"{whole[0].path} has no column of labels: an attribute is a column of 0 and 1 (or -1 and 1, true and "
            f"false), of which some images have each; its columns: {', '.join(known)[:200] or 'none'}."
        )
    found.split_column = next((name for name in known if name.lower() in _SPLIT_COLUMNS and _splits(name, whole)), "")
    found.group_column = next((name for name in known if name.lower() in _GROUP_COLUMNS and _groups(name, whole)), "")
    labels = np.concatenate([table.labels(found.names) for table in whole])
    for group in CELEBA_RULES:
        members = [name for name in found.names if name in group]
        if len(members) > 1 and (labels[:, [found.names.index(name) for name in members]].sum(axis=1) < 2).all():
            found.groups.append(members)
    found.apart = _apart(found, labels)
    return found


def _look_at_domains(root: Path, attributes: Sequence[str] | None) -> Found:
    source = PhotoFolder(root)
    counts = {name: sum(len(source.photos(one)) for one in folders) for name, folders in domain_folders(root).items()}
    known = [name for name, count in counts.items() if count]
    for name in attributes or ():
        if name not in known:
            raise UserError(f"{root} has no folder '{name}' with images.{did_you_mean(name, known)}")
    names = list(dict.fromkeys(attributes or known))
    if len(names) < 2:
        raise UserError(
            f"{root} holds no data set: it needs {' or '.join(FILES)} (the column file_name, and a column for each "
            "attribute), or a folder of images for each of two domains or more."
        )
    try:
        check_columns(names)
    except ValueError as error:
        raise UserError(f"{root}: a folder cannot give its name to a domain: {error}") from error
    return Found(root, "domains", names)


def _is_label(name: str, tables: Sequence[Metadata], found: Found, *, asked: bool) -> bool:
    """Whether a column holds labels that can be trained on; if not, and it looks like some, a note says why."""
    values = Counter(value.strip().lower() for table in tables for value in table.columns[name])
    usual = sum(values[value] for value in ("0", "1", "-1", "0.0", "1.0", "-1.0", "true", "false"))
    if not asked and usual < _MOSTLY * sum(values.values()):
        return False
    labels = np.concatenate([table.labels([name]) for table in tables])
    try:
        check_columns([*found.names, name])
    except ValueError as error:
        if asked:
            raise UserError(f"{tables[0].path}: {error}") from error
        found.notes.append(f"Left out a column: {error}")
        return False
    if not asked and labels.min() == labels.max():
        found.notes.append(f"Left out '{name}': all images have the same value.")
        return False
    return True


def _splits(name: str, tables: Sequence[Metadata]) -> bool:
    values = {value.strip().lower() for table in tables for value in table.columns[name]}
    return values <= SPLIT_NAMES.keys() and {SPLIT_NAMES[value] for value in values} == {*SPLITS}


def _groups(name: str, tables: Sequence[Metadata]) -> bool:
    values = Counter(value.strip() for table in tables for value in table.columns[name])
    return "" not in values and 1 < len(values) < sum(values.values())


def _apart(found: Found, labels: NDArray[np.uint8]) -> list[list[str]]:
    """Pairs that no image has together although five would, were they independent; groups that are known aside."""
    shares, pairs = labels.mean(axis=0), []
    for first, one in enumerate(found.names):
        for second in range(first + 1, len(found.names)):
            other = found.names[second]
            known = any(one in group and other in group for group in found.groups)
            expected = len(labels) * shares[first] * shares[second]
            if not known and expected >= 5 and not (labels[:, first] & labels[:, second]).any():
                pairs.append([one, other])
    return pairs


Keys = dict[str, str]  # of the table [data], as they are written


def _draft(found: Found, path: Path) -> Keys:
    """The keys of ``[data]`` that are known before an image is opened."""
    keys: Keys = {"name": '"folder"', "root": toml_text(_from_profile(found.root, path)), "image_size": "32"}
    if found.labels == "domains":
        keys["labels"] = '"domains"'
    if found.split_column and not (found.labels == "attributes" and split_folders(found.root)):
        keys["split_column"] = toml_text(found.split_column)
    if found.group_column:
        keys["group_column"] = toml_text(found.group_column)
    return keys


def _from_profile(root: Path, path: Path) -> str:
    """The folder's path from the profile, where it lies beside or below it; else its whole path."""
    here, there = real_path(path).parent, real_path(root)
    return os.path.relpath(there, here) if there.is_relative_to(here) else str(there)


def _divide(draft: Keys, path: Path, found: Found) -> tuple[Keys, tuple[int, int, int]]:
    """The keys with the shares of the splits that leave enough images of each, and the images of each split.

    Raises:
        UserError: there are too few images.
    """
    given = "split_column" in draft or (
        bool(split_folders(found.root)) and not any((found.root / name).is_file() for name in FILES)
    )
    tried: list[tuple[Keys, tuple[int, int, int]]] = []
    for train, validation, test in _SHARES[:1] if given else _SHARES:
        shares = f"{{ train = {train}, validation = {validation}, test = {test} }}"
        keys = draft if given else draft | {"shares": shares}
        splits = list_folder(_loaded(path, found, keys), None).splits
        sizes = int((splits == 0).sum()), int((splits == 1).sum()), int((splits == 2).sum())
        tried.append((keys, sizes))
        if sizes[1] >= _ENOUGH[0][1] and sizes[2] >= _ENOUGH[0][0]:
            break  # the table of a large folder is read once
    for least_test, least_validation in _ENOUGH:
        for keys, (train, validation, test) in tried:
            if test >= least_test and validation >= least_validation and (given or train >= test):
                return keys, (train, validation, test)
    most = max((each for _, each in tried), key=min)
    raise UserError(
        f"{found.root} holds too few images: {most[0]} to train, {most[1]} to validate and {most[2]} to test; some 20 "
        "in all are the least."
    )


def _by_pictures(found: Found, examined: Sequence[Examined], report: Report) -> Keys:
    """The keys of ``[data]`` that follow from the images themselves."""
    sizes = Counter(photo.size for photo in examined if photo.size)
    if not sizes:
        raise UserError(f"Not one image of {found.root} can be opened: {examined[0].problem}")
    short = int(np.median([min(size) for size in sizes.elements()]))
    side = next((side for side in (_LARGEST_SIDE, 32) if side <= short), 32)
    (height, width), count = sizes.most_common(1)[0]
    told = f"{width} x {height} pixels" + ("" if len(sizes) == 1 else f" ({count:,} of {sizes.total():,} images)")
    found.notes.append(
        f"The images have {told}; they are brought to {side} x {side}"
        + (f": larger ones are for a GPU (image_size = {short // 32 * 32} at most)." if short >= 2 * side else ".")
    )
    keys = {"image_size": str(side)}
    if len(sizes) == 1 and (height, width) in _CELEBAS:
        keys["crop"] = _CELEBAS[height, width]
        found.notes.append("They have the size of CelebA's aligned photos, so the face is cut out as there.")
    elif any(high != wide for high, wide in sizes):
        found.notes.append("They are cut to the largest square in the middle; crop under [data] names another one.")
    if report.errors:
        keys["skip_damaged"] = "true"
        found.notes.append(f"{report.errors:,} images are damaged or missing: they are left out (skip_damaged).")
    return keys


def _loaded(path: Path, found: Found, keys: Keys) -> Profile:
    """A profile with these keys of ``[data]`` and nothing else of its own, to list the images with."""
    here = {"root": toml_text(str(real_path(found.root))), "train": "0", "validation": "0", "test": "0"}
    text = "\n".join(
        [
            f"attributes = {toml_text(found.names)}",
            'methods = ["identity"]',
            *("[data]", *(f"{key} = {value}" for key, value in (keys | here).items())),
            *("[evaluation]", "n = 0", "batch = 1", "minimum_n = 2"),
        ]
    )
    return _parsed(path, text)


def _parsed(path: Path, text: str) -> Profile:
    """The profile of a text, as if it stood in the file at `path`.

    Raises:
        UserError: it is no valid profile.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_text(text, encoding="utf-8")
        try:
            return load_profile(copy)
        except UserError as error:
            raise UserError(str(error).replace(str(copy), str(path))) from error


def toml_text(value: str | Sequence[str] | Sequence[Sequence[str]]) -> str:
    """A text, or a list of texts, as TOML writes it: JSON's form, with the one sign escaped that TOML forbids."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def profile_text(found: Found, keys: Keys, sizes: tuple[int, int, int]) -> str:
    """The whole profile, as a file.

    Args:
        found: what the folder holds.
        keys: of the table ``[data]``.
        sizes: images to train on, to validate and to test.
    """
    train, _, test = sizes
    domains = found.labels == "domains"
    edited = max(1, min(50, test // len(found.names)) if domains else min(400, test // 2))
    several, probes = (0, min(8, edited)) if domains else (min(32, edited), min(16, edited))
    batch = min(16, train // 2 * 2)
    epochs = max(10, min(200, _JUDGE_STEPS * 64 // train))
    rules = ""
    if not domains:
        exclusive = ",\n".join(f"  {toml_text(group)}" for group in found.groups)
        exclusive = (
            f"exclusive = [\n{exclusive},\n]"
            if exclusive
            else "# exclusive = [[NAME, NAME, ...], ...]  # of each at most one"
        )
        apart = "".join(
            f"# No image has both of {toml_text(pair)}: a rule, perhaps?\n" for pair in found.apart[:_MOST_PAIRS]
        )
        rules = f"{exclusive}\n{apart}# implies = {{ NAME = [NAME, ...] }}  # what is there whenever NAME is\n"
    names = f"names = {toml_text(found.names)}\n{rules}" if not domains else ""
    return _TEXT.format(
        attributes=f"attributes = {toml_text(found.names)}\n" if domains else "",
        names=f"\n[attributes]\n{names}" if names else "",
        data="\n".join(f"{key} = {value}" for key, value in keys.items() if value),
        edited=edited,
        batch=min(32, edited),
        least=max(2, min(20, test // 6)),
        diversity=min(4, edited),
        several=several,
        flips=min(3, len(found.names)),
        probes=probes,
        train_batch=batch,
        epochs=epochs,
        judge_batch=min(64, max(2, train)),
    )


_JUDGE_STEPS = 600  # updates of a judge, about
_MOST_PAIRS = 10
_TEXT = """\
# Written by `bridgebench init`. Every key may be changed; see docs/tutorials/your-data.md.
about = "My images"
{attributes}methods = ["bridgegan", "stargan", "identity", "copy", "attack"]
{names}
[data]
{data}
train = 0                 # 0: all there are
validation = 0
test = 0
may_be_passed_on = false  # true: pages that are meant for others show the images, too, not the edits alone

[evaluation]
n = {edited}
batch = {batch}
seed = 0
features = "neutral"
minimum_n = {least}
diversity_images = {diversity}
diversity_draws = 4
outputs = 4

[evaluation.several]
n = {several}
k = {flips}

[evaluation.probes]
n = {probes}

# Short trainings, minutes on a CPU: a first look. docs/tutorials/train.md says how to train in earnest.
[train.bridgegan]
width = 8
code_channels = 8
spade_hidden = 16
encoder_width = 8
mapping_blocks = 3
discriminator_width = 8
batch_size = {train_batch}
iterations = 2000
n_critic = 1
loss_weights = "official-code"
classification = 40.0
d_classification = 20.0
precision = "auto"
warmup = 200
warmup_learning_rate = 1e-3
ramp = 1000
penalty_every = 2
share_fakes = true
cooldown = 500

[train.stargan]
width = 16
blocks = 2
discriminator_width = 16
batch_size = {train_batch}
iterations = 2000
n_critic = 1
learning_rate = 2e-4
decay = "linear"
decay_iterations = 500
precision = "auto"

[train.classifier]
epochs = {epochs}
batch_size = {judge_batch}

[train.judge]
epochs = {epochs}
batch_size = {judge_batch}

[train.features]
epochs = {epochs}
batch_size = {judge_batch}

[train.guide]
epochs = {epochs}
batch_size = {judge_batch}
"""
