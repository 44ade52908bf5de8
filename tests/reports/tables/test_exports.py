"""Tables as files say what the page says, in forms that other programs read."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from bridgebench.reports.tables.exports import FORMATS, files, to_csv, to_json, to_latex, to_markdown
from bridgebench.reports.tables.tables import DASH, ColumnHead, Group, Row, Table, TableCell

EVIL = "<img src=x onerror=alert(1)> | \\input{x} =1+1"
SCHEMA = json.loads(files([])["tables/schema.json"])


@pytest.fixture
def table() -> Table:
    best = TableCell(
        "84.2", f"81.1{DASH}87.3", "84.2 %", 7, "best", numbers={"value": 84.21, "low": 81.1, "high": 87.3, "n": 400}
    )
    tie = TableCell("1.50", "± 0.20", mark="tie", numbers={"value": 1.5, "se": 0.2, "n": 400, "n_real": 2000})
    dash = TableCell(DASH, hint="too few", note=1)
    wide = TableCell("1.2 whatever the attribute", span=2)
    groups = [
        Group("", [Row("BridgeGAN", [best, tie]), Row(EVIL, [dash, TableCell("9.00", mark="lowest")])]),
        Group("Controls & more", [Row("=cmd()", [wide])], apart=True),
    ]
    heads = [ColumnHead("Mean_1", "%"), ColumnHead("Distance")]
    return Table("a-table", "A table", "What it is.", ["N = 400", "protocol abc"], heads, groups, ["too few: 3 < 20"])


def test_csv_has_numbers_and_no_formulas(table: Table) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(table))))
    assert rows[0] == [
        "Group",
        "Method",
        *("Mean_1 (%)", "Mean_1 (%) low", "Mean_1 (%) high", "Mean_1 (%) N"),
        *("Distance", "Distance standard error", "Distance N", "Distance N real"),
    ]
    assert rows[1] == ["", "BridgeGAN", "84.21", "81.1", "87.3", "400", "1.5", "0.2", "400", "2000"]
    assert rows[2][1] == EVIL and rows[2][2:] == [""] * 8
    assert rows[3][:2] == ["Controls & more", "'=cmd()"]


def test_markdown_is_marked_as_the_page_is_and_escaped(table: Table) -> None:
    lines = to_markdown(table).splitlines()
    body = [line for line in lines if line.startswith("|")]
    assert body[0] == "| Method | Mean\\_1 % | Distance |" and body[1] == "| --- | ---: | ---: |"
    assert body[2] == f"| BridgeGAN | **84.2** <small>81.1{DASH}87.3</small> | <u>1.50</u> <small>± 0.20</small> |"
    assert "<img" not in to_markdown(table) and f"{DASH}<sup>1</sup> | *9.00* |" in body[3]
    assert all(line.replace("\\|", "").count("|") == 4 for line in body)
    assert lines[-1] == "1. too few: 3 &lt; 20"


def test_latex_uses_booktabs_and_lets_no_name_through(table: Table) -> None:
    text = to_latex(table)
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 2, 1]
    assert r"BridgeGAN & \textbf{84.2} & \underline{1.50} \\" in text
    assert r"\input" not in text and r"\textbackslash{}input\{x\}" in text
    assert r"Mean\_1" in text and r"Controls \& more" in text and r"\multicolumn{2}{l}{1.2 whatever" in text
    assert r"--$^{1}$ & \emph{9.00}" in text
    plain = text.replace("\\{", "").replace("\\}", "")
    assert plain.count("{") == plain.count("}")


def test_json_keeps_its_schema(table: Table) -> None:
    record = json.loads(to_json(table))
    check(record, SCHEMA)
    cells = record["groups"][0]["rows"][0]["cells"]
    assert (cells[0]["value"], cells[0]["mark"], cells[1]["se"]) == (84.21, "best", 0.2)
    assert record["groups"][0]["rows"][1]["cells"][0] == {"text": DASH, "reason": "too few: 3 < 20"}
    assert record["groups"][1]["rows"][0]["cells"] == [{"text": "1.2 whatever the attribute", "span": 2}]
    with pytest.raises(AssertionError):
        check({**record, "more": 1}, SCHEMA)


def test_every_table_of_a_page_is_there_in_every_format_and_linked(tmp_path: Path) -> None:

    from fake_run import write_run

    from bridgebench.reports.site import build

    folder = build(write_run(tmp_path / "run", pictures=False)).parent
    keys = {path.stem for path in (folder / "tables").glob("*.csv")}
    assert {"accuracy-label", "method-bridgegan-label-edit", "attribute-bangs-reference-rest", "cost-table"} <= keys
    for ending in FORMATS:
        assert {path.stem for path in (folder / "tables").glob(f"*.{ending}")} - {"schema"} == keys
    for path in (folder / "tables").glob("*.json"):
        if path.name != "schema.json":
            check(json.loads(path.read_text()), SCHEMA)
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert all(f'href="tables/accuracy-label.{ending}"' in html for ending in FORMATS)


TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def check(value: Any, schema: dict[str, Any]) -> None:
    """The part of JSON Schema that our schema uses."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "const" in schema:
        assert value == schema["const"]
    if "enum" in schema:
        assert value in schema["enum"]
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert any(value is None if kind == "null" else isinstance(value, TYPES[kind]) for kind in kinds), value
    if isinstance(value, list) and "items" in schema:
        for item in value:
            check(item, schema["items"])
    if isinstance(value, dict):
        assert set(schema["required"]) <= set(value) and set(value) <= set(schema["properties"])
        for name, part in value.items():
            check(part, schema["properties"][name])
