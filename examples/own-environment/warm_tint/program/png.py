"""PNG files of 8-bit RGB, by the standard library alone."""

import struct
import zlib
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_png(path: str) -> tuple[int, int, bytearray]:
    """Width, height and the pixels, row by row, three bytes each."""
    data = Path(path).read_bytes()
    if data[:8] != _SIGNATURE:
        raise ValueError(f"{path} is no PNG file")
    packed, place, size = b"", 8, (0, 0)
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        content = data[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            *size, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", content)
            if (depth, colour, interlaced) != (8, 2, 0):
                raise ValueError(f"{path} is not 8-bit RGB")
        elif kind == b"IDAT":
            packed += content
        place += length + 12
    width, height = size
    return width, height, _without_filters(zlib.decompress(packed), width, height)


def _without_filters(rows: bytes, width: int, height: int) -> bytearray:
    """The pixels of rows that each begin with the number of their filter."""
    stride, pixels = 3 * width, bytearray()
    above = bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        kind, row = rows[start], bytearray(rows[start + 1 : start + 1 + stride])
        for x in range(stride):
            left = row[x - 3] if x >= 3 else 0
            corner = above[x - 3] if x >= 3 else 0
            row[x] = (row[x] + (0, left, above[x], (left + above[x]) // 2, _paeth(left, above[x], corner))[kind]) % 256
        pixels += row
        above = row
    return pixels


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def write_png(path: str, width: int, height: int, pixels: bytes) -> None:
    """Writes pixels, row by row, three bytes each."""
    stride = 3 * width
    rows = b"".join(b"\0" + bytes(pixels[y * stride : (y + 1) * stride]) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = _SIGNATURE
    for kind, content in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        data += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    Path(path).write_bytes(data)
