"""Chooses the square of a user's photo that is edited.

Networks for people are trained on a square of CelebA's aligned photos. In a photo of a person the same square is found
by the eyes (`harness.photo.faces`). Drawings and animals are not aligned.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridgebench.harness.data.celeba import PHOTO_SIZE
from bridgebench.harness.data.resize import CELEBA_BRIDGEGAN, Crop, Filter, Preparation
from bridgebench.harness.photo.aligned import EYE_DISTANCE, EYES_MIDDLE, Square
from bridgebench.harness.photo.faces import Face, find_faces, largest, smallest_searched
from bridgebench.harness.profiles.profile import DRAWN_HERE, PHOTOS, Profile
from bridgebench.methods.core.errors import UserError

_FACE = "face"
_PEOPLE = ("celeba", "faces")  # data sets of faces; what others show is not known, so it is not searched for a face
# Probabilities and doubts from which a user is warned; chosen on validation photos (docs/tutorials/your-photo.md).
_LOOKS_DRAWN, _LOOKS_COVERED, _DOUBTFUL = 0.5, 0.7, 0.06
_ALIGNED = 0.2  # of the eyes' distance: so far the eyes may be from their place in an aligned photo
_SMALL_PART = 0.5  # of a network's side: a face with fewer pixels is not edited
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where in a photo the square lies that is edited.

    Attributes:
        photo: (H, W, 3) uint8.
        face: the face that decides it; None: no face was searched.
        fixed: the square that was given, or the middle one; None without a face: an aligned photo, where it is known.
        remarks: sentences on what may hinder the edit.
    """

    photo: NDArray[np.uint8]
    face: Face | None = None
    fixed: Square | None = None
    remarks: tuple[str, ...] = ()

    def square(self, crop: Crop) -> Square:
        """The square that `crop` is in an aligned photo."""
        if self.face is not None:
            return Square.at_eyes(self.face.eyes, crop)
        return self.fixed or Square.of(crop)

    def cut(self, crop: Crop, size: int, resize: Filter = "antialiased") -> NDArray[np.uint8]:
        """The pixels of that square as a network takes them, (size, size, 3); an aligned photo's as its loader does."""
        if self.face is None and self.fixed is None:
            return Preparation(crop, resize, size).apply(self.photo)
        return self.square(crop).cut(self.photo, size)


def crop_of(profile: Profile) -> Crop:
    """What a profile's networks see of an aligned photo; BridgeGAN's crop, if the profile says nothing."""
    crop = profile.data.crop
    return CELEBA_BRIDGEGAN if crop is None else Crop(**crop.model_dump())


def find_place(
    photo: NDArray[np.uint8],
    name: str,
    profile: Profile,
    wanted: str | None = None,
    number: int | None = None,
    option: str = "--crop",
) -> Place:
    """Finds what of a photo is edited.

    Args:
        photo: (H, W, 3) uint8, upright.
        name: the photo's name in messages to the user.
        profile: for whose networks.
        wanted: ``"x,y,size"`` in the photo's pixels; ``"face"``: by a face, even if the photo could be taken as it is;
            None: an aligned photo of CelebA as it is; of other photos of people the face; of square drawings the
            whole; for networks of other data than faces the middle square.
        number: which face, from 1, counted from left to right; None: the largest.
        option: name of the option by which the user gives `wanted`.

    Raises:
        UserError: `wanted` or `number` does not fit, no face is found, or it is too small.
    """
    height, width = photo.shape[:2]
    if wanted not in (None, _FACE):
        if number is not None:
            raise UserError(f"{option} {wanted} names the square already; leave out --face {number}.")
        return Place(photo, fixed=Square.of(_parse(str(wanted), name, option, height, width)))
    unasked = wanted is None and number is None
    if unasked and (profile.data.name not in _PEOPLE or (profile.data.name in DRAWN_HERE and height == width)):
        side = min(height, width)
        return Place(photo, fixed=Square.of(Crop((height - side) // 2, (width - side) // 2, side)))
    faces = find_faces(photo)
    if unasked and (height, width) == PHOTO_SIZE and _are_aligned(faces):
        seen = faces[largest(faces)] if faces else None
        return Place(photo, remarks=() if seen is None else tuple(_on_sight(seen, name, profile)))
    face = _chosen(faces, number, name, option, (height, width))
    side = Square.at_eyes(face.eyes, crop_of(profile)).side
    return Place(photo, face, None, (*_on_size(side, profile.data.image_size, name), *_on_sight(face, name, profile)))


def _are_aligned(faces: Sequence[Face]) -> bool:
    """Whether a photo of CelebA's aligned size is aligned, in which these faces were found; it is if none was found."""
    expected = np.array(EYES_MIDDLE)[None] + EYE_DISTANCE * np.array([[-0.5, 0], [0.5, 0]])
    near = [np.abs(face.eyes - expected).max() < _ALIGNED * EYE_DISTANCE for face in faces]
    return not near or any(near)


def _chosen(faces: list[Face], number: int | None, name: str, option: str, shape: tuple[int, int]) -> Face:
    height, width = shape
    if not faces:
        raise UserError(
            f"No face was found in {name}, of {width}x{height} pixels; one that looks to the side, or whose eyes are "
            f"hidden or less than {math.ceil(smallest_searched(shape))} pixels apart, is not found: give {option} "
            "x,y,size, the left edge, upper edge and side of the square to edit, in pixels of the upright photo."
        )
    if number is not None and number > len(faces):
        there = "1 face was" if len(faces) == 1 else f"{len(faces)} faces were"
        raise UserError(f"--face {number}: only {there} found in {name}.")
    index = largest(faces) if number is None else number - 1
    if len(faces) > 1:
        places = ", ".join(f"{k} at ({face.middle[0]:.0f}, {face.middle[1]:.0f})" for k, face in enumerate(faces, 1))
        why = f"{index + 1} is the largest and is edited; --face N takes another" if number is None else "as told"
        _log.info(f"{name}: {len(faces)} faces, numbered from left to right: {places}. Face {why}.")
    return faces[index]


def _on_size(side: float, size: int, name: str) -> Iterator[str]:
    """A remark on a face around which the square has `side` pixels, for networks that edit `size` pixels.

    Raises:
        UserError: it is too small.
    """
    if side < _SMALL_PART * size:
        raise UserError(
            f"The face in {name} is too small: the square around it has {side:.0f} pixels a side, and the networks "
            f"edit {size}; take a photo in which it is larger."
        )
    if side < size:
        yield (
            f"{name}: the face is small: the square around it has {side:.0f} pixels a side, and the networks edit "
            f"{size}, so the edit will be coarse."
        )


def _on_sight(face: Face, name: str, profile: Profile) -> Iterator[str]:
    """Remarks on what may hinder the edit of a face, and how sure that is."""
    drawn = profile.data.name in DRAWN_HERE
    if face.drawn >= _LOOKS_DRAWN and not drawn:
        yield (
            f"{name}: the face looks drawn ({face.drawn:.0%} sure), and these networks know photos only: do not trust "
            "the labels and the edit (--profile faces64 knows the drawings of bridgebench)."
        )
    if face.drawn < _LOOKS_DRAWN and drawn:
        yield (
            f"{name}: this looks like a photo ({1 - face.drawn:.0%} sure), and the networks of '{profile.name}' know "
            f"drawn faces only: --profile {PHOTOS} knows photos."
        )
    if face.covered >= _LOOKS_COVERED:
        yield (
            f"{name}: the eyes seem to be covered, as by sunglasses or heavy frames ({face.covered:.0%} sure): the "
            "labels and the edit may be wrong."
        )
    if face.doubt >= _DOUBTFUL:
        yield (
            f"{name}: the eyes are not clearly seen (their places may be wrong by {face.doubt:.0%} of their distance): "
            "is the face turned to the side, hidden or blurred? The edit may not fit it."
        )


def _parse(wanted: str, name: str, option: str, height: int, width: int) -> Crop:
    try:
        left, top, size = (int(part) for part in wanted.split(","))
    except ValueError as error:
        raise UserError(f"{option} {wanted}: write three whole numbers x,y,size, or the word {_FACE}.") from error
    crop = Crop(top, left, size)
    if size < 1 or not crop.fits(height, width):
        raise UserError(
            f"{option} {wanted} does not lie within {name}, which has {width}x{height} pixels when upright."
        )
    return crop
