"""The outline of a head: face, ears, neck, shoulders and the marks that age leaves."""

from __future__ import annotations

from bridgebench.harness.data.drawn.geometry import Curve, blob, line, mirror, mix, patch
from bridgebench.harness.data.faces.identity import Identity

MOUTH_Y = 181.0


def face_half(who: Identity, male: bool) -> Curve:
    """The right half of the face from the crown to the chin; a man's jaw is wider and squarer."""
    if male:
        jaw = mix(0, 3.0, who.jaw)
        return [
            (30, 52),
            (53, 80),
            (58, 112),
            (57.5, 142),
            (54 + jaw * 0.4, 168),
            (47 + jaw, 188),
            (33 + jaw, 206),
            (14, 215.5),
        ]
    jaw = mix(0, 3.0, who.jaw)
    return [
        (30, 52),
        (53, 80),
        (57.5, 112),
        (56, 142),
        (50 + jaw * 0.5, 168),
        (39.5 + jaw, 188),
        (25 + jaw, 203),
        (9, 212),
    ]


def face(who: Identity, male: bool) -> str:
    half = face_half(who, male)
    return blob([(0, 46), *half, *mirror(half)])


def ears(who: Identity) -> list[dict[str, str]]:
    """Outline and inner fold of both ears."""
    pairs = []
    for side in (-1, 1):
        out = mix(65, 68, who.ears)
        shell = [(54, 124), (61, 119), (out, 126), (out - 1, 140), (62, 152), (55, 156)]
        fold = [(58, 128), (62.5, 128), (62.5, 137), (59, 143), (60, 148)]
        pairs.append({"shell": blob([(x * side, y) for x, y in shell]), "fold": line([(x * side, y) for x, y in fold])})
    return pairs


def neck(male: bool) -> str:
    wide = 35 if male else 25
    half = [(wide, 180), (wide, 205), (wide + 1.5, 226), (wide + 12, 244), (wide + 30, 262)]
    return patch([*half], [(-x, y) for x, y in reversed(half)])


def neck_shadow(male: bool) -> str:
    """The shadow that the chin throws on the neck."""
    wide = 34.6 if male else 24.6
    deep = 232 if male else 229
    return patch(
        [(wide, 180), (wide, 216), (wide * 0.5, deep), (0, deep + 3), (-wide * 0.5, deep), (-wide, 216), (-wide, 180)]
    )


def shoulders(male: bool) -> str:
    wide, reach = (36, 132) if male else (27, 116)
    half = [(wide, 231), (wide + 22, 242), (reach * 0.72, 252), (reach, 270), (reach + 10, 330)]
    return patch([(-x, y) for x, y in reversed(half)], [(-wide, 231), (0, 252 if male else 256), (wide, 231)], half)


def collar(who: Identity, male: bool) -> dict[str, str]:
    """The collar: crew neck, V-neck, shirt, or roll neck; `fill` is cloth, `skin` shows skin, `line` is a seam."""
    w = 36 if male else 27
    if who.collar == 0:
        return {
            "skin": "",
            "fill": patch(
                [(-w - 3, 230), (-w * 0.5, 250), (0, 257), (w * 0.5, 250), (w + 3, 230)],
                [(w + 9, 233), (w * 0.6, 257), (0, 265), (-w * 0.6, 257), (-w - 9, 233)],
            ),
            "line": "",
        }
    if who.collar == 1:
        return {
            "skin": f"M{-w} 231L0 286L{w} 231Z",
            "fill": f"M{-w - 2} 229L0 284L{w + 2} 229L{w + 10} 233L0 298L{-w - 10} 233Z",
            "line": "",
        }
    if who.collar == 2:
        return {
            "skin": f"M{-w} 231L0 266L{w} 231Z",
            "fill": f"M{-w - 1} 224L0 262L{-w + 8} 282L{-w - 14} 236Z M{w + 1} 224L0 262L{w - 8} 282L{w + 14} 236Z",
            "line": "M0 262V330",
        }
    return {
        "skin": "",
        "fill": patch([(-w - 2, 221), (0, 232), (w + 2, 221)], [(w + 7, 250), (0, 264), (-w - 7, 250)]),
        "line": line([(-w - 4, 236), (0, 248), (w + 4, 236)]),
    }


def age_marks(who: Identity) -> dict[str, list[str]]:
    """Lines of an old face: `deep` folds, `fine` lines and the `bags` under the eyes."""
    drop = mix(0, 4, who.age)
    deep, fine, bags = [], [], []
    for side in (-1, 1):

        def put(points: Curve, side: int = side) -> str:
            return line([(x * side, y) for x, y in points])

        deep.append(put([(15.5, 155), (23, 162), (28.5, 172), (30, 181 + drop)]))
        deep.append(put([(26, 193), (27, 200), (24.5, 206 + drop * 0.5)]))
        bags.append(patch([(x * side, y) for x, y in ((12, 137), (19, 141.5), (29, 141.5), (38, 136))],
                          [(x * side, y) for x, y in ((36, 143), (28, 148.5), (19, 148), (13, 142))]))  # fmt: skip
        fine.append(put([(13, 142), (19, 148), (28, 148.5), (36, 143.5)]))
        fine.append(put([(42, 126), (47, 123), (51, 122)]))
        fine.append(put([(42, 130), (47, 131), (52, 133)]))
        if who.wrinkles != 1:
            fine.append(put([(41.5, 134), (45, 138), (49, 143)]))
        if who.wrinkles != 2:
            fine.append(put([(3.5, 105), (4.5, 110), (3, 116)]))
    rows = {0: (85, 92.5, 100), 1: (88, 97), 2: (84, 91, 98)}[who.wrinkles]
    for k, y in enumerate(rows):
        wide = 31 - 3 * k
        fine.append(
            line([(-wide, y + 2.5), (-wide * 0.5, y - 0.8), (0, y + 1.2), (wide * 0.5, y - 0.8), (wide, y + 2.5)])
        )
    return {"deep": deep, "fine": fine, "bags": bags}


def freckles(spots: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Places of freckles on both cheeks, from numbers between 0 and 1."""
    return [((18 + 24 * a) * (-1 if i % 2 else 1), 146 + 16 * b) for i, (a, b) in enumerate(spots)]
