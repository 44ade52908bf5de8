"""Addresses of files on a hub that speaks Hugging Face's protocol: ``hf://OWNER/NAME@REVISION/FILE#sha256=HASH``.

The hash is obligatory: whoever names the file has seen it, and nobody can put another one in its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SCHEME = "hf://"
FORM = "hf://OWNER/NAME@REVISION/FILE#sha256=HASH"
_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_ADDRESS = re.compile(
    rf"hf://(?P<repo>{_NAME}/{_NAME})@(?P<revision>{_NAME})/(?P<file>{_NAME}(?:/{_NAME}){{0,7}})#sha256=(?P<sha256>[0-9a-f]{{64}})"
)


@dataclass(frozen=True)
class HubFile:
    """A file on a hub.

    Attributes:
        repo: ``"owner/name"``.
        revision: a commit, tag or branch of it.
        file: the path inside the repository, with forward slashes.
        sha256: of the file's content, 64 hex digits.
    """

    repo: str
    revision: str
    file: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's own name, without folders: letters, digits, ``.``, ``_`` and ``-``."""
        return self.file.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{SCHEME}{self.repo}@{self.revision}/{self.file}#sha256={self.sha256}"


def is_hub_address(text: str) -> bool:
    """Whether a text is meant as such an address."""
    return text.startswith(SCHEME)


def parse_hub_address(text: str, ending: str = ".safetensors") -> HubFile:
    """The file that an address names.

    Args:
        text: the address.
        ending: how the file's name must end: weights are safetensors only.

    Raises:
        ValueError: the text is no such address, has no hash, or names a file with another ending.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r:.200} is no address of the form {FORM} (the SHA-256 as 64 small hex digits).")
    if not found["file"].endswith(ending):
        raise ValueError(f"{text!r:.200} does not name a {ending} file: nothing else is fetched here.")
    return HubFile(**found.groupdict())
