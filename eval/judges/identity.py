"""Who is drawn: an embedding of drawn faces that says whether two images show the same person.

The feature network of drawn faces learns, besides the labels, the parameters of the drawing. Some of them say who it is
(skin, jaw, eyes, nose, ...), whatever the labels, the pose and the light. The network's readings of these parameters
are the embedding. Photos have no such parameters: their identities need a face recognizer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.reading import Reading, read
from bridgebench.methods.core.errors import UserError

_PERSON = "person/"  # as harness/data/drawn/fields.py calls the parameters that say who it is


def knows_people(outputs: Sequence[str]) -> bool:
    """Whether a network with outputs of these names can tell people apart."""
    return any(name.startswith(_PERSON) for name in outputs)


def embed(network: AttributeClassifier, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The embeddings of drawn faces.

    Args:
        network: the feature network of drawn faces.
        images: uint8 (N, H, W, 3).

    Returns:
        Unit vectors (N, E). The product of two is near 1 for one person and near 0 on average for two.

    Raises:
        UserError: the network has learnt nothing about people.
    """
    if not knows_people(network.attributes):
        raise UserError("The feature network has not learnt who is drawn: only that of drawn faces tells people apart.")
    return embedding(read(network, images), network.attributes)


def embedding(reading: Reading, outputs: Sequence[str]) -> NDArray[np.float32]:
    """The embeddings (N, E) of faces that the feature network with outputs of these names has read."""
    columns = [k for k, name in enumerate(outputs) if name.startswith(_PERSON)]
    means = [_mean(outputs[k], outputs) for k in columns]
    centred = reading.probabilities[:, columns] - means
    return (centred / np.linalg.norm(centred, axis=1, keepdims=True)).astype(np.float32)


def _mean(name: str, outputs: Sequence[str]) -> float:
    """The mean of a parameter over all people: of a number 1/2, of one of k values 1/k."""
    parameter, choice, _ = name.partition("=")
    return 1 / sum(other.startswith(f"{parameter}=") for other in outputs) if choice else 0.5
