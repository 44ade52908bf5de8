"""Edits one photo of a user: the input has any size; the output has the editor's size or the photo's own size."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bridgebench.eval.judges.classifier import load_classifier, to_float
from bridgebench.harness.data.photos import read_photo
from bridgebench.harness.data.pixels import to_uint8
from bridgebench.harness.photo.crop import choose_square, paste_back, square_of
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.harness.weights.find import find_weights, judge_weights
from bridgebench.methods import MethodCard, load
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import write_bytes
from bridgebench.methods.core.labels import LabelSpace, label_space
from bridgebench.methods.editor import Editor

_SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def edit_photo(
    photo: Path,
    method: str,
    out: Path,
    *,
    settings: Sequence[str] = (),
    reference: Path | None = None,
    attributes: Sequence[str] = (),
    weights: Path | None = None,
    profile: str = "faces64",
    strength: float | None = None,
    seed: int = 0,
    crop: str | None = None,
    reference_crop: str | None = None,
    back: bool = False,
) -> Path:
    """Edits a photo and writes the result; nothing is written on an error.

    A square of the photo is resized to the editor's size, its labels are read by the profile's classifier, and
    the target is those labels with the wanted changes and the repairs of
    :meth:`methods.core.labels.Attributes.target`. If the labels are domains, the target is the domain that is set, or
    the domain of the reference.

    Args:
        photo: a PNG or JPEG file of any size.
        method: the method, or variant of the profile, that edits.
        out: a .png, .jpg or .jpeg file in an existing folder, and none of the photos; it is replaced.
        settings: label edits, each ``"Attribute=0"`` or ``"Attribute=1"``; for domains, one ``"domain=1"``.
        reference: another photo; the `attributes` (all, if none are named) take the values of this photo.
        weights: a weights file to use instead of the profile's.
        profile: the profile whose classifier and weights are used.
        strength: strength of the edit, in the range of the method's card; None: the default.
        seed: seed of the method's random draws.
        crop, reference_crop: the squares of the photo and the reference; see `choose_square`.
        back: write the whole photo, with the edited square put back into it.

    Returns:
        `out`.

    Raises:
        UserError: an argument or file is missing, damaged or does not fit the others.
    """
    if bool(settings) == (reference is not None):
        raise UserError("An edit needs a target, one of two: --set NAME=0|1, or --reference PHOTO.")
    if attributes and reference is None:
        raise UserError("--attributes says what to take from a --reference photo; with --set it has no meaning.")
    file_format = _output_format(out, [photo] if reference is None else [photo, reference])
    found = load_profile(profile)
    _check_method(found.card(method), strength)
    if reference_crop is not None and reference is None:
        raise UserError("--reference-crop says which square of a --reference photo is meant; there is none.")
    whole = read_photo(photo)
    square = choose_square(whole, str(photo), crop)
    look = None
    if reference is not None:
        reference_photo = read_photo(reference)
        look = (reference_photo, choose_square(reference_photo, str(reference), reference_crop, "--reference-crop"))

    editor = _load(method, weights, found)
    before = square_of(whole, square, editor.image_size)
    images = to_float(before[None])
    source = _labels(editor, images)
    like = None if look is None else to_float(square_of(*look, editor.image_size)[None])
    if editor.space.exclusive:
        target = _domain(editor, source, settings, like, attributes)
    elif like is None:
        target = apply_settings(source, settings, editor.space)
    else:
        target = take_from(source, _labels(editor, like), attributes or editor.attributes, editor.space)
    edited = editor.edit(
        images,
        _row(target),
        like,
        source_labels=_row(source),
        strength=strength,
        generator=torch.Generator().manual_seed(seed),
    )
    pixels = _pixels(edited)
    _write(paste_back(whole, square, before, pixels) if back else pixels, out, file_format)
    return out


def apply_settings(labels: NDArray[np.uint8], settings: Sequence[str], space: LabelSpace) -> NDArray[np.uint8]:
    """The labels (A,) after every ``"Attribute=0|1"`` of `settings`, with labels that contradict them repaired.

    Raises:
        UserError: a setting has another form or names no attribute, or two settings exclude each other.
    """
    wanted: dict[str, int] = {}
    for setting in settings:
        name, _, value = (part.strip() for part in setting.partition("="))
        if value not in ("0", "1"):
            raise UserError(f"--set {setting}: write NAME=1 to add an attribute, NAME=0 to remove it.")
        space.index(name)
        if wanted.setdefault(name, int(value)) != int(value):
            raise UserError(f"--set asks for {name}=0 and {name}=1 at once.")
    target = labels
    for name, on in wanted.items():
        target = _with(target, name, on, space)
    for name, on in wanted.items():
        if target[space.index(name)] != on:
            others = ", ".join(other for other in wanted if other != name)
            raise UserError(f"--set: {name} cannot be {on} together with {others}: they exclude each other.")
    return target


def take_from(
    labels: NDArray[np.uint8], reference: NDArray[np.uint8], names: Sequence[str], space: LabelSpace
) -> NDArray[np.uint8]:
    """The labels (A,) with the values of the attributes `names` from the labels `reference` (A,), also repaired."""
    target = labels
    for name in names:
        target = _with(target, name, int(reference[space.index(name)]), space)
    return target


def _domain(
    editor: Editor,
    source: NDArray[np.uint8],
    settings: Sequence[str],
    reference: Tensor | None,
    attributes: Sequence[str],
) -> NDArray[np.uint8]:
    """The target labels (A,) of the requested domain, for a photo with labels `source`.

    Raises:
        UserError: the settings are not one ``"domain=1"``, name no domain, or `attributes` are given.
    """
    if attributes:
        raise UserError("--attributes has no meaning here: a reference gives its one domain, not several attributes.")
    if reference is not None:
        return _labels(editor, reference)
    wanted = [[part.strip() for part in setting.partition("=")[::2]] for setting in settings]
    if len(wanted) != 1 or wanted[0][1] != "1":
        raise UserError(f"--set {' '.join(settings)}: name one domain, NAME=1, of {', '.join(editor.attributes)}.")
    return editor.space.target(source, wanted[0][0])


def _with(labels: NDArray[np.uint8], name: str, on: int, space: LabelSpace) -> NDArray[np.uint8]:
    """One attribute set to a value: a flip from the opposite value, so that the repairs of a flip apply."""
    opposite = labels.copy()
    opposite[space.index(name)] = 1 - on
    return space.target(opposite, name)


def _check_method(facts: MethodCard, strength: float | None) -> None:
    if "truth" in facts.needs:
        raise UserError(f"{facts.title} knows the true edits of embedded images only; it cannot edit a photo.")
    if strength is not None and facts.strength is None:
        raise UserError(f"{facts.title} has no edit strength; leave out --strength.")


def _load(method: str, weights: Path | None, profile: Profile) -> Editor:
    """The editor with the profile's classifier attached; the classifier reads the editor's attributes in its order."""
    editor = load(profile.variant(method).method, weights or find_weights(method, profile))
    classifier = load_classifier(judge_weights("primary", profile))
    columns = [label_space(classifier.attributes).index(name) for name in editor.attributes]
    return editor.attach(classifier=lambda images: classifier(images)[:, columns]).eval()


@torch.no_grad()
def _labels(editor: Editor, images: Tensor) -> NDArray[np.uint8]:
    logits: NDArray[np.float32] = editor.attached("classifier")(images).numpy()
    return editor.space.seen(logits)[0].astype(np.uint8)


def _row(labels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(labels)[None].float()


def _pixels(edited: Tensor) -> NDArray[np.uint8]:
    """The pixels of the edit, (size, size, 3)."""
    if not bool(edited.isfinite().all()):
        raise UserError("The edit holds values that are not finite: the weights are damaged or of a broken training.")
    return to_uint8(edited)[0]


def _write(pixels: NDArray[np.uint8], out: Path, file_format: str) -> None:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, file_format, quality=95)
    write_bytes(out, encoded.getvalue())


def _output_format(out: Path, read: Sequence[Path]) -> str:
    file_format = _SUFFIXES.get(out.suffix.lower())
    if file_format is None:
        raise UserError(f"--out {out} must end in .png, .jpg or .jpeg.")
    if out.is_dir() or not out.parent.is_dir():
        raise UserError(f"--out {out} must name a file in an existing folder.")
    if out.resolve() in [path.resolve() for path in read]:
        raise UserError(f"--out {out} is the photo itself, which is kept: name another file.")
    return file_format
