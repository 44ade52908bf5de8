"""Measures how faces and eyes are found: the figures of docs/tutorials/your-photo.md.

    python docs/figures/faces_found.py /path/to/celeba [--photos 60] [--part test]

Photos of CelebA (those of the profile celeba64) are put onto larger pictures, turned and scaled, so that the place of
the eyes is known: a corner of another photo, enlarged, is the background. The thresholds were chosen on the validation
photos; the figures are of the test photos.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridgebench.harness.data.celeba import PART, find_celeba, read_partition
from bridgebench.harness.data.photos import read_photo
from bridgebench.harness.photo.aligned import EYE_DISTANCE, EYES_MIDDLE
from bridgebench.harness.photo.faces import Face, find_faces
from bridgebench.harness.processes.terminal import text_table

ANGLES = (0, 15, 30, 45, 60)
SCALES = (0.5, 1.0, 1.8)
SIZE = (640, 480)
CODES = {"validation": 1, "test": 2}
FOUND = 0.4  # an error of the eyes up to this share of their distance is a found face


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--part", choices=CODES, default="test")
    asked = parser.parse_args()
    source = find_celeba(asked.data_root).photos
    assert source is not None, f"there are no photos in {asked.data_root}"
    names = [name for name, code in read_partition(PART).codes.items() if code == CODES[asked.part]]
    step = len(names) // asked.photos
    rows = []
    for angle in ANGLES:
        draw = np.random.default_rng(angle)
        faces, errors, others = [], [], 0
        for k in range(asked.photos):
            photo, behind = (read_photo(source.place / names[(k * step + by) % len(names)]) for by in (0, 1))
            turned = float(draw.choice((-1, 1))) * np.radians(angle)
            picture, eyes = _placed(
                photo, behind, turned, SCALES[k % len(SCALES)], draw.uniform((200, 180), (440, 300))
            )
            found = find_faces(picture)
            best = min(found, key=lambda face, eyes=eyes: _error(face, eyes), default=None)
            if best is not None and _error(best, eyes) < FOUND:
                faces.append(best)
                errors.append(_error(best, eyes))
            others += len(found) - (best is not None)
        shares = [f"{np.mean(values):.1%}" for values in (errors, [face.doubt for face in faces])]
        late = f"{np.quantile(errors, 0.95):.1%}"
        rows.append((f"{angle}°", f"{len(faces) / asked.photos:.0%}", *shares, late, str(others)))
    heads = ("turned by", "found", "error of the eyes", "error expected", "error, 95 % are below", "other faces named")
    print(f"{asked.photos} {asked.part} photos each\n{text_table(heads, rows)}")


def _placed(
    photo: NDArray[np.uint8], behind: NDArray[np.uint8], angle: float, scale: float, middle: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A picture with the photo in it, and where its eyes are (2, 2); `middle` is the point between them."""
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, sin], [-sin, cos]]) / scale  # from the picture to the photo
    start = np.array(EYES_MIDDLE) - matrix @ middle
    data = tuple(np.column_stack([matrix, start]).ravel())
    picture = Image.fromarray(behind[:60]).resize(SIZE, Image.Resampling.BILINEAR)
    turned = Image.fromarray(photo).transform(SIZE, Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)
    mask = Image.new("L", (photo.shape[1], photo.shape[0]), 255).transform(SIZE, Image.Transform.AFFINE, data)
    picture.paste(turned, (0, 0), mask)
    half = scale * EYE_DISTANCE / 2 * np.array([cos, sin])
    return np.asarray(picture), np.stack([middle - half, middle + half])


def _error(face: Face, eyes: NDArray[np.float64]) -> float:
    """The mean error of the eyes, as a share of their true distance."""
    return float(np.hypot(*(face.eyes - eyes).T).mean() / np.hypot(*(eyes[1] - eyes[0])))


if __name__ == "__main__":
    main()
