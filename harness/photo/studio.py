"""Edits one picture by all methods of a profile, side by side; `harness.photo.demo` shows them in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bridgebench.eval.judges.classifier import load_classifier, to_float
from bridgebench.harness.benchmark.failures import PluginFailed
from bridgebench.harness.benchmark.loaded_methods import LoadedMethods
from bridgebench.harness.benchmark.plan import Participant, select
from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.data.open import open_split
from bridgebench.harness.data.pixels import to_uint8
from bridgebench.harness.photo.crop import crop_of, find_place
from bridgebench.harness.profiles.profile import DRAWN_HERE, Profile
from bridgebench.harness.weights.find import judge_weights
from bridgebench.methods.core.errors import UserError

DRAWN = 200  # so many drawn images can be chosen from
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A picture to edit, or a reference.

    Attributes:
        pixels: uint8 (S, S, 3), S being the side that the profile's methods edit.
        labels: uint8 (A,) of 0 and 1: those of a drawn image, or what the first judge reads in a photo.
        certainty: float (A,) in [0, 1]: the first judge's probability that the image has each attribute.
        number: the number of a drawn image; None for a photo.
        remarks: sentences on what may hinder the edit of a photo.
    """

    pixels: Pixels
    labels: NDArray[np.uint8]
    certainty: NDArray[np.float32]
    number: int | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a method makes of a picture: an edit, or the reason why there is none.

    Attributes:
        title: the method's name, as papers print it.
        pixels: uint8 (S, S, 3); None: the method cannot make this edit.
        words: what both judges read of the wanted attributes; or the reason.
    """

    title: str
    pixels: Pixels | None
    words: str


class Studio:
    """The methods of a profile, loaded when they are first used, and both of its judges.

    Args:
        profile: a profile with weights at hand.

    Raises:
        UserError: no method of the profile can run, or a judge has no weights.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.space = profile.space
        self.attributes = profile.attributes
        found, _ = select(profile, None, has_truth=False)
        self.participants = [one for one in found if one.card.kind == "method"]
        self._judges = [load_classifier(judge_weights(role, profile), profile.attributes) for role in _JUDGES]
        self._methods = LoadedMethods(
            profile.space,
            profile.data.image_size,
            "cpu",
            self._judges[0],
            classifier_file=judge_weights("primary", profile),
            time_limit=profile.evaluation.time_limit,
        )

    @property
    def draws(self) -> bool:
        """Whether the profile's images are drawn, so that there are pictures to start with and true edits."""
        return self.profile.data.name in DRAWN_HERE

    def photo(self, pixels: Pixels, name: str) -> Picture:
        """A photo (H, W, 3), cut to the largest face, as `bridgebench edit` cuts it.

        Raises:
            UserError: no face was found in it.
        """
        data = self.profile.data
        place = find_place(pixels, name, self.profile)
        square = place.cut(crop_of(self.profile), data.image_size, data.resize)
        certainty = self._read(square)[0]
        labels = self.space.seen(_logit(certainty)[None])[0].astype(np.uint8)
        return Picture(square, labels, certainty, remarks=place.remarks)

    def first(self, number: int) -> Picture:
        """A picture to begin with: a drawn one, or for a profile of photos scikit-image's astronaut."""
        if self.draws:
            return self.drawn(number)
        from skimage.data import astronaut

        return self.photo(astronaut(), "the astronaut")

    def drawn(self, number: int) -> Picture:
        """Drawn image `number`, 0 ≤ number < `DRAWN`, of the test images."""
        pixels = np.asarray(self._set.images[number])
        return Picture(pixels, self._set.labels[number], self._read(pixels)[0], number)

    def target(self, source: Picture, wanted: list[str]) -> NDArray[np.uint8]:
        """The labels (A,) of a picture that has the attributes `wanted` and no others.

        Raises:
            UserError: two of them exclude each other.
        """
        target = np.array([name in wanted for name in self.attributes], np.uint8)
        for name in wanted:
            off = target.copy()
            off[self.space.index(name)] = 0
            if (self.space.target(off, name) != target).any():
                raise UserError(f"{name} excludes another attribute that is on: switch one of them off.")
        return target

    def edits(
        self,
        source: Picture,
        target: NDArray[np.uint8],
        reference: Picture | None = None,
        *,
        share: float = 1.0,
        mix: float = 0.0,
        seed: int = 0,
    ) -> list[Outcome]:
        """The edits of all methods towards the labels `target` (A,), and the true edit of a drawn image.

        Args:
            source: the picture to edit.
            target: what the edit should show; with a reference, what to take from it.
            reference: the reference; None: edits by label.
            share: strength as a multiple of each method's default, kept inside the method's range.
            mix: 0 to 1, between the reference's style code and the label's, for a method that can.
            seed: of the methods' noise.
        """
        found = []
        for one in self.participants:
            try:
                found.append(self._edit(one, source, target, reference, share, mix, seed))
            except PluginFailed as failure:  # a plug-in's
                self._methods.end_foreign()
                found.append(Outcome(one.card.title, None, failure.report.splitlines()[-1]))
        if source.number is not None and (reference is None or reference.number is not None):
            changed = [name for name, a, b in zip(self.attributes, source.labels, target, strict=True) if a != b]
            if changed:
                number = None if reference is None else reference.number
                looks = None if number is None else [[(name, number) for name in changed]]
                truth = self._set.true_edit([source.number], target[None], looks)[0]
                found.append(Outcome("True edit", truth, self._words(truth, source, target)))
        return found

    def _edit(
        self,
        participant: Participant,
        source: Picture,
        target: NDArray[np.uint8],
        reference: Picture | None,
        share: float,
        mix: float,
        seed: int,
    ) -> Outcome:
        card = participant.card
        mode = "label" if reference is None else "reference"
        if mode not in card.modes:
            return Outcome(card.title, None, f"has no edit by {mode}")
        editor = self._methods.of(participant)
        changed = {name for name, a, b in zip(self.attributes, source.labels, target, strict=True) if a != b}
        if not changed <= set(editor.editable):
            return Outcome(card.title, None, f"edits {', '.join(editor.editable)} only")
        options: dict[str, Any] = {}
        if reference is not None and "mix" in editor.options:
            options["mix"] = mix
        strength = None
        if card.strength is not None:
            lowest, default, highest = card.strength
            strength = min(max(default * share, lowest), highest)
        edited = editor.edit(
            to_float(source.pixels[None]),
            torch.from_numpy(target)[None].float(),
            None if reference is None else to_float(reference.pixels[None]),
            source_labels=torch.from_numpy(source.labels)[None].float(),
            strength=strength,
            generator=torch.Generator().manual_seed(seed),
            **options,
        )
        pixels = to_uint8(edited)[0]
        return Outcome(card.title, pixels, self._words(pixels, source, target))

    def _words(self, pixels: Pixels, source: Picture, target: NDArray[np.uint8]) -> str:
        """What the judges read of the attributes that should change, e.g. ``Smiling 97 % / 64 %``."""
        first, second = self._read(pixels)
        rows = np.flatnonzero(source.labels != target)
        return ", ".join(f"{self.attributes[row]} {first[row]:.0%} / {second[row]:.0%}" for row in rows) or "no change"

    @torch.no_grad()
    def _read(self, pixels: Pixels) -> list[NDArray[np.float32]]:
        """Each judge's probabilities (A,) for one picture."""
        return [torch.sigmoid(judge(to_float(pixels[None])))[0].numpy() for judge in self._judges]

    @cached_property
    def _set(self) -> ImageSet:
        return open_split(self.profile, "test", limit=DRAWN)


_JUDGES = ("primary", "second")


def _logit(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))
