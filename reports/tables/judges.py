"""How well the judges read real images, and how far their probabilities can be believed, as their cards say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from bridgebench.reports.read.run import Run
from pydantic import BaseModel, Field, ValidationError, model_validator

_TITLES = {"primary": "First judge", "second": "Second judge"}
Share = Annotated[float, Field(ge=0, le=1)]


class _Bins(BaseModel):
    """Answers by their probability, in bins of equal width."""

    count: tuple[Annotated[int, Field(ge=0)], ...]
    predicted: tuple[Share | None, ...]
    observed: tuple[Share | None, ...]

    @model_validator(mode="after")
    def _one_length(self) -> _Bins:
        if not len(self.count) == len(self.predicted) == len(self.observed) > 0:
            raise ValueError("bins of different lengths")
        return self


class _Calibration(BaseModel):
    error: dict[str, Share]
    brier: dict[str, Share]
    mean_error: Share
    mean_brier: Share
    bins: _Bins


class _Scores(BaseModel):
    """``scores.test`` of a judge's card; a card of before calibration was measured has none."""

    n: Annotated[int, Field(ge=1)]
    mean: Share
    accuracy: dict[str, Share]
    balanced: dict[str, Share | None] = {}
    calibration: _Calibration


@dataclass(frozen=True)
class JudgeLine:
    """A line of a judge's table: an attribute or a bin, and its numbers as text."""

    name: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class JudgeTable:
    """A judge's reading of the test images.

    Attributes:
        title: which judge.
        n: test images.
        attributes: accuracy, balanced accuracy, calibration error, Brier score; the mean comes last.
        bins: answers, mean probability and share that is there, by probability.
    """

    title: str
    n: int
    attributes: tuple[JudgeLine, ...]
    bins: tuple[JudgeLine, ...]


def judge_tables(run: Run) -> list[JudgeTable]:
    """A table for each judge whose card says how well it is calibrated."""
    tables = []
    for role, weights in sorted(run.record.judges.items()):
        scores = ((weights.card if weights else None) or {}).get("scores")
        try:
            found = _Scores.model_validate(scores["test"] if isinstance(scores, dict) else None)
        except (ValidationError, KeyError):
            continue  # a card is what somebody wrote into a weights file: the facts below show what it says
        tables.append(_table(run, _TITLES.get(role, role), found))
    return tables


def _table(run: Run, title: str, scores: _Scores) -> JudgeTable:
    known = scores.calibration
    lines = [
        JudgeLine(
            run.spoken(name),
            (
                _percent(scores.accuracy[name]),
                _percent(scores.balanced.get(name)),
                _percent(known.error.get(name)),
                _score(known.brier.get(name)),
            ),
        )
        for name in run.record.attributes  # the card's own order was lost in sorted keys
        if name in scores.accuracy
    ]
    shares = [share for share in scores.balanced.values() if share is not None]
    balanced = sum(shares) / len(shares) if shares else None
    mean = (_percent(scores.mean), _percent(balanced), _percent(known.mean_error), _score(known.mean_brier))
    width = 100 / len(known.bins.count)
    bins = [
        JudgeLine(f"{index * width:.0f} to {(index + 1) * width:.0f} %", (f"{count:,}", _percent(said), _percent(seen)))
        for index, (count, said, seen) in enumerate(
            zip(known.bins.count, known.bins.predicted, known.bins.observed, strict=True)
        )
    ]
    return JudgeTable(title, scores.n, (*lines, JudgeLine("Mean", mean)), tuple(bins))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"  # noqa: RUF001


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"  # noqa: RUF001
