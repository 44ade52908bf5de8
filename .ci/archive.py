"""Makes the archives of a release from files of the git history, the same bytes each time and on each machine.

    python .ci/archive.py make ablations --out ablations.zip
    python .ci/archive.py update ablations COMMIT [PATH...]

`make` takes the files from the commit that harness/weights/archives.json names, so a clone needs that commit (a clone
with --depth 1 has it after `git fetch --depth 1 origin COMMIT`). `update` writes the entry anew from files of another
commit: those in the list, or those that are named.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "harness" / "weights" / "archives.json"
_MOMENT = (1980, 1, 1, 0, 0, 0)


def archived(contents: dict[str, bytes]) -> bytes:
    """A zip with these files by name: sorted, of one date, and not compressed, as compressors differ."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(contents):
            member = zipfile.ZipInfo(name, _MOMENT)
            member.create_system, member.external_attr = 3, 0o100644 << 16  # a regular file of Unix, whoever makes it
            archive.writestr(member, contents[name])
    return buffer.getvalue()


def files_of(commit: str, paths: list[str]) -> dict[str, bytes]:
    """Files of a commit, by path.

    Raises:
        SystemExit: the clone lacks the commit, or the commit lacks a file.
    """
    found = {}
    for path in paths:
        done = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=ROOT, capture_output=True, check=False)
        if done.returncode:
            sys.exit(
                f"{path} of the commit {commit} cannot be had ({done.stderr.decode().strip()}). A clone with --depth 1 "
                f"lacks old commits: `git fetch --depth 1 origin {commit}` brings this one."
            )
        found[path] = done.stdout
    return found


def make(name: str, out: Path) -> None:
    """Writes an archive.

    Raises:
        SystemExit: the files are not those of the list.
    """
    entry = json.loads(LIST.read_text())[name]
    data = _archive(files_of(entry["commit"], list(entry["files"])))
    if sha256(data).hexdigest() != entry["sha256"]:
        sys.exit(f"The archive '{name}' has the SHA-256 {sha256(data).hexdigest()}, {LIST} says {entry['sha256']}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data)
    print(f"Wrote {out}: {len(data):,} bytes, SHA-256 {entry['sha256']}.")


def update(name: str, commit: str, paths: list[str]) -> None:
    """Writes the entry of an archive anew."""
    entries = json.loads(LIST.read_text()) if LIST.is_file() else {}
    entry = entries.setdefault(name, {"about": "", "address": None})
    whole = subprocess.run(["git", "rev-parse", commit], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = files_of(whole.strip(), sorted(paths or entry["files"]))
    data = _archive(files)
    entry |= {
        "commit": whole.strip(),
        "size": len(data),
        "sha256": sha256(data).hexdigest(),
        "files": {path: sha256(content).hexdigest() for path, content in files.items()},
    }
    LIST.write_text(json.dumps(entries, indent=1) + "\n")
    print(f"Wrote the entry '{name}' of {LIST}: {len(files)} files, {len(data):,} bytes.")


def _archive(files: dict[str, bytes]) -> bytes:
    return archived({PurePosixPath(path).name: content for path, content in files.items()})


def main() -> None:
    """Does what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="write an archive")
    making.add_argument("name")
    making.add_argument("--out", type=Path, required=True)
    updating = commands.add_parser("update", help="write its entry in archives.json anew")
    updating.add_argument("name")
    updating.add_argument("commit")
    updating.add_argument("paths", nargs="*")
    given = parser.parse_args()
    if given.command == "make":
        make(given.name, given.out)
    else:
        update(given.name, given.commit, given.paths)


if __name__ == "__main__":
    main()
