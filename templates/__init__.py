"""The Jinja2 templates: one place that knows where they lie and how they are filled."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape


def templates_folder() -> Path:
    """The folder that holds the templates of the installed package."""
    return Path(__file__).resolve().parent


@cache
def environment() -> Environment:
    """The shared environment: HTML and SVG are escaped, an unknown name is an error rather than an empty string."""
    return Environment(
        loader=FileSystemLoader(templates_folder()),
        autoescape=select_autoescape(
            enabled_extensions=("html", "html.j2", "svg", "svg.j2"), default_for_string=True, default=False
        ),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
