"""Data sets: drawn faces with true edits, and CelebA from a folder."""

from harness.data.base import ImageSet
from harness.data.open import open_split

__all__ = ["ImageSet", "open_split"]
