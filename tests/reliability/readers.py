"""Every reader of files that strangers make, each with good files that it reads: `fuzz.py` feeds it damaged ones."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import shutil
import socket
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch

from bridgebench import methods
from bridgebench.eval.judges.classifier import load_classifier
from bridgebench.eval.judges.inception_official import import_inception
from bridgebench.eval.records.archive import archived_run, unpack, zipped
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.eval.records.manifest import changes, manifest_of, read_manifest
from bridgebench.eval.records.marks import Mark
from bridgebench.eval.records.measured import CellRecord
from bridgebench.eval.records.outcomes import Outcomes
from bridgebench.eval.records.reals import RealsRecord
from bridgebench.eval.records.record import to_json
from bridgebench.eval.records.seal import sealed
from bridgebench.harness.benchmark.status import benchmark_status
from bridgebench.harness.benchmark.stored_profile import stored_profile
from bridgebench.harness.data.cache import cached_images
from bridgebench.harness.data.celeba import read_labels, read_partition
from bridgebench.harness.data.check import check, report_lines
from bridgebench.harness.data.metadata import read_metadata
from bridgebench.harness.data.photo_sources import PhotoZip
from bridgebench.harness.data.photos import colour_profile, read_photo
from bridgebench.harness.processes.channel import Channel, Closed, Silent
from bridgebench.harness.processes.holder import holder
from bridgebench.harness.profiles.profile import SHIPPED, load_profile
from bridgebench.harness.train.checkpoint import Progress, load_checkpoint, read_progress, save_checkpoint
from bridgebench.harness.train.progress_file import FILE as PROGRESS
from bridgebench.harness.train.progress_file import TrainingProgress
from bridgebench.harness.weights.card_page import card_text
from bridgebench.harness.weights.official import import_weights
from bridgebench.harness.weights.show import show_weights
from bridgebench.methods import editor_class, foreign, start_training
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.core.weights import header
from bridgebench.methods.official.files import read_npz, read_torch
from bridgebench.methods.official.torchscript import read_torchscript
from bridgebench.reports.read.compare import compare
from bridgebench.reports.read.run import Run
from bridgebench.reports.single import single_file
from bridgebench.reports.site import render, site_of

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "methods"))
sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
from little_run import COLUMNS, NAMES, write_little_run
from merge_readers import merge_targets, own_measures_targets
from page_check import check_pages
from sample_pictures import jpegs, others, picture, pngs
from small_judges import small_judges
from target import Target
from task_readers import task_targets

TESTS = Path(__file__).parents[1]


def targets(folder: Path) -> list[Target]:
    """All readers; `folder` is for what they need around the file, and nothing else is written into it."""
    weights = _weights(folder)
    state, legacy, arrays = _checkpoints(weights)
    run = write_little_run(folder / "run")
    files = {kind: _good(run / name) for kind, name in NAMES.items()}
    outcomes, reals = _edits(folder)
    images, blocks = _cached(folder)
    cards = tuple(json.dumps(foreign.facts_of(methods.card(name))).encode() for name in ("bridgegan", "attack"))
    archive = zipped(RunDirectory(run))
    return [
        Target("PyTorch checkpoint", read_torch, (state, legacy), ".pth", 8),
        Target("numpy checkpoint", read_npz, (arrays,), ".npz", 8),
        *_importers(folder),
        Target("weights file", _weights_reader, (weights.read_bytes(),), ".safetensors", 10),
        Target("judge's weights", _judge_reader, (_judge(folder),), ".safetensors", 4),
        Target("CelebA labels", read_labels, (_LABELS, _LABELS.replace(b" ", b","), _CSV), ".txt", 8),
        Target("CelebA labels, CSV", read_labels, (_CSV,), ".csv", 6),
        Target("CelebA partition", read_partition, (_PARTITION, _PARTITION.replace(b" ", b",")), ".txt", 6),
        Target("data check: labels", _data_reader(folder, "list_attr_celeba.txt"), (_LABELS,), ".txt", 1),
        Target("data check: partition", _data_reader(folder, "list_eval_partition.txt"), (_PARTITION,), ".txt", 1),
        Target("data check: a photo", _data_reader(folder, "img_align_celeba/000001.jpg"), _PHOTOS, ".jpg", 1),
        Target("profile", load_profile, tuple(path.read_bytes() for path in SHIPPED.glob("*.toml")), ".toml", 8),
        Target("profile in a run", _verify_reader(run), files["run.json"], ".json", 4),
        Target("cell", CellRecord.find, files["cell"], ".json", 4),
        *(Target(f"run directory: {kind}", _run_reader(run, NAMES[kind]), good, NAMES[kind][-5:], 1)
          for kind, good in files.items()),
        Target("mark of a folder", Mark.find, (_MARK,), ".json", 2),
        Target("outcomes of single edits", Outcomes.read, (outcomes,), ".npz", 6),
        Target("matched real images", lambda path: RealsRecord.find(path, "k"), (reals,), ".npz", 4),
        Target("cache of images: images.npy", _cache_reader(folder, "images.npy"), (images,), ".npy", 1),
        Target("cache of images: blocks.jsonl", _cache_reader(folder, "blocks.jsonl"), (blocks,), ".jsonl", 1),
        Target("training checkpoint", *_training(folder), ".pt", 3),
        Target("progress of a training", _in(folder, PROGRESS, TrainingProgress.find), (_PROGRESS,), ".json", 3),
        Target("lock", _in(folder, ".lock", holder), (_LOCK,), ".json", 3),
        Target("card of a plug-in", _card_reader, cards, ".json", 6),
        Target("answer of a plug-in", _answer_reader, (_answer(),), ".bin", 4),
        Target("zip of photos", _zip_reader, (_zip(),), ".zip", 8),
        Target("TorchScript file", read_torchscript, (_program(folder),), ".pt", 8),
        Target("record archive", _archive_reader, (archive,), ".zip", 3),
        Target("archive that is unpacked", _unpack_reader(folder), (archive,), ".zip", 2),
        Target("table of a folder, CSV", read_metadata, (_TABLE,), ".csv", 6),
        Target("table of a folder, JSON lines", read_metadata, (_ROWS,), ".jsonl", 6),
        Target("manifest", _manifest_reader(run), (_manifest(run),), ".json", 3),
        Target("photo", _photo_reader, _PHOTOS, ".png", 12),
        *task_targets(folder / "asked"),
        *own_measures_targets(folder, run),
        *merge_targets(folder / "several", run),
    ]  # fmt: skip


_PHOTOS = (*pngs(), *jpegs(), *others())
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
_TABLE = b"file_name,Hat,Scarf,person\n" + b"".join(b"a/%d.png,%d,1,p%d\n" % (k, k % 2, k // 2) for k in range(8))
_ROWS = b"".join(b'{"file_name": "a/%d.png", "Hat": %d, "Scarf": true}\n' % (k, k % 2) for k in range(8))
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


def _unpack_reader(folder: Path) -> Callable[[Path], Any]:
    """Unpacks an archive, and looks whether anything half-written stays."""
    out = folder / "unpacked" / "run"
    out.parent.mkdir()

    def read(path: Path) -> None:
        shutil.rmtree(out, ignore_errors=True)
        try:
            unpack(path, out)
        finally:
            if left := [found.name for found in out.parent.iterdir() if found != out]:
                raise AssertionError(f"it left {left}")

    return read


def _manifest(run: Path) -> bytes:
    """A manifest without a seal, so that its damage is not told by the seal alone."""
    return to_json(manifest_of(run, sorted(run.rglob("*.json"))).plain())


def _manifest_reader(run: Path) -> Callable[[Path], Any]:
    def read(path: Path) -> None:
        (run / "manifest.json").write_bytes(path.read_bytes())
        changes(run, read_manifest(run, run))

    return read


def _weights_reader(path: Path) -> None:
    """Shown, as a card, and loaded."""
    for read in (show_weights, card_text, partial(methods.load, "stargan")):
        with contextlib.suppress(UserError):
            read(path)
    header(path)


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


def _zip_reader(path: Path) -> None:
    photos = PhotoZip(path)
    for folder in photos.folders():
        for name in photos.photos(folder):
            photos.read(name)


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("1.png", "cats/2.png", "cats/3.jpg", "notes.txt"):
            archive.writestr(name, picture("PNG"))
    return file.getvalue()


def _good(path: Path) -> tuple[bytes, ...]:
    """A file of the run; of a record also with a seal, so that a spoiled copy of it may carry one that fits."""
    if path.suffix != ".json":
        return (path.read_bytes(),)
    return to_json(sealed(json.loads(path.read_text()))), path.read_bytes()


def _run_reader(run: Path, name: str) -> Callable[[Path], Any]:
    """Reads a run with the damaged file in it, and one time of three makes its pages or something else of it."""

    def read(path: Path) -> None:
        good, data = (run / name).read_bytes(), path.read_bytes()
        try:
            (run / name).write_bytes(data)
            benchmark_status(run)
            found = Run(run)
            way = zlib.crc32(data) % 9
            if way == 0:
                check_pages(render(found))
            elif way == 1:
                check_pages({"index.html": single_file(site_of(found))})
            elif way == 2:
                compare(run, run).page()
                zipped(RunDirectory(run))
        finally:
            (run / name).write_bytes(good)

    return read


def _verify_reader(run: Path) -> Callable[[Path], Any]:
    """What `bridgebench verify` does before it computes: the profile in run.json, and the weights that it names."""

    def read(path: Path) -> None:
        good = (run / "run.json").read_bytes()
        try:
            (run / "run.json").write_bytes(path.read_bytes())
            record = RunDirectory(run).read_run()
            weights = [*record.judges.values(), *(method.weights for method in record.methods.values())]
            known = {each.sha256 for each in weights if each is not None} | {record.features.digest}
            stored_profile(run / "run.json", record.profile, known, record.methods, None)
        finally:
            (run / "run.json").write_bytes(good)

    return read


def _importers(folder: Path) -> list[Target]:
    """The importer of each method, with a small checkpoint that it takes, and that of Inception."""
    found = []
    for method, (columns, make) in _MAKERS.items():
        place = folder / f"official {method}"
        place.mkdir()
        paths = make(_test_of(method), place)
        good, suffix = (paths[0].read_bytes(),), paths[0].suffix
        found.append(Target(f"importer: {method}", _importer(method, paths, columns), good, suffix, 3))
    return [*found, Target("importer: inception", import_inception, (_program(folder),), ".pt", 3)]


def _save(path: Path, state: Any) -> list[Path]:
    torch.save(state, path)
    return [path]


# How many label columns a small checkpoint has (None: as many as the official ones); and what makes its files, from
# the module of the method's tests and a folder. The first of them is damaged.
_MAKERS: dict[str, tuple[int | None, Callable[[Any, Path], list[Path]]]] = {
    "bridgegan": (3, lambda tests, at: [tests.saved(at / "0.npz", tests.official_tensors(tests.tiny.__wrapped__()))]),
    "stargan": (2, lambda tests, at: _save(at / "1-G.ckpt", tests.sized(4, 1, 2))),
    "starganv2": (2, lambda tests, at: [tests.saved(at, tests.narrow(2))]),
    "stgan": (None, lambda tests, at: [tests.saved(at / "0.npz", tests.checkpoint(discriminator=False))]),
    "smit": (2, lambda tests, at: _save(at / "1_G.pth", tests.small_generator(2))),
    "elegant": (2, lambda tests, at: tests.checkpoint(at, 2)),
    "homogan": (None, lambda tests, at: [*tests.checkpoint(at).values()]),
}  # fmt: skip


def _test_of(method: str) -> ModuleType:
    """The module of tests that makes the checkpoints."""
    path = TESTS / "methods" / method / f"test_{method}_official.py"
    spec = importlib.util.spec_from_file_location(f"checkpoints_of_{method}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _importer(method: str, paths: list[Path], columns: int | None) -> Callable[[Path], Any]:
    out = paths[0].with_name("imported.safetensors")
    attributes = None if columns is None else "ABC"[:columns]

    def read(path: Path) -> None:
        out.unlink(missing_ok=True)
        shutil.copyfile(path, paths[0])
        import_weights(method, paths, out, attributes)

    return read


def _judge(folder: Path) -> bytes:
    return small_judges(folder, "a test", COLUMNS)["classifier"].read_bytes()


def _judge_reader(path: Path) -> None:
    load_classifier(path, COLUMNS)


def _photo_reader(path: Path) -> None:
    read_photo(path)
    colour_profile(path)


def _data_reader(folder: Path, name: str) -> Callable[[Path], Any]:
    """`bridgebench data check` of a small CelebA in which one file is damaged."""
    root = folder / "celeba"
    if not root.exists():
        (root / "img_align_celeba").mkdir(parents=True)
        (root / "list_attr_celeba.txt").write_bytes(_LABELS)
        (root / "list_eval_partition.txt").write_bytes(_PARTITION)
        for number in range(1, 3):
            (root / "img_align_celeba" / f"{number:06d}.jpg").write_bytes(picture("JPEG"))
    good = (root / name).read_bytes()

    def read(path: Path) -> None:
        try:
            shutil.copyfile(path, root / name)
            with contextlib.redirect_stderr(io.StringIO()):
                report_lines(check("celeba", root))
        finally:
            (root / name).write_bytes(good)

    return read


def _training(folder: Path) -> tuple[Callable[[Path], Any], tuple[bytes, ...]]:
    """The reader of a training's checkpoint, and a good one after an iteration without gradients."""
    recipe = {"width": 4, "blocks": 1, "discriminator_width": 4, "batch_size": 4, "iterations": 9, "decay": "none"}
    training = start_training("stargan", recipe, COLUMNS, 32, 8, 0)
    for optimizer in training.optimizers.values():
        optimizer.step()
    sampler: Any = SimpleNamespace(position=1)
    generator, identity = torch.Generator(), {"seed": 0}
    progress = Progress(1, 1.0, 4, 9)
    place = folder / "training"
    place.mkdir()
    save_checkpoint(place, identity, training, sampler, generator, progress)
    good = (place / "checkpoint.pt").read_bytes()

    def read(path: Path) -> None:
        shutil.copyfile(path, place / "checkpoint.pt")
        read_progress(place)
        load_checkpoint(place, identity, training, sampler, generator)

    return read, (good,)


def _card_reader(path: Path) -> None:
    """What is believed of the answer of the process that imports a plug-in."""
    with contextlib.suppress(ValueError, TypeError):  # `read_card` tells these
        foreign.card_of(parse_json(path.read_bytes()))


def _answer() -> bytes:
    mine, theirs = socket.socketpair()
    with mine, theirs:
        Channel(theirs).send({"answer": 1, "editable": ["A"]}, {"edited": np.zeros((1, 3, 8, 8), np.float32)})
        return mine.recv(2**16)


def _answer_reader(path: Path) -> None:
    """What a benchmark believes of what comes from the process of a plug-in."""
    mine, theirs = socket.socketpair()
    with mine, theirs:
        theirs.sendall(path.read_bytes()[: 2**16])
        theirs.close()
        with contextlib.suppress(ValueError, Closed, Silent):
            Channel(mine).receive(largest=2**20, until=time.monotonic() + 5)
