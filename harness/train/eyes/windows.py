"""Random windows on CelebA's photos for the network that finds eyes: where the eyes are in them is known.

CelebA's photos were turned, scaled and moved so that the eyes are at the same place in each. A window is a turned
square on such a photo. Most windows show the face; the others show what must not be taken for one. Some faces are
made to look drawn, some get covered eyes. All windows are then lit, blurred, coarsened and made noisy at random.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from bridgebench.harness.data.resize import Crop
from bridgebench.harness.photo.aligned import EYE_DISTANCE, EYES_MIDDLE
from bridgebench.harness.photo.eyes import WINDOW
from bridgebench.harness.train.judges.corruption import spoil

PART = Crop(top=20, left=0, size=178)  # of the aligned photos; larger than what any profile edits
SIDE = 112  # pixels to which it is reduced
# Where the eyes are in that part: the point between them, and their distance, as shares of its side.
_MIDDLE = ((EYES_MIDDLE[0] - PART.left) / PART.size, (EYES_MIDDLE[1] - PART.top) / PART.size)
_DISTANCE = EYE_DISTANCE / PART.size

# Shares of the windows.
_NO_FACE, _DRAWINGS, _CARTOONS, _HIDDEN = 0.22, 0.06, 0.08, 0.12
# What a window with a face may show: the distance of the eyes and the point between them as shares of its side.
_NEAREST, _FARTHEST = 0.45, 0.14
_OFF = 0.24
_STEEPEST = math.radians(45)
_OCCLUDED = 0.25


class Windows(NamedTuple):
    """N windows and what there is to see in them.

    Attributes:
        images: (N, 3, 64, 64) in [-1, 1].
        eyes: (N, 2, 2) as :class:`harness.photo.eyes.Sight` has it; of a window without a face, or with a drawing
            whose eyes are not known, NaN.
        distance: (N,) distance of the eyes, as a share of the window's side.
        face, drawn, covered: (N,) the right answers, 0 or 1; NaN where there is none.
    """

    images: Tensor
    eyes: Tensor
    distance: Tensor
    face: Tensor
    drawn: Tensor
    covered: Tensor


def random_windows(photos: Tensor, glasses: Tensor, drawings: Tensor, generator: torch.Generator) -> Windows:
    """One window on each photo.

    Args:
        photos: (N, 3, 112, 112) in [-1, 1]: the part `PART` of aligned photos.
        glasses: (N,) whether the person wears glasses, dark or clear; whether the eyes are covered is then not known.
        drawings: (M, 3, D, D) in [-1, 1]: drawn faces, each of which fills its square.
        generator: on the CPU, the source of all randomness.
    """
    count = len(photos)
    order = torch.randperm(count, generator=generator)
    photos, glasses = photos[order].clone(), glasses[order]
    ends = [round(share * count) for share in (_NO_FACE, _DRAWINGS, _CARTOONS, _HIDDEN)]
    none, drawing, cartoon, hidden = _parts(ends)
    mirrored = _chance(0.5, count, generator)
    photos[mirrored] = photos[mirrored].flip(3)

    face = torch.ones(count)
    drawn, covered = torch.zeros(count), torch.where(glasses > 0, math.nan, 0.0)
    face[none] = 0.0
    drawn[none] = covered[none] = math.nan
    photos[cartoon], drawn[cartoon] = _as_cartoon(photos[cartoon], generator), 1.0
    photos[hidden], covered[hidden] = _with_covered_eyes(photos[hidden], generator), 1.0

    distance, angle, middle = _poses(count, generator)
    _spoil_poses(none, distance, angle, middle, generator)
    images = _cut(photos, distance, angle, middle, generator)
    shuffled = none.stop // 4  # a face in pieces is none, wherever its eyes are
    if shuffled:
        images[:shuffled] = _shuffled(_cut(photos[:shuffled], *_poses(shuffled, generator), generator), generator)
    along = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)[:, None]
    eyes = middle[:, None] + torch.tensor([-0.5, 0.5]).view(1, 2, 1) * distance.view(-1, 1, 1) * along
    eyes[none] = math.nan

    if drawing.stop > drawing.start:
        images[drawing] = _views_of_drawings(drawings, drawing.stop - drawing.start, generator)
        eyes[drawing], drawn[drawing] = math.nan, 1.0
        face[drawing] = covered[drawing] = math.nan
    images = _occlude(_relight(images, generator), eyes, covered, generator)
    return Windows(spoil(images, generator), eyes, distance, face, drawn, covered)


def _parts(sizes: list[int]) -> list[slice]:
    """Slices of these sizes, one after the other."""
    found, start = [], 0
    for size in sizes:
        found.append(slice(start, start + size))
        start += size
    return found


def _uniform(low: float, high: float, shape: int | tuple[int, ...], generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _chance(share: float, count: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) < share


def _poses(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Distance of the eyes (N,), angle of the line through them (N,), and the point between them (N, 2)."""
    distance = torch.exp(_uniform(math.log(_FARTHEST), math.log(_NEAREST), count, generator))
    nearly_upright = 0.15 * torch.randn(count, generator=generator)
    anyhow = _uniform(-_STEEPEST, _STEEPEST, count, generator)
    angle = torch.where(_chance(0.4, count, generator), nearly_upright, anyhow).clamp(-_STEEPEST, _STEEPEST)
    off = torch.minimum(torch.full((count,), _OFF), 0.47 - distance / 2)  # both eyes are within the window
    middle = 0.5 + off[:, None] * _uniform(-1, 1, (count, 2), generator) - torch.tensor([0.0, 0.05])
    return distance, angle, middle


def _spoil_poses(none: slice, distance: Tensor, angle: Tensor, middle: Tensor, generator: torch.Generator) -> None:
    """Changes the poses of the windows `none` so that they show no upright face: beside it, on its head, far, near."""
    count = none.stop - none.start
    kind = torch.randint(0, 10, (count,), generator=generator)
    beside = kind < 6
    direction = _uniform(-math.pi, math.pi, count, generator)
    away = torch.maximum(_uniform(0.75, 1.5, count, generator), 0.6 + distance[none])
    moved = 0.5 + away[:, None] * torch.stack([torch.cos(direction), torch.sin(direction)], dim=1)
    middle[none] = torch.where(beside[:, None], moved, middle[none])
    upside = (kind == 6) | (kind == 7)
    turned = torch.sign(_uniform(-1, 1, count, generator)) * _uniform(math.pi / 2, math.pi, count, generator)
    angle[none] = torch.where(upside, turned, angle[none])
    far = _uniform(0.03, 0.08, count, generator)
    near = _uniform(0.9, 1.8, count, generator)
    distance[none] = torch.where(kind == 8, far, torch.where(kind == 9, near, distance[none]))


def _cut(photos: Tensor, distance: Tensor, angle: Tensor, middle: Tensor, generator: torch.Generator) -> Tensor:
    """The windows (N, 3, 64, 64) in which the eyes have these poses; what lies outside of a photo is made up."""
    count = len(photos)
    scale = (_DISTANCE / distance).view(-1, 1, 1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    back = scale * torch.stack([torch.stack([cos, sin], 1), torch.stack([-sin, cos], 1)], dim=1)
    start = 2 * torch.tensor(_MIDDLE) - 1 + 2 * (back @ (0.5 - middle)[:, :, None])[:, :, 0]
    grid = functional.affine_grid(torch.cat([back, start[:, :, None]], 2), [count, 3, WINDOW, WINDOW], False)
    coarse = functional.avg_pool2d(photos, 2)
    is_far = SIDE * _DISTANCE / (WINDOW * distance) > 1.4
    images = torch.empty(count, 3, WINDOW, WINDOW)
    borders = torch.randint(0, 3, (count,), generator=generator)
    for far, source in ((False, photos), (True, coarse)):
        for border, mode in enumerate(("border", "reflection", "zeros")):
            chosen = (is_far == far) & (borders == border)
            if chosen.any():
                images[chosen] = functional.grid_sample(source[chosen], grid[chosen], "bilinear", mode, False)
    outside = (grid.abs() > 1).any(dim=3) & (borders == 2).view(-1, 1, 1)
    return torch.where(outside[:, None], _backgrounds(photos, generator), images)


def _backgrounds(photos: Tensor, generator: torch.Generator) -> Tensor:
    """Something (N, 3, 64, 64) to see behind a photo: one colour, or a corner of another photo."""
    count = len(photos)
    plain = _uniform(-1, 1, (count, 3, 1, 1), generator).expand(-1, -1, WINDOW, WINDOW)
    corner = functional.interpolate(photos.roll(1, 0)[:, :, :28, :28], size=(WINDOW, WINDOW), mode="bilinear")
    return torch.where(_chance(0.5, count, generator).view(-1, 1, 1, 1), plain, corner)


def _shuffled(images: Tensor, generator: torch.Generator) -> Tensor:
    """Windows cut into nine or sixteen pieces, which change their places."""
    for index in range(len(images)):
        pieces = 4 if torch.rand(1, generator=generator) < 0.5 else 2
        side = WINDOW // pieces
        rows = images[index].unfold(1, side, side).unfold(2, side, side).reshape(3, pieces**2, side, side)
        rows = rows[:, torch.randperm(pieces**2, generator=generator)]
        rows = rows.view(3, pieces, pieces, side, side).permute(0, 1, 3, 2, 4)
        images[index] = rows.reshape(3, WINDOW, WINDOW)
    return images


def _views_of_drawings(drawings: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Turned windows (N, 3, 64, 64) about the middles of drawn faces."""
    chosen = drawings[torch.randint(0, len(drawings), (count,), generator=generator)]
    angle = _uniform(-_STEEPEST, _STEEPEST, count, generator)
    scale = _uniform(0.55, 1.1, count, generator).view(-1, 1, 1)
    turn = torch.stack([torch.cos(angle), torch.sin(angle), -torch.sin(angle), torch.cos(angle)], 1).view(-1, 2, 2)
    shift = _uniform(-0.2, 0.2, (count, 2, 1), generator)
    grid = functional.affine_grid(torch.cat([scale * turn, shift], 2), [count, 3, WINDOW, WINDOW], False)
    return functional.grid_sample(chosen, grid, "bilinear", "border", False)


def _as_cartoon(photos: Tensor, generator: torch.Generator) -> Tensor:
    """Photos as if they were drawn: few flat colours, stronger than before, and dark lines at the edges."""
    count = len(photos)
    smooth = photos
    for _ in range(3):
        smooth = functional.avg_pool2d(functional.pad(smooth, (2, 2, 2, 2), mode="replicate"), 5, 1)
    grey = smooth.mean(dim=1, keepdim=True)
    vivid = grey + _uniform(0.8, 2.2, (count, 1, 1, 1), generator) * (smooth - grey)
    levels = torch.randint(2, 7, (count, 1, 1, 1), generator=generator).float()
    flat = torch.round((vivid.clamp(-1, 1) + 1) / 2 * levels) / levels * 2 - 1
    across = functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    slope = (across[:, :, 1:-1, 2:] - across[:, :, 1:-1, :-2]).abs()
    slope = slope + (across[:, :, 2:, 1:-1] - across[:, :, :-2, 1:-1]).abs()
    lines = (slope > _uniform(0.12, 0.4, (count, 1, 1, 1), generator)) & _chance(0.7, count, generator).view(
        -1, 1, 1, 1
    )
    return torch.where(lines, -0.9, flat)


def _with_covered_eyes(photos: Tensor, generator: torch.Generator) -> Tensor:
    """Photos with two dark lenses, a bar, or a piece of another photo over the eyes."""
    count = len(photos)
    ticks = (torch.arange(SIDE) + 0.5) / SIDE
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")

    def draw(low: float, high: float) -> Tensor:
        return _DISTANCE * _uniform(low, high, (count, 1, 1), generator)

    kind = torch.randint(0, 5, (count, 1, 1), generator=generator)
    middle_x, middle_y = _MIDDLE[0] + draw(-0.06, 0.06), _MIDDLE[1] + draw(-0.08, 0.12)
    wide, high = draw(0.32, 0.5), draw(0.24, 0.42)
    power = _uniform(2, 5, (count, 1, 1), generator)
    aside = (x - middle_x).abs()
    lenses = ((aside - _DISTANCE / 2).abs() / wide) ** power + ((y - middle_y).abs() / high) ** power < 1
    bridge = (aside < _DISTANCE / 2) & ((y - middle_y + high / 2).abs() < draw(0.02, 0.08))
    arms = (aside < draw(0.9, 1.2)) & (aside > _DISTANCE / 2) & ((y - middle_y + high / 2).abs() < draw(0.02, 0.08))
    bar = (aside < draw(0.8, 1.3)) & ((y - middle_y).abs() < high)
    mask = torch.where(kind < 3, lenses | bridge | arms, bar)[:, None]
    shine = draw(-0.4, 0.4)[:, None] / _DISTANCE * (y - middle_y)[:, None] / _DISTANCE
    dark = _uniform(-1, -0.45, (count, 1, 1, 1), generator) + _uniform(-0.1, 0.1, (count, 3, 1, 1), generator) + shine
    other = photos.roll(1, 0).roll(SIDE // 3, 2)
    cover = torch.where((kind == 4)[:, None], other, dark.clamp(-1, 1).expand(-1, -1, SIDE, SIDE))
    opaque = _uniform(0.82, 1.0, (count, 1, 1, 1), generator)
    return torch.where(mask, opaque * cover + (1 - opaque) * photos, photos)


def _relight(images: Tensor, generator: torch.Generator) -> Tensor:
    """Changes contrast, brightness and colours, lights from one side, and makes some windows grey."""
    count = len(images)
    light = _uniform(-0.35, 0.35, (count, 2, 1, 1), generator)
    ticks = torch.linspace(-1, 1, WINDOW)
    side = light[:, :1] * ticks.view(1, 1, 1, -1) + light[:, 1:] * ticks.view(1, 1, -1, 1)
    gamma = torch.exp(_uniform(-0.5, 0.5, (count, 1, 1, 1), generator))
    shares = ((images.clamp(-1, 1) + 1) / 2).clamp(1e-4) ** gamma * (1 + side)
    tint = 1 + _uniform(-0.18, 0.18, (count, 3, 1, 1), generator)
    contrast = _uniform(0.6, 1.3, (count, 1, 1, 1), generator)
    shares = 0.5 + contrast * (shares * tint - 0.5)
    grey = shares.mean(dim=1, keepdim=True).expand_as(shares)
    return torch.where(_chance(0.15, count, generator).view(-1, 1, 1, 1), grey, shares) * 2 - 1


def _occlude(images: Tensor, eyes: Tensor, covered: Tensor, generator: torch.Generator) -> Tensor:
    """Puts a rectangle before some windows; where it hides an eye, `covered` becomes unknown."""
    count = len(images)
    sides = _uniform(0.1, 0.4, (count, 2), generator)
    corner = _uniform(0, 1, (count, 2), generator) * (1 - sides)
    ticks = (torch.arange(WINDOW) + 0.5) / WINDOW
    across = (ticks > corner[:, :1]) & (ticks < (corner + sides)[:, :1])
    down = (ticks > corner[:, 1:]) & (ticks < (corner + sides)[:, 1:])
    chosen = _chance(_OCCLUDED, count, generator)
    mask = (across[:, None, :] & down[:, :, None] & chosen.view(-1, 1, 1))[:, None]
    inside = ((eyes > (corner - 0.03)[:, None]) & (eyes < (corner + sides + 0.03)[:, None])).all(dim=2).any(dim=1)
    covered[inside & chosen & (covered == 0)] = math.nan
    plain = _uniform(-1, 1, (count, 3, 1, 1), generator).expand_as(images)
    cover = torch.where(_chance(0.5, count, generator).view(-1, 1, 1, 1), plain, images.roll(1, 0))
    return torch.where(mask, cover, images)
