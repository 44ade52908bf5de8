"""What MkDocs does before it builds: it adds the pages whose text has another home.

The protocol, the security promises and the records of trials are Markdown files of the project. The commands are
described by their own ``--help``, and the facts of a method by its card. So nothing is written twice.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click

ROOT = Path(__file__).resolve().parents[1]
# Pages that are files of the project, by the page's name.
HOMES = {
    "protocol.md": "eval/PROTOCOL.md",
    "security.md": "SECURITY.md",
    "reliability.md": "tests/RELIABILITY.md",
    "performance.md": "tests/PERFORMANCE.md",
}
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)\s]+)\)")
_CARD = "<!-- card -->"


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages that are made, and the picture of the first page."""
    for name, home in HOMES.items():
        files.append(File.generated(config, name, content=_with_links(home)))
    files.append(File.generated(config, "commands.md", content=_commands()))
    picture = "reports/published/faces64.png"
    files.append(File.generated(config, "faces64.png", content=(ROOT / picture).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Puts the facts of its card into the page of a method, and the table of all methods into their first page."""
    if _CARD not in markdown:
        return markdown
    name = Path(page.file.src_uri).stem
    return markdown.replace(_CARD, _methods() if name == "index" else _card(name))


def _with_links(home: str) -> str:
    """A Markdown file of the project; a link to a file that is no page here becomes the file's name."""
    pages = {target: page for page, target in HOMES.items()}

    def led(match: re.Match[str]) -> str:
        place, _, anchor = match[2].partition("#")
        target = ((ROOT / home).parent / place).resolve().relative_to(ROOT).as_posix()
        if target in pages:
            return f"[{match[1]}]({pages[target]}{f'#{anchor}' if anchor else ''})"
        return f"`{target}`" if match[1].strip("`") in (target, place) else f"{match[1]} (`{target}`)"

    return _LINK.sub(led, (ROOT / home).read_text())


def _commands() -> str:
    """Every command with its options, as its ``--help`` says it."""
    from bridgebench.harness.commands.main import app

    command = typer.main.get_command(app)
    command.commands = {name: found for name, found in command.commands.items() if not found.hidden}  # no old names
    context = typer.Context(command, info_name="bridgebench")
    text = get_docs_for_click(obj=command, ctx=context, name="bridgebench")
    names = command.list_commands(context)
    # The list at its top cuts every sentence short: ours says the first sentence whole.
    lines = [
        f"- [`{name}`](#bridgebench-{name}): {(command.get_command(context, name).help or '').split(chr(10) * 2)[0]}"
        for name in names
    ]
    _, _, rest = text.partition("\n## ")
    head = ["# Commands", "", "What `bridgebench COMMAND --help` says.", "", *lines, "", command.epilog, ""]
    return "\n".join([*head, f"## {rest}"])


def _card(name: str) -> str:
    """The facts of a method, as its card has them."""
    from bridgebench.methods import card

    found = card(name)
    modes = " and ".join(f"by {mode}" for mode in sorted(found.modes))
    rows = [("paper", found.paper), ("edits", modes)]
    if found.strength:
        low, default, high = found.strength
        rows.append(("strength", f"{low:g} to {high:g}; the official test uses {default:g}"))
    rows.append(("several edits of one photo", "yes, by noise" if found.stochastic else "no"))
    first, *rest = (f"| {left} | {right} |" for left, right in rows)
    table = "\n".join([first, "| --- | --- |", *rest])
    return f"{found.summary}\n\n{table}\n\n{found.quirks}"


def _methods() -> str:
    """A table of all methods."""
    from bridgebench.methods import card, names

    cards = [card(name) for name in names()]
    rows = [
        f"| {f'[{one.title}]({one.name}.md)' if one.kind == 'method' else one.title} | {one.kind} | "
        f"{', '.join(sorted(one.modes))} | {one.paper} |"
        for one in sorted(cards, key=lambda one: (one.kind != "method", one.title))
    ]
    return "\n".join(["| method | kind | edits by | paper |", "| --- | --- | --- | --- |", *rows])
