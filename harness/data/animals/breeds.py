"""What a breed is made of: its proportions and the coats it comes in."""

from __future__ import annotations

from dataclasses import dataclass

from bridgebench.harness.data.drawn.colours import Colour
from bridgebench.harness.data.drawn.geometry import Curve


@dataclass(frozen=True)
class Coat:
    """Colours and markings. `base` has the two ends of a range of shades; `marks` names functions of `markings`."""

    base: tuple[Colour, Colour]
    pale: Colour
    deep: Colour
    marks: tuple[str, ...] = ()
    ears: Colour | None = None  # the back of the ears, where it is not the base
    nose: Colour = (52, 42, 44)
    eyes: tuple[Colour, ...] = ()


@dataclass(frozen=True)
class Ear:
    """The right ear: shell and hollow as curves that meet in corners, on a head whose axis is x = 0.

    front: the ear hangs before the head; round: the shell is a smooth ring.
    """

    shell: tuple[Curve, ...]
    hollow: tuple[Curve, ...] = ()
    front: bool = False
    round: bool = False
    tufts: bool = False
    fold: Curve | None = None


@dataclass(frozen=True)
class Breed:
    """Proportions of a head, in units of the 256 x 256 canvas; `head` is the right half from crown to chin."""

    name: str
    head: Curve
    ear: Ear
    eyes: tuple[float, float, float, float, float]  # x, y, half width, half height, slant
    eye_kind: str  # "cat", "dog" or "beast"
    nose: tuple[float, float, float]  # y, half width, half height
    mouth: tuple[float, float]  # y of the middle, half width
    bridge: float  # half width of the bridge of the nose
    coats: tuple[Coat, ...]
    fur: float = 6.0  # length of the tufts on the outline
    ruff: float = 0.0  # hair beside the cheeks
    mane: float = 0.0
    muzzle: float = 0.0  # how far a muzzle stands out, 0 to 1
    whiskers: float = 0.0
    weight: int = 1
