"""The cats."""

from __future__ import annotations

from dataclasses import replace

from bridgebench.harness.data.animals.breeds import Breed, Coat, Ear

_GREEN, _YELLOW, _COPPER, _BLUE, _HAZEL = (
    (136, 168, 78),
    (212, 182, 70),
    (206, 130, 44),
    (104, 164, 212),
    (164, 160, 84),
)
_PINK, _BRICK, _BLACK, _LILAC = (214, 142, 138), (168, 96, 84), (48, 42, 44), (112, 96, 104)
_ALL = (_GREEN, _YELLOW, _HAZEL, _COPPER)

_EAR = Ear(
    shell=([(12, 86), (30, 50), (58, 19)], [(58, 19), (63, 17), (66, 21)], [(66, 21), (77, 58), (70, 116)]),
    hollow=([(30, 84), (42, 56), (59, 31)], [(59, 31), (69, 60), (65, 104)]),
    tufts=True,
)
_TALL = Ear(
    shell=([(8, 86), (30, 44), (66, 8)], [(66, 8), (71, 6), (74, 10)], [(74, 10), (80, 54), (61, 116)]),
    hollow=([(27, 84), (42, 52), (67, 22)], [(67, 22), (72, 56), (57, 102)]),
    tufts=True,
)
_SMALL = Ear(
    shell=([(22, 84), (42, 54), (64, 36)], [(64, 36), (70, 34), (74, 39)], [(74, 39), (83, 66), (77, 118)]),
    hollow=([(38, 84), (50, 62), (66, 46)], [(66, 46), (76, 70), (71, 104)]),
    tufts=True,
)

_TABBIES = (
    Coat(((136, 112, 86), (168, 142, 110)), (236, 226, 212), (62, 48, 38), ("tabby", "muzzle"), nose=_BRICK, eyes=_ALL),
    Coat(
        ((142, 140, 138), (176, 174, 170)), (240, 240, 238), (64, 64, 68), ("tabby", "muzzle"), nose=_BRICK, eyes=_ALL
    ),
    Coat(((216, 142, 70), (234, 172, 104)), (250, 232, 208), (172, 92, 36), ("tabby", "muzzle"), nose=_PINK, eyes=_ALL),
    Coat(((146, 122, 96), (150, 144, 138)), (246, 242, 236), (60, 48, 40), ("tabby", "blaze"), nose=_PINK, eyes=_ALL),
    Coat(((218, 146, 76), (234, 174, 110)), (250, 244, 234), (176, 98, 42), ("tabby", "blaze"), nose=_PINK, eyes=_ALL),
)
_PLAIN = (
    Coat(
        ((44, 42, 46), (60, 56, 58)),
        (84, 80, 82),
        (24, 22, 26),
        ("sheen",),
        nose=_BLACK,
        eyes=(_YELLOW, _COPPER, _GREEN),
    ),
    Coat(((48, 46, 50), (60, 58, 60)), (244, 242, 240), (24, 22, 26), ("blaze",), nose=_PINK, eyes=(_GREEN, _YELLOW)),
    Coat(
        ((232, 228, 222), (244, 242, 238)),
        (252, 250, 248),
        (190, 180, 172),
        ("sheen",),
        nose=_PINK,
        eyes=(_BLUE, _GREEN, _YELLOW),
    ),
    Coat(
        ((242, 238, 232), (246, 244, 240)),
        (252, 250, 248),
        (66, 56, 54),
        ("calico",),
        nose=_PINK,
        eyes=(_GREEN, _YELLOW),
    ),
)
_BLUES = (
    Coat(
        ((104, 108, 120), (136, 140, 150)),
        (164, 168, 176),
        (72, 76, 88),
        ("sheen",),
        nose=_LILAC,
        eyes=(_COPPER, _YELLOW),
    ),
    Coat(
        ((150, 122, 104), (176, 150, 132)),
        (212, 194, 180),
        (110, 86, 72),
        ("sheen",),
        nose=_BRICK,
        eyes=(_COPPER, _YELLOW),
    ),
)
_POINTS = (
    Coat(
        ((226, 210, 188), (240, 228, 210)), (248, 240, 228), (58, 44, 40), ("siamese",), (62, 48, 44), _BLACK, (_BLUE,)
    ),
    Coat(
        ((228, 222, 218), (240, 236, 232)),
        (248, 246, 244),
        (112, 104, 112),
        ("siamese",),
        (122, 114, 122),
        _LILAC,
        (_BLUE,),
    ),
    Coat(
        ((240, 226, 206), (246, 236, 220)),
        (252, 246, 238),
        (206, 146, 96),
        ("siamese",),
        (216, 158, 108),
        _PINK,
        (_BLUE,),
    ),
)

_SHORTHAIR = Breed(
    name="shorthair",
    head=[(0, 70), (26, 75), (50, 86), (70, 110), (80, 140), (76, 168), (60, 191), (34, 207), (0, 213)],
    ear=_EAR,
    eyes=(35, 131, 19, 14.5, 4),
    eye_kind="cat",
    nose=(167, 9.5, 6.5),
    mouth=(184, 19),
    bridge=13,
    coats=_TABBIES + _PLAIN,
    whiskers=1,
)
CATS: tuple[Breed, ...] = (
    replace(_SHORTHAIR, weight=3),
    replace(
        _SHORTHAIR,
        name="british",
        head=[(0, 70), (30, 75), (58, 86), (80, 112), (90, 144), (86, 174), (68, 196), (38, 211), (0, 215)],
        ear=_SMALL,
        eyes=(37, 133, 18.5, 16.5, 2),
        nose=(168, 9.5, 6.5),
        coats=(*_BLUES, _TABBIES[1], _PLAIN[0]),
        fur=7,
    ),
    replace(
        _SHORTHAIR,
        name="oriental",
        head=[(0, 72), (24, 77), (47, 88), (65, 110), (74, 137), (67, 166), (49, 189), (27, 206), (0, 212)],
        ear=_TALL,
        eyes=(31, 132, 18, 12.5, 7),
        nose=(170, 9, 6),
        mouth=(186, 17),
        coats=_POINTS,
        fur=4.5,
    ),
    replace(
        _SHORTHAIR,
        name="longhair",
        head=[(0, 68), (28, 73), (54, 85), (74, 110), (84, 142), (80, 172), (64, 195), (36, 210), (0, 216)],
        ear=_EAR,
        eyes=(35, 131, 18.5, 14, 4),
        coats=_TABBIES[:3] + _POINTS[:2] + (_PLAIN[1], _PLAIN[2], _BLUES[0]),
        fur=13,
        ruff=1,
    ),
    replace(
        _SHORTHAIR,
        name="persian",
        head=[(0, 64), (32, 70), (62, 84), (84, 112), (93, 145), (88, 176), (70, 199), (40, 213), (0, 217)],
        ear=_SMALL,
        eyes=(38, 136, 19, 17.5, -2),
        nose=(158, 9, 6),
        mouth=(177, 20),
        coats=(_TABBIES[2], _PLAIN[2], _BLUES[0], _POINTS[0], _TABBIES[1]),
        fur=14,
        ruff=1,
    ),
)
