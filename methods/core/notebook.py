"""How objects show themselves in a notebook: small tables of HTML in which everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any


def facts_html(title: str, facts: Mapping[str, Any]) -> str:
    """A title, and a table of facts; empty facts are left out."""
    rows = [(f"<th>{escape(name)}</th>", f"<td>{escape(str(value))}</td>") for name, value in facts.items() if value]
    return f"<p><b>{escape(title)}</b></p><table>{''.join(f'<tr>{name}{value}</tr>' for name, value in rows)}</table>"


def table_html(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str] = ()) -> str:
    """A table with a caption, the head of each column, and numbered notes under it."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(text)}</td>' for text in rest)}</tr>"
        for first, *rest in rows
    )
    said = "".join(f"<li>{escape(note)}</li>" for note in notes)
    under = f"<ol>{said}</ol>" if said else ""
    return f"<table><caption>{escape(title)}</caption><tr>{head}</tr>{body}</table>{under}"
