"""Files from a hub that speaks Hugging Face's protocol (the extra ``bridgebench[hub]``), kept in the user's cache.

Nothing is downloaded unasked. A download takes the user's own word: an address that is typed (``--weights hf://...``),
or `bridgebench weights fetch`. Whatever else names such a file, a profile above all, gets it from the cache or not at
all. A file lies in the cache under its SHA-256, which is checked whenever it is taken from there.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bridgebench.harness.processes.messages import LOGGER
from bridgebench.harness.processes.user_cache import default_cache_dir
from bridgebench.harness.profiles.hub_file import HubFile, is_hub_address, parse_hub_address
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import open_regular

LARGEST = 8 * 2**30  # bytes of a file


def fetch(address: str, ending: str = ".safetensors") -> Path:
    """The file of an address, from the cache or else downloaded: to be called on the user's word only.

    Args:
        address: ``hf://OWNER/NAME@REVISION/FILE#sha256=HASH``.
        ending: how the file's name must end.

    Returns:
        Where the file lies: in the user's cache, under its hash.

    Raises:
        UserError: the address is wrong; the file is not there, larger than 8 GiB, or another one; no hub is reached.
        ModuleNotFoundError: huggingface_hub is not installed.
    """
    file = _parsed(address, ending)
    kept = _kept(file)
    if kept is None:
        LOGGER.info("Downloading %s", file)
        _download(file)
        kept = _kept(file)
    if kept is None:
        raise UserError(f"{file} was downloaded, but another process has changed it: give the same command again.")
    return kept


def cached(address: str, whose: str) -> Path:
    """The file of an address, from the cache alone.

    Args:
        address: as for :func:`fetch`.
        whose: what names the file, e.g. ``"The profile 'mine'"``.

    Raises:
        UserError: the address is wrong, or the file is not in the cache: nothing is downloaded unasked.
    """
    file = _parsed(address, ".safetensors")
    kept = _kept(file)
    if kept is None:
        raise UserError(
            f"{whose} names {file}, which is not on this machine, and nothing is downloaded unasked: "
            f"`bridgebench weights fetch '{file}'` does it."
        )
    return kept


def typed_weights(text: str) -> Path:
    """The weights file that a user has typed: a path, or an address, which is fetched."""
    return fetch(text) if is_hub_address(text) else Path(text)


def typed_archive(text: str) -> Path:
    """The records that a user has typed: a path, or the address of an archive, which is fetched."""
    return fetch(text, ".zip") if is_hub_address(text) else Path(text)


def _parsed(address: str, ending: str) -> HubFile:
    try:
        return parse_hub_address(address, ending)
    except ValueError as error:
        raise UserError(str(error)) from None


def _place(file: HubFile) -> Path:
    return default_cache_dir() / "hub" / file.sha256 / file.name


def _kept(file: HubFile) -> Path | None:
    """Where the cache has the file; None where it has not, or has something else."""
    path = _place(file)
    try:
        return path if _sha256(path) == file.sha256 else None
    except (OSError, ValueError):
        return None


def _sha256(path: Path) -> str:
    import hashlib

    with open_regular(path, LARGEST, follow=False) as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _download(file: HubFile) -> None:
    """Puts the file into the cache, if it is the one that the address means."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    place, endpoint = _place(file), os.environ.get("HF_ENDPOINT")
    try:
        url = hf_hub_url(file.repo, file.file, revision=file.revision, endpoint=endpoint)
        size = get_hf_file_metadata(url, endpoint=endpoint).size
        if size is None or size > LARGEST:
            raise UserError(
                f"{file} is not fetched: it has {size or 'an unknown number of'} bytes, at most {LARGEST:,}."
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".download-") as folder:
            got = Path(
                hf_hub_download(file.repo, file.file, revision=file.revision, local_dir=folder, endpoint=endpoint)
            )
            found = _sha256(got)
            if found != file.sha256:
                raise UserError(f"{file} is another file at the hub: its SHA-256 there is {found}. It was not kept.")
            got.replace(place)
    except UserError:
        raise
    except (
        Exception
    ) as error:  # each version of the library has errors of its own, for a missing file as for no network
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{file} cannot be fetched ({reason:.300}).") from error
