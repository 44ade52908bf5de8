"""The embedding of drawn faces: which outputs it takes, and what a network without them is told."""

import numpy as np
import pytest
import torch

from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.identity import embed, embedding, knows_people
from bridgebench.eval.judges.reading import Reading
from bridgebench.methods.core.errors import UserError

OUTPUTS = ("Male", "person/skin", "person/eye_colour=0", "person/eye_colour=1", "person/eye_colour=2", "drawing/yaw")


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def test_an_embedding_is_the_deviation_of_a_persons_parameters_from_their_means():
    readings = np.array([[5, logit(0.9), logit(1 / 3), logit(1 / 3), logit(1 / 3), -5]], np.float32)
    found = embedding(Reading(readings, np.empty((1, 4), np.float32)), OUTPUTS)
    np.testing.assert_allclose(found, [[1, 0, 0, 0]], atol=1e-6)


def test_embeddings_are_unit_vectors_and_do_not_see_other_outputs():
    torch.manual_seed(0)
    network = AttributeClassifier(OUTPUTS, width=4, hidden=8).eval()
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    before = embed(network, images)
    network.head.weight.data[[0, 5]] = 7.0
    np.testing.assert_array_equal(embed(network, images), before)
    np.testing.assert_allclose(np.linalg.norm(before, axis=1), 1, rtol=1e-6)


def test_a_network_of_labels_alone_knows_nobody():
    assert knows_people(OUTPUTS) and not knows_people(("Male", "drawing/yaw"))
    with pytest.raises(UserError, match="has not learnt who is drawn"):
        embed(AttributeClassifier(["Male"], width=4).eval(), np.zeros((1, 32, 32, 3), np.uint8))
