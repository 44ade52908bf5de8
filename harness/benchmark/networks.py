"""Opens the networks that single measures look through, as far as a profile names them. Nothing is downloaded."""

from __future__ import annotations

from functools import partial

from bridgebench.eval.judges.classifier import load_classifier
from bridgebench.eval.judges.identity import embed, knows_people
from bridgebench.eval.judges.networks import Network, remembered
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.weights.find import network_weights

SPACES = ("dinov2", "clip")  # networks that serve as feature spaces
# How to get what a profile does not name.
_MISSING = {
    "lpips": (
        "LPIPS needs torchvision's AlexNet: name its file under [weights] lpips in the profile, and pip install "
        "'bridgebench[lpips]'"
    ),
    "dinov2": (
        "DINOv2 is not there: name the folder of its config.json and model.safetensors under [weights] dinov2 in the "
        "profile, and pip install 'bridgebench[deep]'"
    ),
    "clip": (
        "CLIP is not there: name the folder of its config.json and model.safetensors under [weights] clip in the "
        "profile, and pip install 'bridgebench[deep]'"
    ),
    "identity": (
        'no face recognizer is named: set identity = "dlib" under [evaluation] in the profile, and pip install '
        "'bridgebench[identity]'"
    ),
}


def open_networks(profile: Profile, device: str) -> tuple[dict[str, Network], dict[str, str]]:
    """The networks that a profile names, and how to get each of the others.

    Raises:
        UserError: a network that the profile names cannot be opened.
    """
    found: dict[str, Network] = {}
    weights = profile.weights
    if "lpips" in weights:
        from bridgebench.eval.judges.perceptual import load_lpips

        found["lpips"] = load_lpips(weights["lpips"], device)
    for name in SPACES:
        if name in weights:
            from bridgebench.eval.judges.deep import load_deep

            found[name] = load_deep(name, weights[name], device)
    if profile.evaluation.identity == "dlib":
        from bridgebench.eval.judges.face_recognition import load_dlib

        found["identity"] = found["faces"] = remembered(load_dlib())
    elif profile.data.name == "faces":
        people = load_classifier(network_weights("features", profile), device=device)
        if knows_people(people.attributes):
            found["identity"] = remembered(Network(people.digest, partial(embed, people)))
    missing = {name: reason for name, reason in _MISSING.items() if name not in found}
    if profile.space.exclusive:
        missing.pop("identity", None)  # animals have no identity to keep
    return found, missing
