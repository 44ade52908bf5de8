"""All markings by name, as coats name them: each draws one kind of marking on a head."""

from __future__ import annotations

from collections.abc import Callable

from bridgebench.harness.data.animals import marks_cat, marks_dog, marks_wild, stripes
from bridgebench.harness.data.animals.fur import Mark
from bridgebench.harness.data.animals.head import Head

MARKS: dict[str, Callable[[Head], list[Mark]]] = {
    **marks_cat.MARKS,
    **marks_dog.MARKS,
    **marks_wild.MARKS,
    **stripes.MARKS,
}
