"""Writes the address of the repository into what a release carries: README, the project's metadata, the archives' list.

    python .ci/release.py https://github.com/OWNER/bridgebench v0.1.0

The repository itself names no address, so that a fork releases under its own. Three files of the checkout are changed:
README.md gets whole addresses for its links and pictures, because the package index shows it without the repository
around it; pyproject.toml gets ``[project.urls]``; harness/weights/archives.json gets the addresses from which
`bridgebench weights fetch` takes the release's archives. A second call changes nothing.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

README, METADATA, ARCHIVES = "README.md", "pyproject.toml", "harness/weights/archives.json"
_HOME = re.compile(r"https://[\w.-]+(/[\w.-]+)+")
_TAG = re.compile(r"[\w.+-]+")
_LINK = re.compile(r"(!?)(\[[^]]*\])\((?!https?:|#)([^)]+)\)")


def readme_with(text: str, home: str, tag: str) -> str:
    """The README (Markdown) with whole addresses in place of paths: of the file for pictures, of its page for links."""

    def whole(found: re.Match[str]) -> str:
        picture, title, path = found.groups()
        return f"{picture}{title}({home}/{'raw' if picture else 'blob'}/{tag}/{path})"

    return _LINK.sub(whole, text)


def metadata_with(text: str, home: str, tag: str) -> str:
    """The text of pyproject.toml with the table ``[project.urls]``."""
    if "[project.urls]" in text:
        return text
    urls = {
        "Homepage": home,
        "Documentation": f"{home}/blob/{tag}/docs/index.md",
        "Changelog": f"{home}/blob/{tag}/CHANGELOG.md",
        "Issues": f"{home}/issues",
    }
    table = "\n".join(["[project.urls]", *(f'{name} = "{address}"' for name, address in urls.items())])
    return f"{text.rstrip()}\n\n{table}\n"


def archives_with(text: str, home: str, tag: str) -> str:
    """The list of archives (JSON), each with its address among the files of the release."""
    entries = json.loads(text)
    for name, entry in entries.items():
        entry["address"] = f"{home}/releases/download/{tag}/bridgebench-{name}.zip"
    return json.dumps(entries, indent=1) + "\n"


def release(root: Path, home: str, tag: str) -> None:
    """Changes the three files of the checkout at `root`.

    Raises:
        ValueError: the address or the tag has another form.
    """
    if not _HOME.fullmatch(home) or not _TAG.fullmatch(tag):
        raise ValueError(f"'{home}' and '{tag}' are no https:// address of a repository and no tag.")
    for name, changed in ((README, readme_with), (METADATA, metadata_with), (ARCHIVES, archives_with)):
        path = root / name
        path.write_text(changed(path.read_text(encoding="utf-8"), home, tag), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code."""
    if len(arguments) != 2:
        print((__doc__ or "").splitlines()[2].strip(), file=sys.stderr)
        return 2
    try:
        release(Path(__file__).resolve().parents[1], *arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
