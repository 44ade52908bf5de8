"""Edits one photo of a user: the input has any size; the output has the editor's size or the photo's own size."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bridgebench.eval.judges.classifier import load_classifier, to_float
from bridgebench.harness.benchmark.failures import PluginFailed, sentence
from bridgebench.harness.benchmark.plan import Participant
from bridgebench.harness.benchmark.remote import RemoteEditor
from bridgebench.harness.data.photos import colour_profile, read_photo
from bridgebench.harness.data.pixels import to_uint8
from bridgebench.harness.data.resize import CELEBA_BRIDGEGAN, Crop, antialiased
from bridgebench.harness.photo.crop import Place, crop_of, find_place
from bridgebench.harness.processes.terminal import text_table
from bridgebench.harness.profiles.profile import PHOTOS, Profile, load_profile, shipped_profiles
from bridgebench.harness.weights.find import find_weights, judge_weights
from bridgebench.methods import MethodCard, is_foreign, load, restore_space
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import real_path, write_bytes
from bridgebench.methods.core.labels import LabelSpace, label_space
from bridgebench.methods.core.weights import attributes_of, header
from bridgebench.methods.editor import Editor

_log = logging.getLogger(__name__)
_LARGEST_SIDE = 4096  # pixels; a stranger's weights file says for which images it is
_SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


@dataclass(frozen=True)
class Edited:
    """What `edit_photo` did.

    Attributes:
        out: the image file.
        attributes: (A) names of the editor's label columns.
        source: (A,) in [0, 1]: the probability of each attribute (or domain) in the photo, as the profile's classifier
            reads it.
        target: (A,) 0 or 1: what the edit should show.
        result: (A,) in [0, 1]: the probabilities in the edit.
        reference: (A,) in [0, 1]: the probabilities in the reference; None without one.
        method, profile: who edited, by whose weights and classifier.
        angle: of the face in the photo, in degrees clockwise; None: no face was searched.
    """

    out: Path
    attributes: tuple[str, ...]
    source: NDArray[np.float32]
    target: NDArray[np.uint8]
    result: NDArray[np.float32]
    reference: NDArray[np.float32] | None
    method: str
    profile: str
    angle: float | None

    def words(self) -> str:
        """A line on who edited, and a table of what is read in the photo, wanted, and read in the edit."""
        turned = "" if self.angle is None else f"; the face is turned by {self.angle:.0f} degrees"
        columns: dict[str, Sequence[str]] = {"attribute": self.attributes, "in the photo": _percent(self.source)}
        if self.reference is not None:
            columns["in the reference"] = _percent(self.reference)
        columns["change"] = [
            "-" if (before > 0.5) == bool(wanted) else "on" if wanted else "off"
            for before, wanted in zip(self.source, self.target, strict=True)
        ]
        columns["in the edit"] = _percent(self.result)
        table = text_table(tuple(columns), list(zip(*columns.values(), strict=True)))
        return f"{self.method}, weights and classifier of the profile {self.profile}{turned}\n\n{table}\n"


def edit_photo(
    photo: Path,
    method: str,
    out: Path,
    *,
    settings: Sequence[str] = (),
    reference: Path | None = None,
    attributes: Sequence[str] = (),
    weights: Path | None = None,
    profile: str | None = None,
    strength: float | None = None,
    seed: int = 0,
    face: int | None = None,
    crop: str | None = None,
    reference_crop: str | None = None,
    back: bool = False,
) -> Edited:
    """Edits a photo and writes the result; nothing is written on an error.

    The face is found and aligned (`harness.photo.crop.find_place`). Its labels are read by the profile's classifier.
    The target is those labels with the wanted changes and the repairs of
    :meth:`methods.core.labels.Attributes.target`. If the labels are domains, the target is the domain that is set, or
    the domain of the reference.

    Args:
        photo: a PNG or JPEG file of any size.
        method: the method, or variant of the profile, that edits.
        out: a .png, .jpg or .jpeg file in an existing folder, and none of the photos; it is replaced.
        settings: label edits, each ``"Attribute=0"`` or ``"Attribute=1"``; for domains, one ``"domain=1"``.
        reference: another photo; the `attributes` (all, if none are named) take the values of this photo.
        weights: a weights file to use instead of the profile's.
        profile: the profile whose classifier and weights are used; None: see `profile_for`.
        strength: strength of the edit, in the range of the method's card; None: the default.
        seed: seed of the method's random draws.
        face: which of several faces, from 1, counted from left to right; None: the largest.
        crop, reference_crop: the squares of the photo and the reference; see `find_place`.
        back: write the whole photo, with the change of the edit added to it; see `change_of`.

    Raises:
        UserError: an argument or file is missing, damaged or does not fit the others.
    """
    if bool(settings) == (reference is not None):
        raise UserError("An edit needs a target, one of two: --set NAME=0|1, or --reference PHOTO.")
    if attributes and reference is None:
        raise UserError("--attributes says what to take from a --reference photo; with --set it has no meaning.")
    if reference_crop is not None and reference is None:
        raise UserError("--reference-crop says which square of a --reference photo is meant; there is none.")
    file_format = _output_format(out, [photo] if reference is None else [photo, reference])
    found = profile_for(method, profile, weights)
    _check_method(found.card(method), strength)
    whole = read_photo(photo)
    reference_photo = None if reference is None else read_photo(reference)
    with _loaded(method, weights, found) as (editor, classifier):
        view = _View(editor, classifier, found, CELEBA_BRIDGEGAN if _is_imported(weights) else crop_of(found))
        place = find_place(whole, str(photo), found, crop, face)
        like = None
        if reference_photo is not None:
            like = find_place(reference_photo, str(reference), found, reference_crop, option="--reference-crop")
        for remark in (*place.remarks, *(like.remarks if like else ())):
            _log.warning(remark)

        before, source = view.pixels(place), view.read(place)
        look = None if like is None else to_float(view.pixels(like)[None])
        labels = editor.space.seen(source[None])[0].astype(np.uint8)
        shown_there = None if like is None else view.read(like)
        theirs = None if shown_there is None else editor.space.seen(shown_there[None])[0].astype(np.uint8)
        if editor.space.exclusive:
            target = _domain(editor, labels, settings, theirs, attributes)
        elif theirs is None:
            target = apply_settings(labels, settings, editor.space)
        else:
            target = take_from(labels, theirs, attributes or editor.attributes, editor.space)
        if (target == labels).all() and not editor.space.exclusive:
            _log.warning(f"{photo} is read as what is asked for already, so there is nothing to change.")

        def edit(towards: NDArray[np.uint8]) -> NDArray[np.uint8]:
            edited = editor.edit(
                to_float(before[None]),
                _row(towards),
                look,
                source_labels=_row(labels),
                strength=strength,
                generator=torch.Generator().manual_seed(seed),
            )
            return _pixels(edited)

        pixels = edit(target)
        result = view.read_edit(pixels)
        if back:
            without = before if editor.space.exclusive else edit(labels)
            shown = place.square(view.crop).add(whole, change_of(pixels, without))
        else:
            shown = pixels
        _write(shown, out, file_format, colour_profile(photo))
        angle = None if place.face is None else math.degrees(place.square(view.crop).angle)
        title = found.card(method).title
        return Edited(
            out,
            editor.attributes,
            probability(source),
            target,
            probability(result),
            None if shown_there is None else probability(shown_there),
            title,
            found.name,
            angle,
        )


def change_of(edited: NDArray[np.uint8], without: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What an edit changes, (S, S, 3), in grey levels, to be added to the photo.

    Args:
        edited: (S, S, 3) the edit.
        without: (S, S, 3) what the method makes of the same square if it is asked for nothing new. So what a network
            does to every photo (it softens and tints) is no part of the change; to ask for nothing changes nothing.
    """
    return edited.astype(np.float32) - without.astype(np.float32)


def profile_for(method: str, name: str | None, weights: Path | None) -> Profile:
    """The profile by which a photo is edited.

    Args:
        method: the method that edits.
        name: the profile that the user names; None: that of the `weights`' training, else the one for photos.
        weights: a weights file that the user names.

    Raises:
        UserError: there is no such profile, or there are no weights of the method for photos.
    """
    if name is not None:
        return load_profile(name)
    if weights is not None:
        trained = header(weights)["card"].get("profile")
        return load_profile(trained if trained in shipped_profiles() else PHOTOS)
    found = load_profile(PHOTOS)
    facts = found.card(method)
    if facts.trainable and find_weights(method, found) is None:
        there = [each for each in found.methods if found.card(each).trainable and find_weights(each, found)]
        others = f"take --method {' or '.join(there)}; " if there else ""
        raise UserError(
            f"There are no weights of {facts.title} for photos (the profile {PHOTOS}): {others}train them "
            f"(`bridgebench train {method} --profile {PHOTOS} --data-root FOLDER`); name a file by --weights; or give "
            "--profile faces64, whose weights know drawn faces only."
        )
    return found


def probability(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities in [0, 1] of logits, each on its own (of domains, too)."""
    return (1 / (1 + np.exp(-np.clip(logits, -50, 50)))).astype(np.float32)


@dataclass(frozen=True)
class _View:
    """How an editor and the classifier of the profile see a photo.

    Attributes:
        editor, classifier: the classifier's outputs are the editor's attributes.
        profile: the classifier's.
        crop: what the editor sees of an aligned photo; the classifier sees what its profile says.
    """

    editor: Editor
    classifier: Callable[[Tensor], Tensor]
    profile: Profile
    crop: Crop

    def pixels(self, place: Place) -> NDArray[np.uint8]:
        """The editor's input, (S, S, 3)."""
        return place.cut(self.crop, self.editor.image_size, self.profile.data.resize)

    def read(self, place: Place) -> NDArray[np.float32]:
        """The classifier's logits (A,) of a photo."""
        return self._logits(place.cut(crop_of(self.profile), self.profile.data.image_size, self.profile.data.resize))

    def read_edit(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The classifier's logits (A,) of an edit (S, S, 3)."""
        size = self.profile.data.image_size
        return self._logits(pixels if len(pixels) == size else antialiased(pixels, size))

    @torch.no_grad()
    def _logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self.classifier(to_float(pixels[None]))[0].numpy()
        return found


def _is_imported(weights: Path | None) -> bool:
    """Whether weights were not trained here, so that they see BridgeGAN's crop of aligned photos."""
    return weights is not None and "profile" not in header(weights)["card"]


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
    reference: NDArray[np.uint8] | None,
    attributes: Sequence[str],
) -> NDArray[np.uint8]:
    """The target labels (A,) of the requested domain, for a photo with labels `source` and a reference's labels.

    Raises:
        UserError: the settings are not one ``"domain=1"``, name no domain, or `attributes` are given.
    """
    if attributes:
        raise UserError("--attributes has no meaning here: a reference gives its one domain, not several attributes.")
    if reference is not None:
        return reference
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


@contextmanager
def _loaded(method: str, weights: Path | None, profile: Profile) -> Iterator[tuple[Editor, Callable[[Tensor], Tensor]]]:
    """The editor, with the profile's classifier attached, and this classifier, for the editor's attributes.

    A method of a plug-in edits in a process of its own, which ends with the block.
    """
    name, file = profile.variant(method).method, weights or find_weights(method, profile)
    judge = judge_weights("primary", profile)
    remote = None
    try:
        if is_foreign(name):
            remote = _elsewhere(profile.card(method), name, file, judge, profile)
        editor: Editor = load(name, file) if remote is None else remote
        whole = load_classifier(judge)
        columns = [label_space(whole.attributes).index(attribute) for attribute in editor.attributes]

        def classifier(images: Tensor) -> Tensor:
            return whole(images)[:, columns]

        yield editor.attach(classifier=classifier).eval(), classifier
    except PluginFailed as failure:
        raise UserError(f"The method '{method}' made no edit: {sentence(failure)}") from failure
    finally:
        if remote is not None:
            remote.end()


def _elsewhere(card: MethodCard, name: str, weights: Path | None, judge: Path, profile: Profile) -> RemoteEditor:
    """A plug-in's method in a process of its own, made for what its weights say, or for the profile."""
    attributes, size = profile.attributes, profile.data.image_size
    if weights is None and card.trainable:
        raise UserError(f"The method '{name}' needs trained weights: give --weights FILE.")
    if weights is not None:
        found = header(weights)
        if found["method"] != name:
            raise UserError(f"{weights} holds weights of '{found['method']}', not of '{name}'.")
        attributes, size = attributes_of(found["config"]), found["config"].get("image_size")
        if not attributes or not isinstance(size, int) or not 0 < size <= _LARGEST_SIDE:
            raise UserError(f"{weights} does not say for which attributes and size of images it was made.")
    participant = Participant(card, weights, None, None, "")
    editor = RemoteEditor(participant, attributes, size, "cpu", judge, profile.evaluation.time_limit)
    if weights is not None:
        restore_space(editor, weights)
    return editor


def _percent(shares: NDArray[np.float32]) -> list[str]:
    return [f"{share:.0%}" for share in shares]


def _row(labels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(labels)[None].float()


def _pixels(edited: Tensor) -> NDArray[np.uint8]:
    """The pixels of the edit, (size, size, 3)."""
    if not bool(edited.isfinite().all()):
        raise UserError("The edit holds values that are not finite: the weights are damaged or of a broken training.")
    return to_uint8(edited)[0]


def _write(pixels: NDArray[np.uint8], out: Path, file_format: str, colours: bytes | None) -> None:
    """Writes the picture with the photo's ICC profile; nothing else that the photo's file tells is kept."""
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, file_format, quality=95, icc_profile=colours)
    write_bytes(out, encoded.getvalue())


def _output_format(out: Path, read: Sequence[Path]) -> str:
    file_format = _SUFFIXES.get(out.suffix.lower())
    if file_format is None:
        raise UserError(f"--out {out} must end in .png, .jpg or .jpeg.")
    if out.is_dir() or not out.parent.is_dir():
        raise UserError(f"--out {out} must name a file in an existing folder.")
    if real_path(out) in [real_path(path) for path in read]:
        raise UserError(f"--out {out} is the photo itself, which is kept: name another file.")
    return file_format
