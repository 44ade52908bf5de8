"""The profile's guide: the classifier through which a method's losses look. It judges and measures nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bridgebench.eval.judges.classifier import AttributeClassifier, load_classifier
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.weights.find import network_weights


class ClassifierFeatures:
    """Two feature maps of an attribute classifier's trunk; see :class:`methods.training.base.FeatureNetwork`.

    Args:
        classifier: a classifier in eval mode with frozen parameters.
    """

    def __init__(self, classifier: AttributeClassifier) -> None:
        self.trunk = classifier.trunk
        self.name = f"attribute classifier (SHA-256 {classifier.digest[:16]})"

    def fine(self, images: Tensor) -> Tensor:
        """The trunk's last map with at least a quarter of the image's side, like relu3_1 of VGG-19."""
        return self._fine(images)[0]

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The map of `fine`, and the trunk's output (with 1/8 or 1/32 of the image's side)."""
        fine, used = self._fine(images)
        coarse = fine
        for layer in list(self.trunk)[used:]:
            coarse = layer(coarse)
        return fine, coarse

    def _fine(self, images: Tensor) -> tuple[Tensor, int]:
        """The fine map, and the number of trunk layers that compute it."""
        fine = images.contiguous(memory_format=torch.channels_last)
        for used, layer in enumerate(self.trunk):
            deeper = layer(fine)
            if 4 * deeper.shape[2] < images.shape[2]:
                return fine, used
            fine = deeper
        return fine, len(self.trunk)


def lend_features(training: Any, profile: Profile, device: torch.device) -> str | None:
    """Sets the guide as the feature network of a training that needs one and has none of its own.

    Returns:
        The name of the feature network; None if the training uses none.

    Raises:
        UserError: the profile has no weights of the guide.
    """
    if not hasattr(training, "attach_features"):
        return None
    if training.feature_network is None:
        guide = load_classifier(network_weights("guide", profile), profile.attributes, device)
        training.attach_features(ClassifierFeatures(guide))
    return training.feature_network
