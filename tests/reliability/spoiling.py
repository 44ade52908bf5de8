"""Damage behind the first check: files whose checksums, lengths and seals fit, and whose content is hostile.

Random bytes mostly end at a checksum. Here a file is taken apart, one to four things in it are made hostile, and it is
put together again, so that the readers behind the first check are reached: zip archives (numpy's and PyTorch's, too),
numpy arrays, safetensors, PNG, JSON records with their seals, TOML and tables of text.
"""

from __future__ import annotations

import io
import json
import random
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from bridgebench.eval.records.seal import SEAL, sealed

MARKUP = "</script><script>alert(1)</script><svg onload=alert(1)><img src=x onerror=alert(1)>\"'`--><style>*{}"
WORDS = (
    MARKUP, "", " ", ".", "..", "../../x", "/etc/passwd", "a/b", "a\\b", "con", "\u202egpj.exe", "\ud800", "a\nb",
    "\x00", "\x1b[2J", "A" * 5000, "%s%n{0}", "javascript:alert(1)", "data:text/html,<script>alert(1)</script>",
    "é" * 300, "label", "Smiling", "cat2dog", "identity", "truth", "nan", "1", "{{ 7 * 7 }}", "\N{ZERO WIDTH SPACE}",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3, 2**31, 2**63, 10**30, -(10**30), 10**400, 0.5, -0.0, 1e-320, 1e308, float("nan"),
    float("inf"), [], {}, [[]], [None], {"": None}, {"a": {"b": []}}, [*range(40)], [1, "a", None], [[1, 2], [3]],
)  # fmt: skip
_BYTES = (b"", b"\x00" * 40, b"\xff" * 8, b"\xff\xfe", b"{", b"[" * 3000, b"\x93NUMPY", b"\x80\x02.", b"NaN", b"<svg>")


def spoiled(data: bytes, draw: random.Random) -> bytes:
    """The file with one to four hostile things in it; `data` may be of any format."""
    for _ in range(draw.choice((1, 1, 1, 2, 3, 4))):
        data = _spoil(data, draw)
    return data


def _spoil(data: bytes, draw: random.Random) -> bytes:
    try:
        return _way(data)(data, draw)
    except Exception:  # damaged before, so that it cannot be taken apart
        return damaged_bytes(data, draw)


def _way(data: bytes) -> Callable[[bytes, random.Random], bytes]:
    if data.startswith(b"PK\x03\x04"):
        return _zip
    if data.startswith(b"\x93NUMPY"):
        return _array
    if data.startswith(b"\x89PNG"):
        return _png
    if len(data) > 10 and data[8:9] == b"{":
        return _safetensors
    if data[:1] in b"{[":
        return _json
    if re.search(rb"(?m)^\w[\w.-]* = ", data):
        return _toml
    if data.isascii() and b"\n" in data:
        return _table
    return damaged_bytes


def damaged_bytes(data: bytes, draw: random.Random) -> bytes:
    """Some bytes anywhere are changed, cut or doubled."""
    place = draw.randrange(len(data) + 1)
    length = min(len(data) - place, int(2 ** draw.uniform(0, 8)))
    part = data[place : place + length]
    new = draw.choice((b"", part * 2, bytes(each ^ (1 << draw.randrange(8)) for each in part), draw.choice(_BYTES)))
    return data[:place] + new + data[place + length :]


def spoiled_value(value: Any, draw: random.Random) -> Any:
    """A JSON value in which something is hostile: each level of it as likely as the next."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        found, key = dict(value), draw.choice([*value])
        way = draw.random()
        if way < 0.1:
            del found[key]
        elif way < 0.2:
            found[draw.choice(WORDS)] = found.pop(key)
        elif way < 0.25:
            found[draw.choice(WORDS)] = draw.choice(VALUES)
        elif way < 0.3:
            found[key] = found[draw.choice([*value])]
        else:
            found[key] = spoiled_value(value[key], draw)
        return found
    if isinstance(value, list) and value and draw.random() < 0.85:
        items, place = list(value), draw.randrange(len(value))
        way = draw.random()
        if way < 0.15:
            del items[place]
        elif way < 0.3:
            items.insert(place, draw.choice([items[place], draw.choice(VALUES)]))
        else:
            items[place] = spoiled_value(items[place], draw)
        return items
    if isinstance(value, str) and draw.random() < 0.6:
        return draw.choice((draw.choice(WORDS), value + draw.choice(WORDS)))
    return draw.choice((*VALUES, draw.choice(WORDS)))


def _json(data: bytes, draw: random.Random) -> bytes:
    value = spoiled_value(json.loads(data), draw)
    if isinstance(value, dict) and SEAL in value and draw.random() < 0.9:
        try:
            value = sealed(value)
        except ValueError:  # it has numbers that JSON lacks
            value.pop(SEAL)
    text = json.dumps(value).encode()
    way = draw.random()
    if way < 0.05:  # numbers that no float and few integers hold, and keys that are there twice
        text = re.sub(rb"(?<=: )\d+", lambda _: draw.choice((b"1e999", b"9" * 5000, b"-1e-999")), text, count=1)
    elif way < 0.1 and text.startswith(b"{") and len(text) > 2:
        text = text[:-1] + b", " + text[1:]
    return text


def _zip(data: bytes, draw: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = [(info, old.read(info)) for info in old.infolist()]
    if not members:
        return damaged_bytes(data, draw)
    place, way = draw.randrange(len(members)), draw.random()
    info, content = members[place]
    if way < 0.6:
        members[place] = info, _spoil(content, draw)
    elif way < 0.7:
        del members[place]
    elif way < 0.8:
        members.append((_member(draw.choice([info.filename, *WORDS, f"{info.filename}/x"]), draw), content))
    elif way < 0.9:
        members[place] = _member(info.filename, draw), content
    else:
        members[place] = info, members[draw.randrange(len(members))][1]
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as new:
        warnings.simplefilter("ignore")  # of names that are in it twice
        for each, found in members:
            new.writestr(each, found, each.compress_type)
    return buffer.getvalue()


def _member(name: str, draw: random.Random) -> zipfile.ZipInfo:
    """A member of that name which is a link, a device, a folder, a file that nobody may read, or a plain one."""
    info = zipfile.ZipInfo(name.encode(errors="replace").decode() or "x")
    info.external_attr = draw.choice((0, 0o120777, 0o060600, 0o040755, 0o100000)) << 16
    info.compress_type = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    return info


def _array(data: bytes, draw: random.Random) -> bytes:
    """Another type or shape, or other numbers, under a head of the right length."""
    length = struct.unpack("<H", data[8:10])[0]
    head, body = data[10 : 10 + length].decode("latin-1").rstrip(), data[10 + length :]
    way = draw.randrange(4)
    if way == 0:
        kinds = ("|O", "<f8", ">f4", "<i8", "|b1", "<U9", "<M8[s]", "|V4", "<c8", "|S0", "<f2", "|u1")
        head = re.sub(r"'descr': '[^']*'", f"'descr': '{draw.choice(kinds)}'", head)
    elif way == 1:
        shapes = ("()", "(0,)", "(-1,)", f"({2**62},)", "(1,) * 99", "(3, 2)", "(2, 3, 1)", "(True,)", "(1.0,)")
        head = re.sub(r"'shape': \([^)]*\)", f"'shape': {draw.choice(shapes)}", head)
    elif way == 2:
        head = damaged_bytes(head.encode("latin-1"), draw).decode("latin-1")
    else:
        size = draw.choice((1, 2, 4, 8))
        place = draw.randrange(len(body) // size + 1) * size
        body = body[:place] + draw.choice((b"\xff", b"\x00", b"\x7f", b"\x80")) * size + body[place + size :]
    packed = head.encode("latin-1") + b" " * (-(len(head) + 11) % 64) + b"\n"
    return data[:8] + struct.pack("<H", len(packed)) + packed + body


def _safetensors(data: bytes, draw: random.Random) -> bytes:
    length = struct.unpack("<Q", data[:8])[0]
    entries, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    about = entries.get("__metadata__", {})
    inner = [key for key in ("config", "card") if key in about]
    if inner and draw.random() < 0.6:  # JSON within JSON
        key = draw.choice(inner)
        about[key] = json.dumps(spoiled_value(json.loads(about[key]), draw))
    elif draw.random() < 0.3:
        body = damaged_bytes(body, draw)
    else:
        entries = spoiled_value(entries, draw)
    head = json.dumps(entries).encode()
    return struct.pack("<Q", len(head)) + head + body


def _png(data: bytes, draw: random.Random) -> bytes:
    """A chunk is changed, doubled, dropped or put elsewhere; checksums fit."""
    chunks, place = [], 8
    while place + 12 <= len(data):
        size = struct.unpack(">I", data[place : place + 4])[0]
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + size]))
        place += 12 + size
    index, way = draw.randrange(len(chunks)), draw.random()
    kind, content = chunks[index]
    if way < 0.4 and kind == b"IHDR":
        numbers = [*struct.unpack(">II5B", content)]
        which = draw.randrange(7)
        numbers[which] = draw.choice((0, 1, 2, 3, 16, 2**31 - 1, 2**32 - 1)) if which < 2 else draw.randrange(18)
        chunks[index] = kind, struct.pack(">II5B", *numbers)
    elif way < 0.6:
        chunks[index] = kind, damaged_bytes(content, draw)
    elif way < 0.7:
        chunks.insert(draw.randrange(len(chunks) + 1), chunks[index])
    elif way < 0.8:
        del chunks[index]
    else:
        extra = draw.choice((
            (b"zTXt", b"a\x00\x00" + zlib.compress(b"\x00" * 10**6)), (b"iCCP", b"a\x00\x00" + zlib.compress(b"x" * 9)),
            (b"tRNS", b"\x00" * draw.randrange(9)), (b"eXIf", b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12"),
            (b"PLTE", b"\x00" * draw.randrange(900)), (b"gAMA", b"\x00" * 4), (b"acTL", b"\x00" * 8),
            (b"fcTL", b"\xff" * 26),
        ))  # fmt: skip
        chunks.insert(draw.randrange(1, len(chunks) + 1), extra)
    packed = (
        struct.pack(">I", len(found)) + name + found + struct.pack(">I", zlib.crc32(name + found))
        for name, found in chunks
    )
    return data[:8] + b"".join(packed)


_TOML = (
    "nan", "inf", "-1", "0", "9" * 30, "9" * 5000, "1e308", '""', '"../../x"', '"/etc/passwd"', "[]", "{}", "true",
    "[[]]", "1979-05-27", '["a", 1]', "[" * 2000, '"""\n"""', f"'{MARKUP}'".replace("'`", "`"), '"\\u0000"',
    '"\\u202e"', '"A\\nB"', "[1, 2]",
)  # fmt: skip


def _toml(data: bytes, draw: random.Random) -> bytes:
    lines = data.decode().split("\n")
    place = draw.randrange(len(lines))
    line, way = lines[place], draw.random()
    key = line.partition(" = ")[0]
    if way < 0.5 and " = " in line:
        lines[place] = f"{key} = {draw.choice(_TOML)}"
    elif way < 0.6:
        lines.insert(place, f"{draw.choice(('x', '__class__', 'name', 'self', 'weights', 'data', 'like', key))} = 1")
    elif way < 0.7:
        names = ("weights", "data", "train", "variants.x", "evaluation.several", "train.averaging", "a.b.c")
        lines.insert(place, f"[{draw.choice(names)}]")
    elif way < 0.85:
        del lines[place]
    else:
        lines.insert(place, line)
    return "\n".join(lines).encode()


def _table(data: bytes, draw: random.Random) -> bytes:
    """A cell, line or head of a table of text is exchanged, doubled or dropped."""
    lines = data.decode().split("\n")
    place, way = draw.randrange(len(lines)), draw.random()
    if way < 0.6:
        by = "," if "," in lines[place] else "\t" if "\t" in lines[place] else " "
        cells = lines[place].split(by)
        cells[draw.randrange(len(cells))] = draw.choice(
            (*WORDS, "9" * 30, "-1", "1e5", "nan", '"', '"a', "#", ";", "0x1")
        )
        lines[place] = by.join(cells)
    elif way < 0.75:
        lines.insert(draw.randrange(len(lines)), lines[place])
    elif way < 0.9:
        del lines[place]
    else:
        lines[place] = lines[place][: draw.randrange(len(lines[place]) + 1)]
    return "\n".join(lines).encode(errors="surrogatepass")
