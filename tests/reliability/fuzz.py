"""Bad input for every reader of files that strangers make: none may end in anything but a clear sentence.

    python tests/reliability/fuzz.py [--count 10000] [--seed 0 1 2] [--keep FOLDER]

Each input is a good file with random damage: bytes changed, cut, doubled or exchanged, numbers and words replaced by
hostile ones. A reader may take it or raise a UserError; any other exception, and any input that takes longer than ten
seconds, is a bug: its input is kept, and the exit code is 1.
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
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.record import to_json
from bridgebench.harness.data.celeba import read_labels, read_partition
from bridgebench.harness.data.photos import read_photo
from bridgebench.harness.profiles.profile import SHIPPED, load_profile
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
from figures import record

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
    records = tuple((run / name).read_bytes() for name in ("run.json", "baselines.json", _CELL))
    return [
        Target("PyTorch checkpoint", read_torch, (state, legacy), ".pth", 4),
        Target("numpy checkpoint", read_npz, (arrays,), ".npz", 3),
        Target("checkpoint importer", _importer(folder), (state,), ".ckpt", 1),
        Target("weights file", _weights_reader, (weights.read_bytes(),), ".safetensors", 3),
        Target("CelebA labels", read_labels, (_LABELS, _LABELS.replace(b" ", b","), _CSV), ".txt", 3),
        Target("CelebA labels, CSV", read_labels, (_CSV,), ".csv", 2),
        Target("CelebA partition", read_partition, (_PARTITION, _PARTITION.replace(b" ", b",")), ".txt", 1),
        Target("profile", load_profile, tuple(path.read_bytes() for path in SHIPPED.glob("*.toml")), ".toml", 2),
        Target("cell", CellRecord.find, records[2:], ".json", 1),
        *(Target(f"run directory: {name}", _run_reader(run, name), (data,), ".json", 1)
          for name, data in zip(("run.json", "baselines.json", _CELL), records, strict=True)),
        Target("TorchScript file", read_torchscript, (_program(folder),), ".pt", 3),
        Target("record archive", _archive_reader, (zipped(RunDirectory(run)),), ".zip", 3),
        Target("manifest", _manifest_reader(run), (_manifest(run),), ".json", 1),
        Target("photo", read_photo, (_picture("PNG"), _picture("JPEG")), ".png", 2),
    ]  # fmt: skip


_CELL = "cells/stargan/label/Male.json"
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
    return lambda path: import_weights("stargan", [path], folder / "imported.safetensors", attributes=["A", "B"])


def _weights_reader(path: Path) -> None:
    with contextlib.suppress(UserError):
        show_weights(path)
    methods.load("stargan", path)


def _run_reader(run: Path, name: str) -> Callable[[Path], Any]:
    def read(path: Path) -> None:
        good = (run / name).read_bytes()
        try:
            (run / name).write_bytes(path.read_bytes())
            Run(run)
        finally:
            (run / name).write_bytes(good)

    return read


def _picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 20, 3), np.uint8)).save(file, kind)
    return file.getvalue()


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
            try:
                with _in_time():
                    target.read(path)
                outcome = "taken"
            except UserError:
                outcome = "refused"
            except Exception:
                outcome = "bug"
                print(f"input {number} for the reader '{target.name}':\n{traceback.format_exc()}", file=sys.stderr)
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{seed}-{number}{target.suffix}").write_bytes(data)
            found[target.name][outcome] += 1
    return dict(found)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    count, keep = given.count, given.keep
    runs = [{"inputs": count, "seed": seed, "readers": fuzz(count, seed, keep)} for seed in given.seed]
    record("fuzz", {"runs": runs})
    return 1 if any(outcome["bug"] for run in runs for outcome in run["readers"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
