"""The profile in a record that a stranger may have written: checked, and with weights that are data and known."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridgebench.eval.judges.features import NAMES as FEATURE_SPACES
from bridgebench.harness.profiles.profile import Profile
from bridgebench.harness.weights.find import file_sha256, named_weights
from bridgebench.methods import names
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header


def stored_profile(
    file: Path, table: dict[str, Any], known: Collection[str], methods: Collection[str], root: Path | None
) -> Profile:
    """The profile in a record. Its weights files are data and have hashes that the record names.

    Weights of methods that do not take part are left out; all others must be safetensors files. (Inception's are read
    as data, too, and the protocol has their digest.)

    Args:
        file: the record, for messages.
        table: the profile as it stands there.
        known: SHA-256 of the weights files that the record says were used.
        methods: names of the methods that take part.
        root: where the data set is here, if the caller knows; a folder that the record names and that is not here is
            then passed over.

    Raises:
        UserError: the profile is damaged, or names a file that is missing, no safetensors file or another one.
    """
    try:
        profile = Profile.model_validate_json(json.dumps(table))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"The profile in {file} is damaged ({where}: {first['msg']}).") from error
    if root is not None and profile.data.root is not None and not Path(profile.data.root).is_dir():
        profile = profile.model_copy(update={"data": profile.data.model_copy(update={"root": None})})
    used: dict[str, str] = {}
    for name, named in profile.weights.items():
        if name in names() and name not in methods:
            continue
        used[name] = named
        path = named_weights(name, profile)
        if name in FEATURE_SPACES or path is None:
            continue
        header(path)
        if file_sha256(path) not in known:
            raise UserError(
                f"{path} is not the file of '{name}' that {file.parent} was made with: put that file there, or take "
                f"it out of the [weights] in {file}."
            )
    return profile.model_copy(update={"weights": used})
