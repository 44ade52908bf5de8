"""Draws the pictures of docs/tutorials/your-photo.md and README.md: scikit-image's astronaut, edited by one method.

    python docs/figures/astronaut.py [METHOD]

The photo (Eileen Collins, NASA, public domain) comes with scikit-image. This needs bridgebench[run,photos] and some
seconds, but no network; the same weights give the same pictures. They are written beside this file.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from bridgebench.harness.photo.aligned import Square
from bridgebench.harness.photo.crop import crop_of, find_place
from bridgebench.harness.photo.edit import edit_photo
from bridgebench.harness.profiles.profile import PHOTOS, load_profile
from bridgebench.templates.grids import comparison_grid

HERE = Path(__file__).parent
EDITS = ("Black_Hair=1", "Gray_Hair=1", "Bangs=0", "Smiling=0", "Mustache=1", "Young=1")
COMPARED = ("Black_Hair=1", "Smiling=0")
LEFT, TOP, SIDE = 110, 0, 236  # what is shown of the photo
_QUALITY = 90


def main(method: str = "stgan") -> None:
    photo = astronaut()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "astronaut.png")
        Image.fromarray(photo).save(source)

        def edit(setting: str, back: bool) -> NDArray[np.uint8]:
            done = edit_photo(source, method, Path(folder, "out.png"), settings=[setting], back=back)
            return np.asarray(Image.open(done.out))

        edits = [_shown(photo), *(_shown(edit(setting, True)) for setting in EDITS)]
        _save(comparison_grid([("", edits)], ["photo", *EDITS], scale=1), "astronaut-edits.webp")
        profile = load_profile(PHOTOS)
        square = find_place(photo, "the astronaut", profile).square(crop_of(profile))
        rows = [
            (
                setting,
                [_shown(photo), _shown(_pasted(photo, square, edit(setting, False))), _shown(edit(setting, True))],
            )
            for setting in COMPARED
        ]
    _save(
        comparison_grid(rows, ["photo", "the square, as it is", "the change, added"], scale=1),
        "astronaut-two-ways.webp",
    )


def _pasted(photo: NDArray[np.uint8], square: Square, edit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo with the edited square itself in it, enlarged, and faded at the border as the change is."""
    black = np.zeros_like(photo)
    shares = square.add(black, np.full((8, 8, 3), 255, np.float32)).astype(np.float32) / 255
    return np.rint(photo * (1 - shares) + square.add(black, edit.astype(np.float32))).clip(0, 255).astype(np.uint8)


def _shown(photo: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(photo[TOP : TOP + SIDE, LEFT : LEFT + SIDE])


def _save(picture: Image.Image, name: str) -> None:
    picture.save(HERE / name, quality=_QUALITY, method=6)
    print(f"Wrote {HERE / name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
