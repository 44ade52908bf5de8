"""The dogs."""

from __future__ import annotations

from dataclasses import replace

from bridgebench.harness.data.animals.breeds import Breed, Coat, Ear

_BROWN, _DARK, _AMBER, _ICE = (104, 66, 38), (66, 42, 28), (150, 100, 52), (138, 180, 214)
_EYES = (_BROWN, _DARK)
_LIVER = (112, 74, 60)

_PRICK = Ear(
    shell=([(14, 82), (26, 44), (45, 14)], [(45, 14), (49, 12), (52, 15)], [(52, 15), (65, 50), (62, 106)]),
    hollow=([(28, 80), (35, 52), (47, 28)], [(47, 28), (57, 56), (53, 94)]),
    tufts=True,
)
_BAT = Ear(
    shell=([(20, 90), (46, 42), (84, 16)], [(84, 16), (90, 14), (94, 19)], [(94, 19), (92, 68), (66, 122)]),
    hollow=([(38, 88), (56, 54), (86, 29)], [(86, 29), (84, 66), (60, 104)]),
    tufts=True,
)
_DROP = Ear(
    shell=([(34, 73), (56, 66), (76, 82), (94, 118), (98, 152), (88, 172), (76, 168), (67, 146), (58, 116), (44, 92)],),
    front=True,
    round=True,
)
_LONG = Ear(
    shell=(
        [(40, 86), (54, 74), (73, 84), (90, 118), (99, 160), (97, 190), (85, 203), (72, 194), (63, 160), (55, 120)],
    ),
    front=True,
    round=True,
)
_BUTTON = Ear(
    shell=(
        [(22, 78), (40, 54), (62, 46)],
        [(62, 46), (78, 58), (90, 84), (88, 106)],
        [(88, 106), (70, 98), (52, 86), (36, 80)],
    ),
    front=True,
    fold=[(34, 70), (50, 58), (64, 54), (78, 62)],
)

_FLAP = Ear(
    shell=(
        [(36, 82), (56, 67), (76, 80)],
        [(76, 80), (91, 100), (90, 130)],
        [(90, 130), (72, 122), (54, 104), (36, 82)],
    ),
    front=True,
    fold=[(40, 78), (57, 70), (72, 78)],
)

_CREAM = Coat(((226, 196, 148), (240, 220, 184)), (250, 240, 220), (176, 136, 88), ("lighter",), eyes=_EYES)
_GOLD = Coat(
    ((198, 142, 80), (220, 170, 108)), (242, 214, 170), (148, 94, 46), ("lighter",), (180, 120, 62), eyes=_EYES
)
_CHOCOLATE = Coat(
    ((98, 64, 46), (122, 82, 60)), (150, 108, 82), (58, 36, 26), ("sheen",), (84, 54, 40), _LIVER, (_AMBER, _BROWN)
)
_JET = Coat(((42, 40, 44), (56, 54, 56)), (86, 82, 84), (22, 20, 24), ("sheen",), eyes=_EYES)
_TAN = Coat(((44, 40, 42), (58, 52, 52)), (196, 130, 72), (24, 20, 22), ("tan_points",), eyes=_EYES)
_TRICOLOUR = Coat(((46, 42, 44), (58, 54, 54)), (248, 244, 238), (190, 120, 62), ("tricolour",), eyes=_EYES)
_BEAGLE = Coat(
    ((178, 112, 58), (200, 138, 82)), (250, 244, 236), (120, 70, 34), ("blaze_dog",), (156, 94, 46), eyes=_EYES
)
_RED = Coat(((194, 118, 58), (216, 148, 84)), (252, 244, 232), (134, 74, 32), ("blaze_dog",), eyes=_EYES)
_SABLE = Coat(
    ((182, 136, 84), (200, 158, 108)), (224, 190, 142), (48, 38, 34), ("black_mask",), (88, 66, 48), eyes=_EYES
)
_FAWN = Coat(
    ((208, 170, 122), (226, 194, 150)), (236, 208, 168), (42, 36, 36), ("black_mask",), (54, 46, 44), eyes=_EYES
)
_WHITE = Coat(((238, 234, 226), (246, 244, 240)), (254, 252, 250), (196, 184, 168), ("sheen",), eyes=_EYES)
_PATCHED = Coat(
    ((242, 238, 232), (248, 246, 242)), (254, 252, 250), (150, 90, 48), ("eye_patch",), (150, 90, 48), eyes=_EYES
)
_DALMATIAN = Coat(
    ((240, 238, 234), (248, 246, 244)), (254, 252, 252), (40, 38, 42), ("dots",), (70, 66, 68), eyes=_EYES
)
_HUSKY = Coat(((60, 62, 68), (112, 114, 120)), (248, 248, 248), (40, 42, 46), ("husky",), eyes=(_ICE, _ICE, _BROWN))
_RED_HUSKY = Coat(
    ((160, 98, 62), (178, 118, 82)), (250, 246, 240), (120, 70, 42), ("husky",), nose=_LIVER, eyes=(_ICE, _AMBER)
)

_DOG = Breed(
    name="retriever",
    head=[(0, 58), (30, 62), (56, 73), (72, 96), (76, 124), (68, 152), (55, 178), (46, 199), (27, 214), (0, 219)],
    ear=_DROP,
    eyes=(31, 121, 11.5, 10.5, 1),
    eye_kind="dog",
    nose=(166, 18.5, 13),
    mouth=(194, 31),
    bridge=20,
    coats=(_CREAM, _GOLD, _CHOCOLATE, _JET),
    fur=6,
    muzzle=1,
)
DOGS: tuple[Breed, ...] = (
    replace(_DOG, weight=2),
    replace(_DOG, name="hound", ear=_LONG, coats=(_BEAGLE, _TRICOLOUR, _DALMATIAN, _TAN), fur=4.5),
    replace(
        _DOG,
        name="spitz",
        head=[(0, 60), (24, 65), (46, 76), (62, 98), (76, 128), (72, 154), (52, 176), (38, 199), (22, 213), (0, 218)],
        ear=_PRICK,
        eyes=(29, 122, 12, 8.5, 3),
        nose=(170, 16, 11.5),
        mouth=(194, 26),
        bridge=17,
        coats=(_HUSKY, _RED_HUSKY, _HUSKY, _WHITE, _RED),
        fur=11,
        ruff=0.8,
        weight=2,
    ),
    replace(
        _DOG,
        name="shepherd",
        head=[(0, 58), (25, 63), (48, 74), (66, 96), (74, 124), (66, 150), (48, 174), (39, 198), (23, 213), (0, 218)],
        ear=_PRICK,
        eyes=(29, 120, 11.5, 9, 3),
        nose=(170, 16.5, 12),
        mouth=(195, 27),
        bridge=18,
        coats=(_SABLE, _TAN, _WHITE),
        fur=8,
        ruff=0.5,
    ),
    replace(
        _DOG,
        name="terrier",
        head=[(0, 62), (28, 66), (54, 77), (70, 100), (75, 128), (66, 154), (52, 178), (43, 199), (26, 213), (0, 218)],
        ear=_BUTTON,
        coats=(_PATCHED, _RED, _TAN, _GOLD, _JET),
        eyes=(30, 121, 11.5, 10.5, 2),
        fur=7,
    ),
    replace(
        _DOG,
        name="pug",
        head=[(0, 66), (32, 70), (60, 82), (77, 106), (83, 138), (80, 168), (64, 195), (36, 210), (0, 214)],
        ear=_FLAP,
        eyes=(37, 133, 15, 14, -1),
        nose=(157, 15, 9),
        mouth=(183, 33),
        bridge=18,
        coats=(_FAWN, _FAWN, _JET),
        fur=4,
        muzzle=0.6,
    ),
    replace(
        _DOG,
        name="chihuahua",
        head=[(0, 66), (30, 70), (56, 83), (72, 108), (76, 138), (64, 164), (46, 184), (34, 201), (20, 211), (0, 214)],
        ear=_BAT,
        eyes=(35, 134, 15.5, 14, 1),
        nose=(171, 12.5, 9),
        mouth=(190, 22),
        bridge=14,
        coats=(_GOLD, _RED, _CREAM, _TAN),
        fur=6,
        ruff=0.4,
        muzzle=0.7,
    ),
    replace(
        _DOG,
        name="spaniel",
        ear=_LONG,
        coats=(_GOLD, _BEAGLE, _TRICOLOUR, _CHOCOLATE),
        eyes=(32, 123, 13, 12, -1),
        fur=11,
    ),
)
