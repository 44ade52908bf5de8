"""The wild ones: big cats, foxes and wolves."""

from __future__ import annotations

from dataclasses import replace

from bridgebench.harness.data.animals.breeds import Breed, Coat, Ear

_AMBER, _STRAW, _PALE_BLUE, _OCHRE, _SAGE = (
    (190, 134, 52),
    (206, 178, 92),
    (150, 184, 200),
    (166, 110, 48),
    (158, 166, 122),
)
_CATS_EYES = (_AMBER, _STRAW, _OCHRE)
_ROSE, _DARK = (176, 112, 98), (58, 46, 46)

_ROUND = Ear(
    shell=([(40, 98), (40, 62), (54, 42), (74, 40), (90, 56), (92, 82), (80, 112)],),
    hollow=([(50, 92), (52, 66), (62, 53), (75, 53), (83, 66), (82, 84), (74, 104)],),
    round=True,
    tufts=True,
)
_LION_EAR = Ear(
    shell=([(46, 98), (44, 70), (54, 54), (71, 51), (85, 63), (87, 84), (76, 108)],),
    hollow=([(54, 94), (54, 74), (61, 64), (71, 62), (79, 71), (79, 85), (72, 100)],),
    round=True,
    tufts=True,
)
_FOX_EAR = Ear(
    shell=([(12, 90), (30, 44), (58, 8)], [(58, 8), (62, 6), (66, 10)], [(66, 10), (81, 58), (73, 124)]),
    hollow=([(28, 90), (41, 54), (60, 24)], [(60, 24), (72, 60), (66, 110)]),
    tufts=True,
)
_WOLF_EAR = Ear(
    shell=([(16, 86), (32, 48), (55, 22)], [(55, 22), (60, 20), (64, 24)], [(64, 24), (75, 58), (69, 118)]),
    hollow=([(32, 84), (42, 56), (57, 36)], [(57, 36), (67, 64), (61, 102)]),
    tufts=True,
)

_LION = Coat(((196, 148, 88), (214, 172, 112)), (246, 230, 200), (112, 70, 36), ("lion",), nose=_ROSE, eyes=_CATS_EYES)
_TIGER = Coat(
    ((218, 130, 50), (232, 154, 76)), (252, 246, 236), (36, 28, 26), ("tiger",), (40, 34, 32), _ROSE, _CATS_EYES
)
_WHITE_TIGER = Coat(
    ((236, 234, 230), (246, 244, 242)), (254, 254, 252), (58, 50, 50), ("tiger",), (70, 62, 62), _ROSE, (_PALE_BLUE,)
)
_LEOPARD = Coat(
    ((206, 154, 84), (222, 178, 112)),
    (250, 238, 216),
    (44, 34, 30),
    ("rosettes",),
    (64, 50, 42),
    _ROSE,
    (_STRAW, _SAGE),
)
_SNOW = Coat(
    ((188, 188, 186), (206, 206, 204)),
    (250, 250, 248),
    (62, 62, 66),
    ("rosettes",),
    (110, 110, 112),
    _ROSE,
    (_SAGE, _PALE_BLUE),
)
_CHEETAH = Coat(
    ((212, 168, 102), (226, 190, 132)),
    (250, 240, 218),
    (40, 32, 30),
    ("cheetah",),
    (70, 56, 44),
    _DARK,
    (_AMBER, _OCHRE),
)
_FOX = Coat(
    ((206, 104, 40), (222, 128, 60)), (252, 248, 242), (52, 36, 32), ("fox",), (48, 36, 34), _DARK, (_AMBER, _STRAW)
)
_WOLF = Coat(
    ((128, 122, 114), (154, 148, 138)),
    (240, 234, 224),
    (58, 54, 52),
    ("wolf",),
    (120, 102, 84),
    _DARK,
    (_STRAW, _AMBER),
)
_BROWN_WOLF = Coat(
    ((146, 116, 86), (166, 136, 104)), (240, 228, 208), (64, 50, 42), ("wolf",), (132, 98, 68), _DARK, (_STRAW, _AMBER)
)

_BEAST = Breed(
    name="tiger",
    head=[(0, 64), (30, 69), (55, 81), (71, 104), (82, 134), (86, 162), (72, 188), (46, 209), (22, 219), (0, 221)],
    ear=_ROUND,
    eyes=(33, 126, 14.5, 10, 4),
    eye_kind="beast",
    nose=(171, 18, 10),
    mouth=(191, 25),
    bridge=19,
    coats=(_TIGER, _TIGER, _WHITE_TIGER),
    fur=9,
    ruff=0.7,
    muzzle=0.5,
    whiskers=0.8,
)
WILD: tuple[Breed, ...] = (
    replace(_BEAST, weight=3),
    replace(
        _BEAST,
        name="lion",
        head=[(0, 64), (28, 69), (50, 82), (63, 106), (67, 132), (62, 158), (56, 184), (42, 207), (20, 219), (0, 222)],
        ear=_LION_EAR,
        eyes=(31, 126, 13, 8.5, 4),
        nose=(174, 19.5, 10.5),
        mouth=(195, 26),
        bridge=21,
        coats=(_LION,),
        mane=1,
        ruff=0,
        weight=3,
    ),
    replace(
        _BEAST,
        name="lioness",
        head=[(0, 64), (29, 69), (52, 82), (66, 106), (72, 134), (68, 160), (58, 186), (42, 207), (20, 218), (0, 221)],
        eyes=(32, 126, 13.5, 9, 4),
        nose=(174, 18.5, 10.5),
        mouth=(194, 25),
        bridge=20,
        coats=(_LION,),
        fur=6,
        ruff=0.3,
    ),
    replace(
        _BEAST,
        name="leopard",
        head=[(0, 66), (30, 71), (54, 83), (69, 106), (77, 134), (76, 160), (62, 187), (42, 207), (20, 217), (0, 219)],
        nose=(172, 16.5, 9.5),
        coats=(_LEOPARD, _SNOW, _LEOPARD),
        fur=7,
        ruff=0.4,
        weight=3,
    ),
    replace(
        _BEAST,
        name="cheetah",
        head=[(0, 70), (28, 75), (51, 86), (65, 108), (71, 134), (66, 160), (52, 184), (38, 203), (20, 213), (0, 216)],
        eyes=(32, 130, 15, 11, 3),
        nose=(172, 14, 8.5),
        mouth=(189, 22),
        bridge=15,
        coats=(_CHEETAH,),
        fur=6,
        ruff=0.3,
    ),
    replace(
        _BEAST,
        name="fox",
        head=[(0, 74), (26, 79), (50, 90), (70, 112), (88, 142), (82, 160), (54, 177), (32, 196), (17, 210), (0, 215)],
        ear=_FOX_EAR,
        eyes=(32, 131, 13.5, 9, 6),
        nose=(186, 11, 8),
        mouth=(201, 19),
        bridge=12,
        coats=(_FOX,),
        fur=10,
        ruff=0.8,
        muzzle=0.7,
        whiskers=0.4,
        weight=3,
    ),
    replace(
        _BEAST,
        name="wolf",
        head=[(0, 66), (25, 71), (48, 82), (66, 104), (84, 136), (82, 160), (58, 180), (38, 201), (22, 214), (0, 218)],
        ear=_WOLF_EAR,
        eyes=(31, 126, 12.5, 8, 6),
        nose=(176, 15, 10.5),
        mouth=(196, 24),
        bridge=17,
        coats=(_WOLF, _BROWN_WOLF, _WOLF),
        fur=13,
        ruff=1,
        muzzle=0.9,
        whiskers=0,
        weight=3,
    ),
)
