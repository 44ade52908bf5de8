"""The head that is drawn: a breed's proportions as one animal has them, and its colours."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bridgebench.harness.data.animals.breeds import Breed, Coat
from bridgebench.harness.data.animals.cats import CATS
from bridgebench.harness.data.animals.dogs import DOGS
from bridgebench.harness.data.animals.identity import Look
from bridgebench.harness.data.animals.wild import WILD
from bridgebench.harness.data.drawn.colours import Colour, blend
from bridgebench.harness.data.drawn.fields import Rows, random_rows
from bridgebench.harness.data.drawn.geometry import Point

BREEDS: dict[str, tuple[Breed, ...]] = {"cat": CATS, "dog": DOGS, "wild": WILD}
_ROWS = 420
Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Head:
    """A breed in one coat, as one look has it; `rows` are the look's own random numbers."""

    breed: Breed
    coat: Coat
    look: Look
    base: Colour
    rows: Rows

    @property
    def eye(self) -> Point:
        """The middle of the right eye."""
        return self.breed.eyes[0], self.breed.eyes[1]

    @property
    def chin(self) -> float:
        return self.breed.head[-1][1]

    def edge(self, y: float) -> float:
        """Half the width of the head at height y."""
        points = self.breed.head
        for (ax, ay), (bx, by) in itertools.pairwise(points):
            if ay <= y <= by and by > ay:
                return ax + (bx - ax) * (y - ay) / (by - ay)
        return 0.0


def head_of(domain: str, look: Look) -> Head:
    """The head of a look in a domain."""
    kinds = [breed for breed in BREEDS[domain] for _ in range(breed.weight)]
    breed = pick(kinds, look.breed)
    coat = pick(breed.coats, look.coat)
    return Head(breed, coat, look, blend(*coat.base, look.shade), random_rows(look.fur_seed, _ROWS))


def pick(choices: Sequence[Choice], place: float) -> Choice:
    """The choice at a place between 0 and 1."""
    return choices[min(int(place * len(choices)), len(choices) - 1)]
