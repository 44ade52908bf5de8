"""The controls without any network: identity, copy and oracle."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from bridgebench.methods.controls import COPY, IDENTITY, ORACLE
from bridgebench.methods.editor import Editor


class Identity(Editor):
    """Returns the source image, whatever the target is."""

    card = IDENTITY
    needs_all_labels = False

    def label_edit(self, images: Tensor, labels: Tensor, source_labels: Tensor, **options: Any) -> Tensor:
        """The images themselves."""
        return images.clone()

    def reference_edit(
        self, images: Tensor, reference: Tensor, labels: Tensor, source_labels: Tensor, **options: Any
    ) -> Tensor:
        """The images themselves."""
        return images.clone()


class Copy(Editor):
    """Returns the reference."""

    card = COPY
    needs_all_labels = False

    def reference_edit(
        self, images: Tensor, reference: Tensor, labels: Tensor, source_labels: Tensor, **options: Any
    ) -> Tensor:
        """The references themselves."""
        return reference.clone()


class Oracle(Editor):
    """Returns the true edit: the embedded data set renders it, through the attached `truth`."""

    card = ORACLE

    def label_edit(self, images: Tensor, labels: Tensor, source_labels: Tensor, **options: Any) -> Tensor:
        """``truth(images, labels, None)``."""
        return self.attached("truth")(images, labels, None)

    def reference_edit(
        self, images: Tensor, reference: Tensor, labels: Tensor, source_labels: Tensor, **options: Any
    ) -> Tensor:
        """``truth(images, labels, reference)``."""
        return self.attached("truth")(images, labels, reference)
