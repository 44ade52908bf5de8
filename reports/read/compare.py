"""What differs between two runs: the protocol first, for it decides whether their numbers may be compared at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridgebench.eval.measures import SECTIONS
from bridgebench.eval.records.differences import Difference, differences
from bridgebench.eval.records.marks import check_folder, has_our_page, mark
from bridgebench.eval.records.record import MODES
from bridgebench.methods.core.files import write_bytes
from bridgebench.reports.pages.html import standalone
from bridgebench.reports.read.results import MODE_TITLES, Results
from bridgebench.reports.read.run import Run
from bridgebench.reports.tables.tables import fitting
from bridgebench.reports.words.protocol import words


@dataclass(frozen=True)
class NumberDifference:
    """A mean over attributes that differs; `apart`: the intervals of the two do not meet."""

    mode: str
    method: str
    measure: str
    first: str
    second: str
    apart: bool


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        names: what the runs are called here.
        hashes: of their protocols.
        parts: the differing values by part of the record, the protocol first; parts that agree are left out.
        numbers: the differing means; only of runs of one protocol.
    """

    names: tuple[str, str]
    hashes: tuple[str, str]
    parts: dict[str, list[Difference]]
    numbers: list[NumberDifference]

    @property
    def comparable(self) -> bool:
        """Whether rows of the two may share a table."""
        return self.hashes[0] == self.hashes[1]

    @property
    def verdict(self) -> str:
        """Whether the numbers may be compared, in a sentence."""
        names = f"{self.names[0]} (1) and {self.names[1]} (2)"
        if self.comparable:
            return f"{names} have the same protocol {self.hashes[0][:12]}: their rows may share a table."
        return f"{names} differ in protocol: their rows may not share a table."

    def text(self) -> str:
        """All of it for a terminal."""
        found = [self.verdict]
        for part, differing in self.parts.items():
            found += [f"{part}:", *(f"  {one}" for one in differing)]
        if self.numbers:
            found.append("means:")
            for number in self.numbers:
                where = f"{number.mode}, {number.method}, {number.measure}"
                found.append(f"  {where}: {number.first} -> {number.second}" + (" (intervals apart)" * number.apart))
        return "\n".join(found)

    def page(self) -> bytes:
        """All of it as an HTML page of its own, with the style sheet in it."""
        return standalone("diff.html.j2", found=self, words=words)


def compare(first: Path, second: Path, names: tuple[str, str] | None = None) -> Comparison:
    """The differences of two run directories.

    Args:
        first, second: the directories.
        names: what the runs are called; by default as their directories are.

    Raises:
        UserError: one of them is missing or damaged.
    """
    runs = Run(first), Run(second)
    one, two = (run.record for run in runs)
    same = one.protocol_hash == two.protocol_hash
    parts = {
        "protocol": differences(one.protocol, two.protocol) if not same else [],
        "code": differences(one.code, two.code),
        "weights": differences(_weights(one.methods), _weights(two.methods)),
        "packages": differences(one.packages, two.packages),
        "hardware": differences(one.hardware, two.hardware),
    }
    hashes = one.protocol_hash, two.protocol_hash
    found = {part: lines for part, lines in parts.items() if lines}
    return Comparison(names or (str(first), str(second)), hashes, found, _numbers(*runs) if same else [])


def write_page(comparison: Comparison, out: Path) -> Path:
    """Writes the page of a comparison into the folder `out`; returns its path.

    Raises:
        UserError: `out` is not ours, or cannot be written.
    """
    check_folder(out, "pages", older=has_our_page)
    mark(out, "pages")
    write_bytes(out / "index.html", comparison.page())
    return out / "index.html"


def _weights(methods: dict) -> dict[str, str | None]:
    return {name: method.weights.sha256 if method.weights else None for name, method in methods.items()}


def _numbers(first: Run, second: Run) -> list[NumberDifference]:
    """Means over the attributes of the methods that both have, where they are not printed alike."""
    found = []
    for mode in MODES:
        one, two = (Results(run, run.record.protocol_hash, mode) for run in (first, second))
        for card in one.cards(*SECTIONS):
            left, right = one.means(card)[0], two.means(card)[0]
            card = fitting(card, [*left.values(), *right.values()])
            for name in [name for name in left if name in right]:
                a, b = left[name], right[name]
                if a.value is None or b.value is None or card.text(a.value) == card.text(b.value):
                    continue
                bounds = a.low, a.high, b.low, b.high
                apart = None not in bounds and (a.low > b.high or b.low > a.high)  # type: ignore[operator]
                title = first.called(name)
                texts = card.text(a.value), card.text(b.value)
                found.append(NumberDifference(MODE_TITLES[mode].lower(), title, card.title, *texts, apart))
    return found
