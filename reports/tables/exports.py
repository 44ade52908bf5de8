"""Tables as files: CSV, LaTeX, Markdown and JSON with the numbers, marks and reasons that the page shows."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bridgebench.eval.records.summary import no_formula
from bridgebench.reports.tables.tables import DASH, Row, Table, TableCell

FOLDER = "tables"
SCHEMA = "schema.json"
_SCHEMA_FILE = Path(__file__).parent / "table.schema.json"
_NUMBERS = {
    "value": "",
    "low": " low",
    "high": " high",
    "se": " standard error",
    "p": " corrected p",
    "n": " N",
    "n_real": " N real",
    "paper": " paper",
    "difference": " difference",
}
_RESIZED_FROM = 8  # tables with more columns do not fit into a text column
_MARKS = {"best": r"\textbf", "tie": r"\underline", "lowest": r"\emph", "real": r"\textbf"}
_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    DASH: "--",
    "±": r"$\pm$",
    "\N{MINUS SIGN}": "$-$",
    "τ": r"$\tau$",
    "→": r"$\to$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
}


def files(tables: Iterable[Table]) -> dict[str, bytes]:
    """Every table in every format, by path inside the folder of pages, and the JSON Schema of the JSON files."""
    made = {f"{FOLDER}/{SCHEMA}": _SCHEMA_FILE.read_bytes()}
    for table in tables:
        for ending, write in FORMATS.items():
            made[f"{FOLDER}/{table.key}.{ending}"] = write(table).encode()
    return made


def to_csv(table: Table) -> str:
    """The values, and if available, columns of bounds, errors, N, the paper's value, difference and verdict.

    Numbers are in the printed unit.
    """
    rows = [(group.title, row) for group in table.groups for row in group.rows]
    columns: list[tuple[str, Callable[[Row], str]]] = []
    for i, head in enumerate(table.heads):
        title = f"{head.title} ({head.small})" if head.small else head.title
        for number, suffix in _NUMBERS.items():
            if number == "value" or any(number in _cell(row, i).numbers for _, row in rows):
                columns.append((title + suffix, _number_of(i, number)))
        if any(_cell(row, i).verdict for _, row in rows):
            columns.append((f"{title} verdict", _verdict_of(i)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Group", table.corner, *(no_formula(title) for title, _ in columns)])
    for group, row in rows:
        writer.writerow([no_formula(group), no_formula(row.title), *(read(row) for _, read in columns)])
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """A table for GitHub and other viewers: bold as on the page, ties underlined, the lowest in italics."""
    marks = {"best": "**{}**", "tie": "<u>{}</u>", "lowest": "*{}*", "real": "**{}**", None: "{}"}
    lines = [f"**{_markdown(table.title)}**  ", f"{_markdown(' · '.join(table.facts))}  ", _markdown(table.about), ""]
    heads = [_markdown(" ".join(part for part in (head.title, head.small) if part)) for head in table.heads]
    lines += [_piped([table.corner, *heads]), _piped(["---", *["---:"] * len(heads)])]
    for group in table.groups:
        if group.title:
            lines.append(_piped([f"*{_markdown(group.title)}*", *[""] * len(heads)]))
        for row in group.rows:
            cells = []
            for cell in row.cells:
                note = f"<sup>{cell.note}</sup>" if cell.note else ""
                small = f" <small>{_markdown(cell.small)}</small>" if cell.small else ""
                cells += [marks[cell.mark].format(_markdown(cell.text)) + note + small, *[""] * (cell.span - 1)]
            lines.append(_piped([_markdown(row.title), *cells]))
    lines += ["", *(f"{i}. {_markdown(note)}" for i, note in enumerate(table.notes, 1))]
    return "\n".join(lines).rstrip() + "\n"


def to_latex(table: Table) -> str:
    """A floating table for booktabs: bold, underlined and slanted as on the page, reasons for gaps under it."""
    width = len(table.heads) + 1
    body = [r"\toprule", _row([table.corner, *(head.title for head in table.heads)])]
    if any(head.small for head in table.heads):
        body.append(_row(["", *(head.small for head in table.heads)]))
    for number, group in enumerate(table.groups):
        body.append(r"\midrule")
        if group.title:
            space = r"\addlinespace[1pt]" if number else ""
            body.append(rf"{space}\multicolumn{{{width}}}{{l}}{{\emph{{{_latex(group.title)}}}}} \\")
        for row in group.rows:
            cells = [_latex_cell(cell) for cell in row.cells]
            body.append(" & ".join([_latex(row.title), *cells]) + r" \\")
    body.append(r"\bottomrule")
    tabular = [rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}", *body, r"\end{tabular}"]
    if width - 1 > _RESIZED_FROM:
        tabular = [r"\resizebox{\textwidth}{!}{%", *tabular, "}"]
    notes = [rf"\par\smallskip\footnotesize $^{{{i}}}$ {_latex(note)}" for i, note in enumerate(table.notes, 1)]
    caption = f"{table.title}. {table.about} {'; '.join(table.facts)}."
    return "\n".join(
        [
            r"% needs \usepackage{booktabs,graphicx} and \usepackage[T1]{fontenc}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(caption)}}}",
            rf"\label{{tab:{table.key}}}",
            *tabular,
            *notes,
            r"\end{table}",
            "",
        ]
    )


def to_json(table: Table) -> str:
    """The table with all information of the page, in the form of ``tables/schema.json``."""
    record = {
        "schema": 1,
        "key": table.key,
        "title": table.title,
        "about": table.about,
        "facts": table.facts,
        "published": table.kind == "published",
        "rows_are": table.corner,
        "columns": [{"title": head.title, "unit": head.small} for head in table.heads],
        "groups": [
            {
                "title": group.title,
                "rows": [
                    {"title": row.title, "about": row.about, "cells": [_record(cell, table) for cell in row.cells]}
                    for row in group.rows
                ],
            }
            for group in table.groups
        ],
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Table], str]] = {"csv": to_csv, "tex": to_latex, "md": to_markdown, "json": to_json}


def _cell(row: Row, column: int) -> TableCell:
    """The cell in a column; a cell that spans several columns is in all of them."""
    place = 0
    for cell in row.cells:
        place += cell.span
        if column < place:
            return cell
    return TableCell("")


def _number_of(column: int, number: str) -> Callable[[Row], str]:
    def read(row: Row) -> str:
        found = _cell(row, column).numbers.get(number)
        return "" if found is None else f"{found:.8g}"

    return read


def _verdict_of(column: int) -> Callable[[Row], str]:
    return lambda row: _cell(row, column).verdict or ""


def _record(cell: TableCell, table: Table) -> dict[str, Any]:
    record: dict[str, Any] = {"text": cell.text, **({"span": cell.span} if cell.span > 1 else {})}
    record |= {name: cell.numbers[name] for name in _NUMBERS if name in cell.numbers}
    record |= {"mark": cell.mark} if cell.mark else {}
    record |= {"verdict": cell.verdict} if cell.verdict else {}
    return record | ({"reason": table.notes[cell.note - 1]} if cell.note else {})


def _markdown(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(re.sub(r"([\\`*_\[\]|])", r"\\\1", escaped).split())


def _piped(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in " ".join(text.split()))


def _row(texts: Iterable[str]) -> str:
    return " & ".join(_latex(text) for text in texts) + r" \\"


def _latex_cell(cell: TableCell) -> str:
    text = _latex(cell.text)
    if cell.mark:
        text = f"{_MARKS[cell.mark]}{{{text}}}"
    if cell.note:
        text += f"$^{{{cell.note}}}$"
    if cell.verdict:
        text += rf"\,{{\scriptsize {cell.verdict}}}"
    return rf"\multicolumn{{{cell.span}}}{{l}}{{{text}}}" if cell.span > 1 else text
