"""Release archives: weights, pages and records that are too heavy for the repository and the wheel.

``archives.json`` beside this file names each archive, its size and SHA-256, and the SHA-256 of each file in it.
``.ci/archive.py`` makes the archives. `bridgebench weights fetch` takes their files out into the user's cache, where
`weights.find` finds them.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath

from filelock import FileLock

from bridgebench.harness.processes.user_cache import default_cache_dir
from bridgebench.harness.weights.download import download, is_address
from bridgebench.methods.core.errors import CannotWrite, UserError, did_you_mean
from bridgebench.methods.core.files import open_regular, read_bytes, write_bytes

LIST = Path(__file__).with_name("archives.json")


@dataclass(frozen=True)
class Archive:
    """An archive of a release, a zip without compression.

    Attributes:
        name: how users call it.
        about: what is in it, in a sentence.
        address: where it lies on the web; None: nowhere yet.
        commit: the commit of the repository that holds its files under `paths`.
        size: its bytes.
        sha256: of the whole archive, in hex.
        files: the SHA-256 (hex) of each file by its path in that commit; the archive has it by the path's last part.
    """

    name: str
    about: str
    address: str | None
    commit: str
    size: int
    sha256: str
    files: dict[str, str]

    @property
    def members(self) -> dict[str, str]:
        """The SHA-256 of each file by its name in the archive."""
        return {PurePosixPath(path).name: digest for path, digest in self.files.items()}

    @property
    def folder(self) -> Path:
        """Where `fetch` puts the files; another version of the archive has another folder."""
        return default_cache_dir() / "archives" / f"{self.name}-{self.sha256[:12]}"


@cache
def archives() -> dict[str, Archive]:
    """All archives by name."""
    entries = json.loads(LIST.read_text(encoding="utf-8"))
    return {name: Archive(name, **entry) for name, entry in entries.items()}


def archive_with(file: str) -> Archive | None:
    """The archive that has a file of this name; None: no archive has it."""
    return next((archive for archive in archives().values() if file in archive.members), None)


def fetched_weights() -> list[Path]:
    """The weights files that were fetched, of all archives."""
    places = [each.folder / name for each in archives().values() for name in sorted(each.members)]
    return [path for path in places if path.suffix == ".safetensors" and path.is_file()]


def fetch(name: str, source: str | None = None) -> Path:
    """Puts the files of an archive into the user's cache, each of them checked; returns their folder.

    What is there already, whole and unchanged, is neither loaded nor written again. A download that was stopped goes
    on where it stopped.

    Args:
        name: the archive's name.
        source: a file, or an ``http(s)://`` address, to take it from; by default the archive's own address.

    Raises:
        UserError: there is no such archive, it cannot be had from there, or it is not the one that is meant: its
            SHA-256 decides. No file is taken out then.
        CannotWrite: the cache cannot be written.
    """
    archive = _named(name)
    lock = FileLock(archive.folder.with_suffix(".lock"), fallback_to_soft=False)
    try:
        archive.folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise CannotWrite(
            f"{archive.folder} cannot be written ({error.strerror}); set BRIDGEBENCH_CACHE to a folder with room."
        ) from error
    try:
        missing = [member for member, digest in archive.members.items() if not _is(archive.folder / member, digest)]
        if missing:
            _put(archive, source or archive.address, missing)
    finally:
        lock.release()
    return archive.folder


def _named(name: str) -> Archive:
    found = archives().get(name)
    if found is None:
        raise UserError(f"There is no archive '{name}', only {', '.join(archives())}.{did_you_mean(name, archives())}")
    return found


def _is(path: Path, digest: str) -> bool:
    """Whether a file is there with this content."""
    try:
        return sha256(read_bytes(path, follow=False)).hexdigest() == digest
    except (OSError, ValueError):
        return False


def _put(archive: Archive, source: str | None, wanted: Sequence[str]) -> None:
    """Takes files out of the archive, which is a file or lies at an address."""
    if source is None:
        raise UserError(
            f"The archive '{archive.name}' has no address yet: name a copy by --from FILE|URL. In a clone with the "
            f"whole history, `python .ci/archive.py make {archive.name} --out {archive.name}.zip` makes one."
        )
    if not is_address(source):
        _take_out(archive, Path(source), wanted, "copy or make it again, or name another file by --from")
        return
    part = archive.folder.with_suffix(".zip.part")
    download(source, part, archive.size)
    try:
        _take_out(archive, part, wanted, f"{source} has another file, or it came damaged: fetch it again")
    finally:
        part.unlink(missing_ok=True)


def _take_out(archive: Archive, path: Path, wanted: Sequence[str], advice: str) -> None:
    """Writes files of the archive into its folder, after the archive and each file of it were checked."""
    try:
        with open_regular(path, archive.size) as file:
            if file_digest(file, "sha256").hexdigest() != archive.sha256:
                raise ValueError(f"its SHA-256 is not {archive.sha256}")
            with zipfile.ZipFile(file) as opened:
                for member in wanted:
                    content = opened.read(member)
                    if sha256(content).hexdigest() != archive.members[member]:
                        raise ValueError(f"{member} in it is not what archives.json says")
                    write_bytes(archive.folder / member, content)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is not the archive '{archive.name}' ({error}); {advice}.") from error
