"""Bad input for every reader of files that strangers make: none may end in anything but a clear sentence.

    python tests/reliability/fuzz.py [--count 10000] [--seed 0] [--only "record archive"] [--keep FOLDER]

Each input is a good file with random damage. Half of them have bytes changed, cut, doubled or exchanged, and hostile
words put in; the other half are taken apart and put together again with something hostile in them (`spoiling`), so that
checksums and seals fit. A reader may take it or raise a UserError. Any other exception, an input that computes for more
than ten seconds or waits for more than five minutes, one that takes more than 1 GiB of memory, and a file written
outside of the reader's folder are bugs: the input is kept, and the exit code is 1. The counts are added to those in
``figures.json`` after every 500 inputs.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import random
import resource
import signal
import struct
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from figures import add
from readers import targets
from spoiling import spoiled
from target import Target

from bridgebench.methods.core.errors import UserError

_COMPUTING, _WAITING = 10, 300  # seconds: of the process's own computing, and by the clock
_MEMORY = 2**20  # KiB
_OFTEN = 500
Found = dict[str, dict[str, int]]
# What readers stumble over: edges of number ranges, code in pickles, ways out of a folder, markup, deep nesting.
_HOSTILE = [
    b"\x00", b"\xff" * 8, b"\x00" * 16, struct.pack("<Q", 2**63), struct.pack("<I", 2**31), b"-1", b"1e999", b"NaN",
    b"99999999999999999999999999", b"null", b"[]", b"{}", b'""', b"true", b"cos\nsystem\n(S'echo'\ntR.", b"../../x",
    b"/etc/passwd", b"<script>", b"[" * 3000, b"{\"a\":" * 3000, b"\xef\xbb\xbf", b"\xf0\x28\x8c\x28", b"\r\n" * 50,
    b"#", b"=", b'"', b"-1 " * 40, b"1 " * 40, b"\x1b[2J", b"%s%n", b"A" * 10_000, b"PK\x03\x04", b"\x89PNG\r\n\x1a\n",
]  # fmt: skip


class _Late(BaseException):
    """An input takes too long: no `Exception`, so that no reader takes it for a damaged file."""


def damaged(good: tuple[bytes, ...], draw: random.Random) -> bytes:
    """One of the files with one to four random changes."""
    data = bytearray(draw.choice(good))
    if draw.random() < 0.5:
        return spoiled(bytes(data), draw)
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


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    """Raises `_Late` where computing or waiting takes too long; other work on the machine is no computing."""

    def late(number: int, frame: object) -> None:
        raise _Late(f"more than {_COMPUTING} seconds of computing, or {_WAITING} of waiting")

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, _COMPUTING), signal.SIGALRM: (signal.ITIMER_REAL, _WAITING)}
    before = {number: signal.signal(number, late) for number in timers}
    for timer, seconds in timers.values():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def feed(target: Target, path: Path) -> str:
    """What a reader makes of a file: ``taken``, ``refused`` (a UserError), or ``bug``, whose traceback is printed."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with _in_time():
            target.read(path)
        outcome = "taken"
    except UserError:
        outcome = "refused"
    except (Exception, _Late):
        print(f"input for the reader '{target.name}':\n{traceback.format_exc()}", file=sys.stderr)
        return "bug"
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    if more > _MEMORY:
        print(f"input for the reader '{target.name}': it took {more >> 10:,} MiB of memory", file=sys.stderr)
        return "bug"
    return outcome


def fuzz(
    count: int,
    seed: int,
    keep: Path | None = None,
    only: str | None = None,
    note: Callable[[Found], None] = lambda found: None,
) -> Found:
    """Feeds `count` inputs to the readers in turn.

    Args:
        count: inputs in all.
        seed: of the damage.
        keep: where inputs that show a bug are written.
        only: the name of the one reader that is fed.
        note: called with the counts of every 500 inputs, and of the last ones.

    Returns:
        By reader, how many inputs were ``taken``, ``refused`` (a UserError) and ended in a ``bug``.
    """
    warnings.simplefilter("ignore")
    draw = random.Random(seed)
    found = collections.defaultdict[str, collections.Counter[str]](collections.Counter)
    noted: Found = {}
    with tempfile.TemporaryDirectory() as name:
        around = Path(name, "a", "b")
        folder = around / "c"
        folder.mkdir(parents=True)
        every = [target for target in targets(folder) for _ in range(target.share) if only in (None, target.name)]
        draw.shuffle(every)
        for number in range(count):
            target = every[number % len(every)]
            path = folder / f"input{target.suffix}"
            data = damaged(target.good, draw)
            path.write_bytes(data)
            outcome = feed(target, path)
            if sorted(path.name for path in [*Path(name).iterdir(), *around.iterdir()]) != ["a", "c"]:
                print(f"input for the reader '{target.name}': something was written elsewhere", file=sys.stderr)
                outcome = "bug"
            if outcome == "bug" and keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{seed}-{number} {target.name}{target.suffix}").write_bytes(data)
            found[target.name][outcome] += 1
            if number % _OFTEN == _OFTEN - 1 or number == count - 1:
                whole = {
                    name: {kind: each[kind] for kind in ("taken", "refused", "bug")} for name, each in found.items()
                }
                note(_less(whole, noted))
                noted = whole
    return noted


def _less(found: Found, before: Found) -> Found:
    return {
        name: {kind: count - before.get(name, {}).get(kind, 0) for kind, count in counts.items()}
        for name, counts in found.items()
    }


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)

    def note(found: Found) -> None:
        total = sum(sum(counts.values()) for counts in found.values())
        add("inputs", {"readers": found, "seeds": {str(given.seed): total}})

    found = fuzz(given.count, given.seed, given.keep, given.only, note)
    return 1 if any(outcomes["bug"] for outcomes in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
