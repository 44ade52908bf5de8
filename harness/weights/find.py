"""Where weights files lie, and which one a method or a network takes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from bridgebench.harness.profiles.hub_file import is_hub_address
from bridgebench.harness.weights.archives import archive_with, fetched_weights
from bridgebench.harness.weights.hub import cached
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import ZOO, header

if TYPE_CHECKING:
    from bridgebench.harness.profiles.profile import Profile

JUDGES = {"primary": "classifier", "second": "judge"}
NETWORKS = (*JUDGES.values(), "features", "guide")
"""What `bridgebench train` trains besides methods: both judges, the feature network, and the guide of trainings."""
EYES = "eyes"
"""What `bridgebench train` trains, too: the network that finds the eyes in photos, from the photos of CelebA."""
TRAINED = Path("runs/train")


def training_folder(method: str, profile: Profile) -> Path:
    """Where `bridgebench train` keeps the run of a method; its finished weights are ``weights.safetensors`` in it."""
    return TRAINED / f"{method}-{profile.name}"


def shipped(name: str, profile: str) -> Path:
    """Where the weights of a method or network for a profile lie if they are shipped (the file need not exist)."""
    return ZOO / f"{name}-{profile}.safetensors"


def find_weights(name: str, profile: Profile) -> Path | None:
    """The weights file of a method (or of one of `NETWORKS`) for a profile, or None.

    The profile's own ``[weights]`` come first, then what was trained in this folder, then what is shipped, then what
    `bridgebench weights fetch` has fetched.

    Raises:
        UserError: the profile names a file that is not there, or not in the cache.
    """
    named = named_weights(name, profile)
    if named is not None:
        if not named.is_file():
            raise UserError(
                f"The profile '{profile.name}' names the weights {named} for '{name}', but no such file exists."
            )
        return named
    candidates = [training_folder(name, profile) / "weights.safetensors", shipped(name, profile.name)]
    if archive := archive_with(candidates[-1].name):
        candidates.append(archive.folder / candidates[-1].name)
    return next((path for path in candidates if path.is_file()), None)


def how_to_get(name: str, profile: Profile) -> str:
    """The commands by which one gets missing weights, as the end of a sentence without a full stop."""
    archive = archive_with(shipped(name, profile.name).name)
    fetched = f"`bridgebench weights fetch {archive.name}` fetches trained ones, " if archive else ""
    return f"{fetched}`bridgebench train {name} --profile {profile.name}` makes some"


def files_for(profile: str) -> list[Path]:
    """All files from which weights for a profile may be taken if it names none: shipped, trained here, and fetched."""
    found = [*ZOO.glob(f"*-{profile}.*"), *TRAINED.glob(f"*-{profile}/weights.safetensors")]
    return [*found, *(path for path in fetched_weights() if path.stem.endswith(f"-{profile}"))]


def named_weights(name: str, profile: Profile) -> Path | None:
    """The file that the profile's own ``[weights]`` name, which need not be there; None: they name none.

    Raises:
        UserError: it is the address of a file on a hub that is not in the cache: nothing is downloaded unasked.
    """
    named = profile.weights.get(name)
    if named is None or not is_hub_address(named):
        return None if named is None else Path(named)
    return cached(named, f"The profile '{profile.name}'")


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
            f"There are no weights of the {name} for the profile '{profile.name}': {how_to_get(name, profile)}; or "
            f"name a file under [weights] {name} in the profile."
        )
    return path


def weights_at_hand() -> dict[str, list[Path]]:
    """The readable weights files by method: shipped ones, then fetched ones, then those trained in this folder."""
    found: dict[str, list[Path]] = {}
    shipped_ones, trained = sorted(ZOO.glob("*.safetensors")), sorted(TRAINED.glob("*/weights.safetensors"))
    for path in [*shipped_ones, *fetched_weights(), *trained]:
        try:
            found.setdefault(header(path)["method"], []).append(path)
        except UserError:  # not one of our files: it is not listed
            continue
    return found


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
