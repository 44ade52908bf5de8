"""`Editor`, the interface of every method."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bridgebench.methods.card import MethodCard
from bridgebench.methods.core.errors import UnsupportedMode, UserError
from bridgebench.methods.core.labels import CELEBA14, LabelSpace, label_space
from bridgebench.methods.core.notebook import facts_html

Classifier = Callable[[Tensor], Tensor]
Truth = Callable[[Tensor, Tensor, Tensor | None], Tensor]


class Editor(nn.Module):
    """Edits images towards labels, or towards a reference image.

    A method is a subclass that sets `card` and implements `label_edit`, `reference_edit` or both. Its constructor takes
    keyword arguments only, all of them JSON-able (among them `attributes` and `image_size`), and passes them to
    ``super().__init__(**config)``, so that ``type(editor)(**editor.config)`` makes the same network again.

    Attributes:
        attributes: names of the label columns, in order.
        space: what these columns are.
        image_size: side of the square images it was made for, in pixels.
        config: the constructor's arguments.
    """

    card: ClassVar[MethodCard]
    # False: the method ignores missing labels, so that nobody has to predict them.
    needs_all_labels: ClassVar[bool] = True

    def __init__(self, *, attributes: Sequence[str] = CELEBA14, image_size: int = 64, **config: Any) -> None:
        super().__init__()
        self.attributes = tuple(attributes)
        self.space: LabelSpace = label_space(attributes)
        self.image_size = image_size
        self.config = {"attributes": list(attributes), "image_size": image_size, **config}
        self._attached: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The name that users type."""
        return self.card.name

    @property
    def modes(self) -> frozenset[str]:
        """``"label"``, ``"reference"`` or both."""
        return self.card.modes

    @property
    def editable(self) -> tuple[str, ...]:
        """The attributes that an edit can change: all, or for some methods only a few."""
        return self.attributes

    @property
    def options(self) -> frozenset[str]:
        """Names of the arguments of its edits, among them the options that only this method takes (``mix``)."""
        edits = (self.label_edit, self.reference_edit)
        return frozenset(name for edit in edits for name in inspect.signature(edit).parameters)

    @property
    def known_parameters(self) -> int | None:
        """How many parameters it has; None: nobody here knows."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def process(self) -> int | None:
        """The process in which it computes, where that is another one; its memory counts then."""
        return None

    def _repr_html_(self) -> str:
        facts = {
            "edits by": ", ".join(sorted(self.modes)),
            "attributes": ", ".join(self.attributes),
            "edits only": "" if set(self.editable) == set(self.attributes) else ", ".join(self.editable),
            "images": f"{self.image_size} x {self.image_size} pixels",
            "options": ", ".join(sorted(self.options)),
            "parameters": "" if self.known_parameters is None else f"{self.known_parameters:,}",
            "device": next((str(each.device) for each in self.parameters()), "cpu"),
            "attached": ", ".join(sorted(self._attached)),
            "paper": self.card.paper,
        }
        return facts_html(self.card.title, facts)

    def attach(self, *, classifier: Classifier | None = None, truth: Truth | None = None) -> Editor:
        """Gives the editor functions that are no part of it; returns the editor.

        Args:
            classifier: images (N, 3, H, W) in [-1, 1] -> logits (N, A) in the editor's attribute order. Predicts
                labels that a caller does not give.
            truth: images, target labels and references (or None) -> the true edited images (embedded data only).
        """
        # A plain dict hides them from nn.Module: they are neither saved nor trained with the method.
        given = {"classifier": classifier, "truth": truth}
        self._attached.update({key: value for key, value in given.items() if value is not None})
        return self

    def attached(self, what: str) -> Any:
        """The function that was attached under the name `what`.

        Raises:
            UserError: none was attached.
        """
        if what not in self._attached:
            raise UserError(f"{self.card.title} needs a {what} for this edit: call editor.attach({what}=...) first.")
        return self._attached[what]

    @torch.no_grad()
    def edit(
        self,
        images: Tensor,
        labels: Tensor | None = None,
        reference: Tensor | None = None,
        *,
        source_labels: Tensor | None = None,
        strength: float | None = None,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
        **method_options: Any,
    ) -> Tensor:
        """Edits a batch of images; inputs are left unchanged.

        Args:
            images: (N, 3, H, W) float32 in [-1, 1].
            labels: target labels (N, A) in {0, 1}. Alone: a label edit. With `reference`: says which attributes move
                to the reference's value, the others equal `source_labels`.
            reference: (N, 3, H, W) float32 in [-1, 1]: images that show the target.
            source_labels: (N, A) in {0, 1}; predicted by the attached classifier when not given.
            strength: how far to edit, in the range of the method's card; None: the official test's default.
            noise: the latent vectors themselves (N, d), for stochastic methods.
            generator: the only source of randomness of a stochastic method.
            method_options: options of a single method (e.g. BridgeGAN's ``mix``).

        Returns:
            (N, 3, H, W) float32 in [-1, 1].

        Raises:
            UnsupportedMode: the method lacks the mode.
            UserError: shapes, ranges or options that do not fit, no classifier where labels must be predicted, or the
                method's edits are no floats.
        """
        if labels is None and reference is None:
            raise UserError(f"{self.card.title} was asked for an edit without a target: give labels or a reference.")
        mode = "label" if reference is None else "reference"
        if mode not in self.modes:
            has = " and ".join(sorted(self.modes))
            raise UnsupportedMode(f"{self.card.title} has no {mode} edit; it has: {has}.")
        self._check_images("images", images, images)
        if reference is not None:
            self._check_images("reference", reference, images)
        if labels is not None or self.needs_all_labels:
            labels = self._labels("labels", labels, images if reference is None else reference)
        if source_labels is not None or self.needs_all_labels:
            source_labels = self._labels("source_labels", source_labels, images)
        options = {"strength": strength, "noise": noise, "generator": generator, **method_options}
        try:
            if reference is None:
                out = self.label_edit(images, labels, source_labels, **options)
            else:
                out = self.reference_edit(images, reference, labels, source_labels, **options)
        except TypeError as error:
            if "unexpected keyword argument" not in str(error) or not method_options:
                raise
            raise UserError(f"{self.card.title} does not know one of the options {sorted(method_options)}.") from error
        if not out.is_floating_point():
            raise UserError(f"{self.card.title} returned numbers of the type {out.dtype}; floats are wanted.")
        return out.float().clamp(-1, 1)

    def label_edit(self, *arguments: Any, **options: Any) -> Tensor:
        """The method's own label edit: ``label_edit(images, labels, source_labels, **options)``.

        Arguments as in `edit`, checked and complete; options are `strength`, `noise`, `generator` and its own.
        """
        raise UnsupportedMode(f"{self.card.title} has no label edit.")

    def reference_edit(self, *arguments: Any, **options: Any) -> Tensor:
        """The method's own reference edit: ``reference_edit(images, reference, labels, source_labels, **options)``.

        Arguments as in `edit`, checked and complete; options are `strength`, `noise`, `generator` and its own.
        """
        raise UnsupportedMode(f"{self.card.title} has no reference edit.")

    def draw_noise(self, count: int, size: int, noise: Tensor | None, generator: torch.Generator | None) -> Tensor:
        """The latent vectors (count, size) of a stochastic edit: `noise` if given, else standard normal draws.

        They are drawn on the CPU, image by image, so that they depend neither on the device nor on the batch size.

        Raises:
            UserError: the given noise has another shape.
        """
        device = next(self.parameters()).device
        if noise is None:
            return torch.stack([torch.randn(size, generator=generator) for _ in range(count)]).to(device)
        if noise.shape != (count, size):
            raise UserError(f"noise has the shape {tuple(noise.shape)}; {self.card.title} needs ({count}, {size}).")
        return noise.to(device)

    def strength_or_default(self, strength: float | None) -> float:
        """The strength of an edit: the given one, or the card's default if None was given.

        Raises:
            UserError: the strength is out of that range.
        """
        lowest, default, highest = self.card.strength or (1.0, 1.0, 1.0)
        if strength is not None and not lowest <= strength <= highest:
            raise UserError(f"{self.card.title}'s strength must lie in [{lowest}, {highest}], not {strength}.")
        return default if strength is None else strength

    def check_sides(self, images: Tensor, multiple: int) -> None:
        """Refuses images whose sides the networks cannot halve often enough.

        Raises:
            UserError: height or width is no multiple of `multiple`.
        """
        if images.shape[2] % multiple or images.shape[3] % multiple:
            size = "x".join(map(str, images.shape[2:]))
            raise UserError(
                f"{self.card.title} takes images whose sides are multiples of {multiple}, not {size} pixels."
            )

    def _check_images(self, what: str, images: Tensor, like: Tensor) -> None:
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            shape, dtype = tuple(images.shape), images.dtype
            raise UserError(f"{what} must be float (N, 3, H, W) in [-1, 1], not {dtype} of shape {shape}.")
        if images.shape != like.shape:
            raise UserError(f"{what} has the shape {tuple(images.shape)}, the images have {tuple(like.shape)}.")
        if images.numel() and float(images.detach().abs().amax()) > 1 + 1e-4:
            raise UserError(f"{what} must lie in [-1, 1]; divide 8-bit values by 127.5 and subtract 1.")

    def _labels(self, what: str, labels: Tensor | None, images: Tensor) -> Tensor:
        if labels is None:
            predicted: Tensor = self.attached("classifier")(images)
            seen = self.space.seen(predicted.float().cpu().numpy())
            return torch.from_numpy(seen).to(predicted.device, torch.float32)
        shape = (len(images), len(self.attributes))
        if tuple(labels.shape) != shape:
            raise UserError(f"{what} must have the shape {shape} (one column an attribute), not {tuple(labels.shape)}.")
        if not bool(((labels == 0) | (labels == 1)).all()):
            raise UserError(f"{what} must be 0 or 1 everywhere.")
        return labels.to(images.device, torch.float32)
