"""The cost of an edit: time, size and memory of every method."""

from __future__ import annotations

from bridgebench.eval.records.record import MODES
from bridgebench.reports.pages.layout import Layout
from bridgebench.reports.read.results import MODE_TITLES
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import DASH, ColumnHead, Group, Row, Table, TableCell


def cost_table(run: Run) -> Table:
    """Methods as rows. Timings are not part of a cell, so they have the machine's name instead of a protocol."""
    modes = [mode for mode in MODES if any(key[1] == mode for key in run.costs)]
    heads = [ColumnHead(f"Time {MODE_TITLES[mode].lower().removeprefix('edits ')}", "ms an image") for mode in modes]
    heads += [ColumnHead("Parameters", "millions"), ColumnHead("Peak memory", "MiB"), ColumnHead("Batch")]
    layout = Layout(run)
    by_kind: dict[str, list[Row]] = {"method": [], "control": []}
    for name in run.methods:
        method = run.record.methods[name]
        if method.elsewhere is not None:
            cells = [TableCell(DASH, hint="its edits were made elsewhere: nobody here has timed them")] * len(heads)
            by_kind[method.kind].append(Row(method.title, cells, method.summary, layout.method(name)))
        own = [run.costs[name, mode] for mode in modes if (name, mode) in run.costs]
        if own:
            times = [run.costs.get((name, mode)) for mode in modes]
            memory = [cost.peak_memory_mib for cost in own if cost.peak_memory_mib is not None]
            cells = [
                _cell(cost.ms_per_image, f"{cost.ms_per_image:.2f}") if cost else TableCell(DASH, hint="no such mode")
                for cost in times
            ]
            cells += [
                _parameters(own[0].parameters),
                _cell(max(memory), f"{max(memory):.0f}") if memory else TableCell(DASH, hint="not recorded"),
                _cell(own[0].batch, str(own[0].batch)),
            ]
            by_kind[method.kind].append(Row(run.called(name), cells, method.summary, layout.method(name)))
    kinds = (("method", ""), ("control", "Controls"))
    groups = [Group(title, by_kind[kind], apart=bool(title)) for kind, title in kinds if by_kind[kind]]
    machines = sorted({str(cost.hardware) for cost in run.costs.values() if cost.hardware})
    facts = [*machines, "one batch of images", f"protocol {run.record.protocol_hash[:12]}"]
    about = (
        "Timed after the cells, on the machine named here, while the benchmark computes nothing else. Other work on it "
        "makes all times longer. A cost is measured again when its method changes."
    )
    return Table("cost-table", "Cost of an edit", about, facts, heads, groups, kind="plain")


def _parameters(count: int | None) -> TableCell:
    if count is None:
        return TableCell(DASH, hint="the method does not say")
    return _cell(count / 1e6, f"{count / 1e6:.2f}", f"{count:,}")


def _cell(number: float, text: str, hint: str = "") -> TableCell:
    return TableCell(text, hint=hint, numbers={"value": number})
