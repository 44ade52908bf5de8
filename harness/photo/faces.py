"""Finds the faces in a photo, and their eyes.

The network of `harness.photo.eyes` looks at windows of several sizes all over the photo. Each window in which it sees a
face gives a first guess of the eyes. Then it looks again, at windows that are turned and sized by that guess, until the
face is upright in them: the same view as in CelebA's aligned photos.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bridgebench.eval.judges.classifier import to_float
from bridgebench.harness.data.resize import Crop
from bridgebench.harness.photo.aligned import Square
from bridgebench.harness.photo.eyes import WINDOW, EyeNetwork, Sight, shipped_eyes

Eyes = NDArray[np.float64]
# The longer side, in pixels, of the image in which faces are searched, and of that in which they are looked at again.
_SEARCHED, _LOOKED_AT = 640, 1600
_GROWTH, _STEP = 1.6, 20  # of the windows from one size to the next; between windows, in pixels of a window
_FARTHEST = 0.14  # distance of the eyes, as a share of a window's side, down to which the network was trained
_BATCH = 256
_LIKELY = 0.5  # probability of a face from which a window of the search is a candidate
# What makes a candidate a face, after it was looked at again: at least this probability, at most this doubt, and so
# many windows of the search that guessed the same eyes. Chosen on validation photos, and on pictures without a face.
_CERTAIN, _TOO_DOUBTFUL, _AGREEING = 0.9, 0.08, 4
_MOST = 40  # candidates that are looked at again
_LOOKS = 3
# In aligned photos: the windows in which a face is looked at again; the first one is what celeba64 edits.
_VIEWS = (Crop(top=51, left=16, size=146), Crop(top=44, left=9, size=160), Crop(top=58, left=23, size=132))


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a photo.

    Attributes:
        eyes: (2, 2), x and y in pixels of the eye on the viewer's left of the upright face, and of the other one.
        certainty: probability that it is a face.
        doubt: the error to expect of the eyes' places, as a share of their distance.
        drawn: probability that it is drawn, not photographed.
        covered: probability that the eyes are covered.
    """

    eyes: Eyes
    certainty: float
    doubt: float
    drawn: float
    covered: float

    @property
    def distance(self) -> float:
        """Distance of the eyes in pixels."""
        return float(np.hypot(*(self.eyes[1] - self.eyes[0])))

    @property
    def middle(self) -> Eyes:
        """The point (x, y) between the eyes."""
        return self.eyes.mean(axis=0)


def find_faces(photo: NDArray[np.uint8]) -> list[Face]:
    """The faces in a photo (H, W, 3), from left to right.

    If none stands upright (turned by up to about 60 degrees), the photo is searched on its sides and on its head.
    """
    network = shipped_eyes()
    smaller, scale = _reduced(photo, _LOOKED_AT)
    for turns in (0, 1, 3, 2):
        found = _upright_faces(network, np.ascontiguousarray(np.rot90(smaller, turns)))
        if found:
            faces = [_turned_back(face, turns, smaller.shape[:2]) for face in found]
            faces = [Face(face.eyes * scale, *_facts(face)) for face in faces]
            return sorted(faces, key=lambda face: float(face.middle[0]))
    return []


def _reduced(photo: NDArray[np.uint8], longer: int) -> tuple[NDArray[np.uint8], float]:
    """The photo with a longer side of so many pixels at most, and how many of its pixels are one of the new ones."""
    scale = max(1.0, max(photo.shape[:2]) / longer)
    size = max(1, round(photo.shape[1] / scale)), max(1, round(photo.shape[0] / scale))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BOX)), scale


def _upright_faces(network: EyeNetwork, photo: NDArray[np.uint8]) -> list[Face]:
    small, scale = _reduced(photo, _SEARCHED)
    candidates = [Face(face.eyes * scale, *_facts(face)) for face in _search(network, small)]
    looked = [_look(network, photo, face) for face in _distinct(candidates)[:_MOST]]
    return _distinct([face for face in looked if face is not None and _is_sure(face, candidates)])


def _is_sure(face: Face, candidates: Sequence[Face]) -> bool:
    agreeing = sum(_are_same(face, other, 0.5, 1.6) for other in candidates)
    return face.certainty >= _CERTAIN and face.doubt <= _TOO_DOUBTFUL and agreeing >= _AGREEING


def _facts(face: Face) -> tuple[float, float, float, float]:
    return face.certainty, face.doubt, face.drawn, face.covered


def _search(network: EyeNetwork, photo: NDArray[np.uint8]) -> Iterator[Face]:
    """Candidates from windows of all sizes."""
    height, width = photo.shape[:2]
    side = float(WINDOW)
    while True:
        scale = WINDOW / side
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        level = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BILINEAR))
        tops, lefts = _starts(size[1]), _starts(size[0])
        last = side >= max(height, width)
        rows = np.clip(np.arange(tops[0], tops[-1] + WINDOW), 0, size[1] - 1)
        columns = np.clip(np.arange(lefts[0], lefts[-1] + WINDOW), 0, size[0] - 1)
        padded = level[rows[:, None], columns]
        places = [(top, left) for top in tops for left in lefts]
        for start in range(0, len(places), _BATCH):
            chunk = places[start : start + _BATCH]
            windows = [
                padded[top - tops[0] : top - tops[0] + WINDOW, left - lefts[0] : left - lefts[0] + WINDOW]
                for top, left in chunk
            ]
            sight = _see(network, np.stack(windows))
            for index in torch.nonzero(torch.sigmoid(sight.face) >= _LIKELY).flatten().tolist():
                top, left = chunk[index]
                eyes = (sight.eyes[index].double().numpy() * WINDOW + [left, top]) / scale
                yield _face_of(sight, index, eyes, 1 / scale)
        if last:
            return
        side *= _GROWTH


def _starts(length: int) -> list[int]:
    """Where windows begin along a side of so many pixels; the outer ones reach over the border by a quarter."""
    reach = WINDOW // 4
    steps = max(1, math.ceil((length + 2 * reach - WINDOW) / _STEP))
    if length + 2 * reach <= WINDOW:
        return [round((length - WINDOW) / 2)]
    return [round(-reach + k * (length + 2 * reach - WINDOW) / steps) for k in range(steps + 1)]


def _look(network: EyeNetwork, photo: NDArray[np.uint8], face: Face) -> Face | None:
    """A face after some more looks at it; None if it is lost."""
    eyes = face.eyes
    for _ in range(_LOOKS - 1):
        square = Square.at_eyes(eyes, _VIEWS[0])
        sight = _see(network, square.cut(photo, WINDOW)[None])
        eyes = _in_photo(square, sight.eyes[0].double().numpy())
        if not _sound(eyes, photo.shape[:2]):
            return None
    squares = [Square.at_eyes(eyes, view) for view in _VIEWS]
    windows = np.stack([square.cut(photo, WINDOW) for square in squares])
    sight = _see(network, np.concatenate([windows, windows[:, :, ::-1]]))
    seen = sight.eyes.double().numpy()
    seen[len(squares) :] = np.stack([1 - seen[len(squares) :, ::-1, 0], seen[len(squares) :, ::-1, 1]], axis=2)
    guesses = np.stack([_in_photo(square, each) for square, each in zip(squares * 2, seen, strict=True)])
    eyes = guesses.mean(axis=0)
    if not _sound(eyes, photo.shape[:2]):
        return None
    mean = Sight(*(part.mean(dim=0, keepdim=True) for part in sight))
    return _face_of(mean, 0, eyes, squares[0].side / WINDOW)


def _face_of(sight: Sight, index: int, eyes: Eyes, pixel: float) -> Face:
    """A face from what was seen; `pixel` is the size of a window's pixel in pixels of the photo."""
    distance = max(1e-6, float(np.hypot(*(eyes[1] - eyes[0]))))
    answers = (sight.face, sight.drawn, sight.covered)
    face, drawn, covered = (float(torch.sigmoid(answer[index])) for answer in answers)
    doubt = float(torch.exp(sight.doubt[index]).mean()) * WINDOW * pixel / distance
    return Face(eyes, face, doubt, drawn, covered)


def _in_photo(square: Square, shares: NDArray[np.float64]) -> Eyes:
    """Points (n, 2) given as shares of a square's side, in pixels of its photo."""
    cos, sin = math.cos(square.angle), math.sin(square.angle)
    turned = square.side * (shares - 0.5) @ np.array([[cos, sin], [-sin, cos]])
    return turned + np.array([square.x, square.y])


def _sound(eyes: Eyes, shape: tuple[int, int]) -> bool:
    """Whether these can be the eyes of a face in a photo of this height and width."""
    distance = np.hypot(*(eyes[1] - eyes[0]))
    x, y = eyes.mean(axis=0)
    return bool(2 < distance < max(shape) and 0 <= x <= shape[1] and 0 <= y <= shape[0])


@torch.inference_mode()
def _see(network: EyeNetwork, windows: NDArray[np.uint8]) -> Sight:
    return network(to_float(windows))


def _distinct(faces: Sequence[Face]) -> list[Face]:
    """The faces without those that are the same as a more certain one; the most certain first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: face.doubt - face.certainty):
        if not any(_are_same(face, other, 0.8, 2.5) for other in kept):
            kept.append(face)
    return kept


def _are_same(face: Face, other: Face, apart: float, times: float) -> bool:
    """Whether two guesses are of one face.

    Args:
        face, other: the guesses.
        apart: how far their middles may be from each other, as a share of the larger distance of the eyes.
        times: how many times one distance of the eyes may be the other.
    """
    small, large = sorted((face.distance, other.distance))
    return bool(np.hypot(*(face.middle - other.middle)) < apart * large and large < times * small)


def _turned_back(face: Face, turns: int, shape: tuple[int, int]) -> Face:
    """A face of the photo that np.rot90 turned so often, in the photo (of this height and width) as it was."""
    eyes = face.eyes
    height, width = shape if turns % 2 == 0 else shape[::-1]  # of the turned photo
    for _ in range(turns):  # turns it clockwise by a quarter
        eyes = np.stack([height - eyes[:, 1], eyes[:, 0]], axis=1)
        height, width = width, height
    return Face(eyes, *_facts(face))


def largest(faces: Sequence[Face]) -> int:
    """The index of the face whose eyes are farthest apart."""
    return max(range(len(faces)), key=lambda index: faces[index].distance)


def smallest_searched(shape: tuple[int, int]) -> float:
    """The smallest distance of eyes, in pixels, at which a face in a photo of this height and width is found."""
    return max(1.0, max(shape) / _SEARCHED) * _FARTHEST * WINDOW
