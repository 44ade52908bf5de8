"""Data sets: drawn faces with true edits, and CelebA from a folder."""

from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.open import open_split

__all__ = ["ImageSet", "open_split"]
