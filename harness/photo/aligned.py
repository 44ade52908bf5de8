"""Where the eyes are in CelebA's aligned photos of 178 x 218 pixels, by which all photos of people are aligned."""

from __future__ import annotations

EYES_MIDDLE = (88.75, 111.0)
"""The point between the eyes: x and y in pixels, the upper left corner of the photo being (0, 0)."""
EYE_DISTANCE = 39.5
"""The distance of the eyes in pixels."""
