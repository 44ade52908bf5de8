"""Where weights files lie, and which one a method or a network takes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import ZOO, header

if TYPE_CHECKING:
    from bridgebench.harness.profiles.profile import Profile

JUDGES = {"primary": "classifier", "second": "judge"}
NETWORKS = (*JUDGES.values(), "features", "guide")
"""What `bridgebench train` trains besides methods: both judges, the feature network, and the guide of trainings."""
TRAINED = Path("runs/train")


def training_folder(method: str, profile: Profile) -> Path:
    """Where `bridgebench train` keeps the run of a method; its finished weights are ``weights.safetensors`` in it."""
    return TRAINED / f"{method}-{profile.name}"


def shipped(name: str, profile: str) -> Path:
    """Where the weights of a method or network for a profile lie if they are shipped (the file need not exist)."""
    return ZOO / f"{name}-{profile}.safetensors"


def find_weights(name: str, profile: Profile) -> Path | None:
    """The weights file of a method (or of one of `NETWORKS`) for a profile, or None.

    The profile's own ``[weights]`` come first, then what was trained in this folder, then what is shipped.

    Raises:
        UserError: the profile names a file that is not there.
    """
    if name in profile.weights:
        path = Path(profile.weights[name])
        if not path.is_file():
            raise UserError(
                f"The profile '{profile.name}' names the weights {path} for '{name}', but no such file exists."
            )
        return path
    candidates = [training_folder(name, profile) / "weights.safetensors", shipped(name, profile.name)]
    return next((path for path in candidates if path.is_file()), None)


def judge_weights(role: str, profile: Profile) -> Path:
    """The weights file of the ``primary`` or the ``second`` judge.

    Raises:
        UserError: there is none.
    """
    return network_weights(JUDGES[role], profile)


def network_weights(name: str, profile: Profile) -> Path:
    """The weights file of one of `NETWORKS`.

    Raises:
        UserError: there is none.
    """
    path = find_weights(name, profile)
    if path is None:
        raise UserError(
            f"There are no weights of the {name} for the profile '{profile.name}': run `bridgebench train {name} "
            f"--profile {profile.name}`, or name a file under [weights] {name} in the profile."
        )
    return path


def weights_at_hand() -> dict[str, list[Path]]:
    """The readable weights files by method: shipped ones, then those trained in this folder."""
    found: dict[str, list[Path]] = {}
    for path in [*sorted(ZOO.glob("*.safetensors")), *sorted(TRAINED.glob("*/weights.safetensors"))]:
        try:
            found.setdefault(header(path)["method"], []).append(path)
        except UserError:  # not one of our files: it is not listed
            continue
    return found


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
