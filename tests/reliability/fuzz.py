"""Bad input for every reader of files that strangers make: none may end in anything but a clear sentence.

    python tests/reliability/fuzz.py [--count 10000] [--seed 0] [--keep FOLDER]

Each input is a good file with random damage: bytes changed, cut, doubled or exchanged, numbers and words replaced by
hostile ones. A reader may take it or raise a UserError; any other exception, and any input that takes longer than ten
seconds, is a bug: its input is kept, and the exit code is 1. The counts are added to those in ``figures.json``.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import random
import signal
import struct
import sys
import tempfile
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from bridgebench import methods
from bridgebench.eval.records.archive import archived_run, zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.manifest import changes, manifest_of, read_manifest
from bridgebench.eval.records.marks import Mark
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.reals import RealsRecord
from bridgebench.eval.records.record import to_json
from bridgebench.harness.data.cache import cached_images
from bridgebench.harness.data.celeba import read_labels, read_partition
from bridgebench.harness.data.photo_sources import PhotoZip
from bridgebench.harness.data.photos import read_photo
from bridgebench.harness.processes.holder import holder
from bridgebench.harness.profiles.profile import SHIPPED, load_profile
from bridgebench.harness.train.checkpoint import read_state
from bridgebench.harness.train.progress_file import FILE as PROGRESS
from bridgebench.harness.train.progress_file import TrainingProgress
from bridgebench.harness.weights.official import import_weights
from bridgebench.harness.weights.show import show_weights
from bridgebench.methods import editor_class
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.official.files import read_npz, read_torch
from bridgebench.methods.official.torchscript import read_torchscript
from bridgebench.reports.read.run import Run

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "reports"))
from fake_run import write_run
from figures import add

_SECONDS = 10
# What readers stumble over: edges of number ranges, code in pickles, ways out of a folder, markup, deep nesting.
_HOSTILE = [
    b"\x00", b"\xff" * 8, b"\x00" * 16, struct.pack("<Q", 2**63), struct.pack("<I", 2**31), b"-1", b"1e999", b"NaN",
    b"99999999999999999999999999", b"null", b"[]", b"{}", b'""', b"true", b"cos\nsystem\n(S'echo'\ntR.", b"../../x",
    b"/etc/passwd", b"<script>", b"[" * 3000, b"{\"a\":" * 3000, b"\xef\xbb\xbf", b"\xf0\x28\x8c\x28", b"\r\n" * 50,
    b"#", b"=", b'"', b"-1 " * 40, b"1 " * 40, b"\x1b[2J", b"%s%n", b"A" * 10_000, b"PK\x03\x04", b"\x89PNG\r\n\x1a\n",
]  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A reader, and good files that it is fed damaged copies of."""

    name: str
    read: Callable[[Path], Any]
    good: tuple[bytes, ...]
    suffix: str
    share: int = 1


def damaged(good: tuple[bytes, ...], draw: random.Random) -> bytes:
    """One of the files with one to four random changes."""
    data = bytearray(draw.choice(good))
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(data) + 1)
        # Most of what a reader decides on stands at a file's ends.
        if draw.random() < 0.5:
            place = min(place, draw.randrange(200)) if draw.random() < 0.6 else max(place, len(data) - 200)
        length = min(len(data) - place, int(2 ** draw.uniform(0, 8)))
        kind = draw.randrange(6)
        if kind == 0 and length:
            for index in range(place, place + min(length, 4)):
                data[index] = draw.randrange(256)
        elif kind == 1:
            del data[place : place + length]
        elif kind == 2:
            data[place:place] = data[place : place + length]
        elif kind == 3:
            data[place : place + draw.choice((0, length))] = draw.choice(_HOSTILE)
        elif kind == 4 and length:
            data[place] ^= 1 << draw.randrange(8)
        else:
            other = draw.choice(good)
            start = draw.randrange(len(other))
            data[place : place + length] = other[start : start + length]
    return bytes(data[: draw.randrange(len(data) + 1)] if draw.random() < 0.05 else data)


def targets(folder: Path) -> list[Target]:
    """All readers; `folder` is for what they need around the file."""
    weights = _weights(folder)
    state, legacy, arrays = _checkpoints(weights)
    run = write_run(folder / "run", pictures=False)
    records = tuple((run / name).read_bytes() for name in _RECORDS)
    outcomes, reals = _edits(folder)
    images, blocks = _cached(folder)
    return [
        Target("PyTorch checkpoint", read_torch, (state, legacy), ".pth", 4),
        Target("numpy checkpoint", read_npz, (arrays,), ".npz", 3),
        Target("checkpoint importer", _importer(folder), (state,), ".ckpt", 1),
        Target("weights file", _weights_reader, (weights.read_bytes(),), ".safetensors", 3),
        Target("CelebA labels", read_labels, (_LABELS, _LABELS.replace(b" ", b","), _CSV), ".txt", 3),
        Target("CelebA labels, CSV", read_labels, (_CSV,), ".csv", 2),
        Target("CelebA partition", read_partition, (_PARTITION, _PARTITION.replace(b" ", b",")), ".txt", 1),
        Target("profile", load_profile, tuple(path.read_bytes() for path in SHIPPED.glob("*.toml")), ".toml", 2),
        Target("cell", CellRecord.find, records[2:3], ".json", 1),
        *(Target(f"run directory: {name}", _run_reader(run, name), (data,), ".json", 1)
          for name, data in zip(_RECORDS, records, strict=True)),
        Target("mark of a folder", Mark.find, (_MARK,), ".json", 1),
        Target("outcomes of single edits", Outcomes.read, (outcomes,), ".npz", 2),
        Target("matched real images", lambda path: RealsRecord.find(path, "k"), (reals,), ".npz", 2),
        Target("cache of images: images.npy", _cache_reader(folder, "images.npy"), (images,), ".npy", 1),
        Target("cache of images: blocks.jsonl", _cache_reader(folder, "blocks.jsonl"), (blocks,), ".jsonl", 1),
        Target("training checkpoint", _state_reader(folder), (state,), ".pt", 1),
        Target("progress of a training", _in(folder, PROGRESS, TrainingProgress.find), (_PROGRESS,), ".json", 1),
        Target("lock", _in(folder, ".lock", holder), (_LOCK,), ".json", 1),
        Target("zip of photos", _zip_reader, (_zip(),), ".zip", 3),
        Target("TorchScript file", read_torchscript, (_program(folder),), ".pt", 3),
        Target("record archive", _archive_reader, (zipped(RunDirectory(run)),), ".zip", 3),
        Target("manifest", _manifest_reader(run), (_manifest(run),), ".json", 1),
        Target("photo", read_photo, _pictures(), ".png", 3),
    ]  # fmt: skip


_RECORDS = ("run.json", "baselines.json", "cells/stargan/label/Male.json", "cost/stargan/label.json")
_MARK = b'{"schema": 1, "program": "bridgebench", "kind": "training"}'
_PROGRESS = (
    TrainingProgress(
        iteration=7,
        total=20,
        seconds=1.5,
        images=56,
        images_per_second=8.0,
        seconds_left=2.5,
        losses={"d": 0.5, "g": 1.0},
    )
    .model_dump_json()
    .encode()
)
_LOCK = b'{"host": "elsewhere", "pid": 4711, "boot": "b", "started": 1.5}'
_ROW = " ".join(["1", "-1"] * 20)
_NAMES = " ".join(f"Name_{index}" for index in range(40))
_LABELS = f"4\n{_NAMES}\n{''.join(f'{index:06d}.jpg  {_ROW}{chr(10)}' for index in range(1, 5))}".encode()
_CSV = _LABELS.split(b"\n", 1)[1].replace(b"  ", b",").replace(b" ", b",").replace(b"Name_0", b"image_id,Name_0", 1)
_PARTITION = b"".join(b"%06d.jpg %d\n" % (index, index % 3) for index in range(1, 9))


def _weights(folder: Path) -> Path:
    torch.manual_seed(0)
    editor = editor_class("stargan")(attributes=CELEBA14[:2], image_size=32, width=2, blocks=1)
    path = folder / "good.safetensors"
    methods.save(editor, path, {"origin": "a test"}, half=True)
    return path


def _checkpoints(weights: Path) -> tuple[bytes, bytes, bytes]:
    """The state of a small StarGAN in PyTorch's two formats, and as numpy arrays."""
    from bridgebench.methods.core.weights import load_tensors

    tensors = {name.removeprefix("generator."): tensor for name, tensor in load_tensors(weights).items()}
    files = [io.BytesIO() for _ in range(3)]
    torch.save(tensors, files[0])
    torch.save(tensors, files[1], _use_new_zipfile_serialization=False)
    np.savez(files[2], **{name: tensor.numpy() for name, tensor in tensors.items()})
    state, legacy, arrays = (file.getvalue() for file in files)
    return state, legacy, arrays


def _program(folder: Path) -> bytes:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    torch.jit.script(network).save(str(folder / "program.pt"))
    return (folder / "program.pt").read_bytes()


def _archive_reader(path: Path) -> None:
    """Reads the records, and looks whether a member went anywhere but below the temporary folder."""
    around = sorted(Path(tempfile.gettempdir()).glob("*escaped*"))
    try:
        with archived_run(path) as folder:
            Run(folder)
    finally:
        if sorted(Path(tempfile.gettempdir()).glob("*escaped*")) != around:
            raise AssertionError("it wrote outside of its folder")


def _manifest(run: Path) -> bytes:
    """A manifest without a seal, so that its damage is not told by the seal alone."""
    return to_json(manifest_of(run, sorted(run.rglob("*.json"))).plain())


def _manifest_reader(run: Path) -> Callable[[Path], Any]:
    def read(path: Path) -> None:
        (run / "manifest.json").write_bytes(path.read_bytes())
        changes(run, read_manifest(run, run))

    return read


def _importer(folder: Path) -> Callable[[Path], Any]:
    def read(path: Path) -> None:
        (folder / "imported.safetensors").unlink(missing_ok=True)
        import_weights("stargan", [path], folder / "imported.safetensors", attributes=["A", "B"])

    return read


def _weights_reader(path: Path) -> None:
    with contextlib.suppress(UserError):
        show_weights(path)
    methods.load("stargan", path)


def _edits(folder: Path) -> tuple[bytes, bytes]:
    """The outcomes of three edits, and their matched real images."""
    count, columns = 3, 2
    labels, seen = np.ones((count, columns), np.uint8), np.ones((count, columns), np.bool_)
    halves, numbers = np.ones((count, columns), np.float16), np.arange(count, dtype=np.int32)
    Outcomes(
        "k", numbers, numbers, numbers, numbers.astype(np.float32), seen, labels, labels, seen, seen, halves, halves,
        halves, halves, {"skill": np.ones(count, np.float32)},
    ).write(folder / "outcomes.npz")  # fmt: skip
    RealsRecord("k", halves, labels, numbers, labels[:, 0]).write(folder / "reals.npz")
    return (folder / "outcomes.npz").read_bytes(), (folder / "reals.npz").read_bytes()


def _squares(folder: Path) -> None:
    cached_images({}, _square, range(9), size=4, name="squares", cache_dir=folder / "cache")


def _square(job: int) -> np.ndarray:
    return np.full((4, 4, 3), job, np.uint8)


def _cached(folder: Path) -> tuple[bytes, bytes]:
    _squares(folder)
    images, blocks = (next(folder.glob(f"cache/*/{name}")) for name in ("images.npy", "blocks.jsonl"))
    return images.read_bytes(), blocks.read_bytes()


def _cache_reader(folder: Path, name: str) -> Callable[[Path], Any]:
    def read(path: Path) -> None:
        next(folder.glob(f"cache/*/{name}")).write_bytes(path.read_bytes())
        _squares(folder)

    return read


def _in(folder: Path, name: str, find: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """A reader that looks for a file of that name in a folder."""

    def read(path: Path) -> None:
        (folder / name).write_bytes(path.read_bytes())
        find(folder)

    return read


def _state_reader(folder: Path) -> Callable[[Path], Any]:
    return _in(folder, "checkpoint.pt", lambda found: read_state(found, {}))


def _zip_reader(path: Path) -> None:
    photos = PhotoZip(path)
    for folder in photos.folders():
        for name in photos.photos(folder):
            photos.read(name)


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("1.png", "cats/2.png", "cats/3.jpg", "notes.txt"):
            archive.writestr(name, _picture("PNG"))
    return file.getvalue()


def _run_reader(run: Path, name: str) -> Callable[[Path], Any]:
    def read(path: Path) -> None:
        good = (run / name).read_bytes()
        try:
            (run / name).write_bytes(path.read_bytes())
            Run(run)
        finally:
            (run / name).write_bytes(good)

    return read


def _picture(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 20, 3), np.uint8))
    picture = picture.convert("L").convert("I").convert(mode) if mode == "I;16" else picture.convert(mode)
    picture.save(file, kind, **options)
    return file.getvalue()


def _pictures() -> tuple[bytes, ...]:
    """Photos of every kind that is read, and of kinds that are refused."""
    turned = Image.Exif()
    turned[0x0112] = 6
    pngs = [_picture("PNG", mode) for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")]
    pngs += [_picture("PNG", "P", transparency=0)]
    jpegs = [_picture("JPEG"), _picture("JPEG", "L"), _picture("JPEG", "CMYK"), _picture("JPEG", progressive=True)]
    jpegs += [_picture("JPEG", exif=turned)]
    return (*pngs, *jpegs, *(_picture(kind) for kind in ("GIF", "BMP", "TIFF", "WEBP", "PPM")))


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"more than {_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def feed(target: Target, path: Path) -> str:
    """What a reader makes of a file: ``taken``, ``refused`` (a UserError), or ``bug``, whose traceback is printed."""
    try:
        with _in_time():
            target.read(path)
    except UserError:
        return "refused"
    except Exception:
        print(f"input for the reader '{target.name}':\n{traceback.format_exc()}", file=sys.stderr)
        return "bug"
    return "taken"


def fuzz(count: int, seed: int, keep: Path | None = None) -> dict[str, dict[str, int]]:
    """Feeds `count` inputs to the readers in turn.

    Args:
        count: inputs in all.
        seed: of the damage.
        keep: where inputs that show a bug are written.

    Returns:
        By reader, how many inputs were ``taken``, ``refused`` (a UserError) and ended in a ``bug``.
    """
    warnings.simplefilter("ignore")
    draw = random.Random(seed)
    found: dict[str, dict[str, int]] = collections.defaultdict(lambda: {"taken": 0, "refused": 0, "bug": 0})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every = [target for target in targets(folder) for _ in range(target.share)]
        for number in range(count):
            target = every[number % len(every)]
            path = folder / f"input{target.suffix}"
            data = damaged(target.good, draw)
            path.write_bytes(data)
            outcome = feed(target, path)
            if outcome == "bug" and keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{seed}-{number}{target.suffix}").write_bytes(data)
            found[target.name][outcome] += 1
    return dict(found)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = fuzz(given.count, given.seed, given.keep)
    add("inputs", {"readers": found})
    return 1 if any(outcomes["bug"] for outcomes in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
