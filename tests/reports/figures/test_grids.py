"""Comparison grids keep every pixel and put it where it belongs."""

from __future__ import annotations

import pytest
from PIL import Image

from bridgebench.templates.grids import comparison_grid, cut, png_bytes, strip

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(colour: tuple[int, int, int], side: int = 8) -> Image.Image:
    return Image.new("RGB", (side, side), colour)


def test_a_strip_is_cut_into_what_it_was_made_of() -> None:
    images = [plain(RED), plain(GREEN), plain(BLUE)]
    made = strip(images, 8)
    assert made.size == (24, 8) and made.mode == "RGB"
    assert [image.tobytes() for image in cut(made)] == [image.tobytes() for image in images]


def test_a_missing_image_is_a_transparent_hole() -> None:
    made = strip([plain(RED), None], 8)
    assert made.getpixel((4, 4)) == (*RED, 255) and made.getpixel((12, 4))[3] == 0


@pytest.mark.parametrize("scale", [1, 3])
def test_every_image_is_there_whole_and_in_its_place(scale: int) -> None:
    grid = comparison_grid([("one", [plain(RED), plain(GREEN)]), ("two", [plain(BLUE), None])], ["a", "b"], scale=scale)
    counts = {colour: count for count, colour in grid.getcolors(2**24)}
    assert [counts[colour] for colour in (RED, GREEN, BLUE)] == [(8 * scale) ** 2] * 3

    def first(colour: tuple[int, int, int]) -> tuple[int, int]:
        box = Image.frombytes("L", grid.size, bytes(255 * (p == colour) for p in _pixels(grid))).getbbox()
        assert box is not None and (box[2] - box[0], box[3] - box[1]) == (8 * scale, 8 * scale)
        return box[0], box[1]

    red, green, blue = first(RED), first(GREEN), first(BLUE)
    assert red[1] == green[1] < blue[1] and red[0] == blue[0] < green[0]


def _pixels(image: Image.Image) -> list[tuple[int, ...]]:
    data = image.tobytes()
    return [tuple(data[i : i + 3]) for i in range(0, len(data), 3)]


def test_labels_of_any_length_leave_the_grid_its_size() -> None:
    short = comparison_grid([("a", [plain(RED, 64)])], ["b"])
    long = comparison_grid([("very " * 500 + "w" * 5000, [plain(RED, 64)])], ["b" * 5000])
    assert long.width < short.width + 200 and long.height == short.height


def test_rows_must_fit_the_columns() -> None:
    with pytest.raises(ValueError, match="rows of 2 images"):
        comparison_grid([("one", [plain(RED)])], ["a", "b"])
    with pytest.raises(ValueError, match="at least one"):
        comparison_grid([("one", [None])], ["a"])


def test_png_is_lossless_and_repeatable() -> None:
    import io

    image = comparison_grid([("one", [plain(RED)])], ["a"])
    data = png_bytes(image)
    assert data == png_bytes(image)
    assert Image.open(io.BytesIO(data)).convert("RGB").tobytes() == image.tobytes()
