"""Before a benchmark it is told which attributes a judge reads poorly, by the judge's own card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridgebench.eval.judges.classifier import AttributeClassifier, save_classifier
from bridgebench.harness.benchmark.weak_judges import weak_judges
from bridgebench.harness.commands.main import main
from bridgebench.harness.profiles.profile import load_profile
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14

Write = Callable[..., Path]
GOOD = dict.fromkeys(CELEBA14, 0.95)


def profile_with(folder: Path, write_tiny: Write, judges: dict[str, Path], role: str, scores: Any) -> Path:
    """A profile one of whose judges has these scores on its card."""
    path = folder / "judge.safetensors"
    architecture = {"classifier": "resnet", "judge": "plain"}[role]
    save_classifier(AttributeClassifier(CELEBA14, architecture, 4), path, {"scores": scores})
    return write_tiny(folder, (str(judges[role]), str(path)))


@pytest.mark.parametrize(
    ("role", "balanced", "told"),
    [
        ("classifier", GOOD, None),
        ("classifier", GOOD | {"Male": 0.8, "Young": None}, None),
        (
            "classifier",
            GOOD | {"Bangs": 0.71, "Young": 0.555},
            "first judge (classifier)|90.5%|for Young 55.5%, Bangs 71.0%;",
        ),
        (
            "judge",
            dict.fromkeys(CELEBA14, 0.5),
            "second judge (judge)|average, and below 80%|Young 50.0%;",
        ),
        ("judge", GOOD | {"Hat": 0.1, "Young": "much"}, None),
    ],
    ids=["good", "just good enough, or not measured", "two attributes", "all", "what is no share, and no column"],
)
def test_what_is_told(
    role: str,
    balanced: dict[str, Any],
    told: str | None,
    write_tiny: Write,
    judges: dict[str, Path],
    tmp_path: Path,
) -> None:
    path = profile_with(tmp_path, write_tiny, judges, role, {"test": {"balanced": balanced}})
    lines = weak_judges(load_profile(str(path)))
    assert len(lines) == (told is not None)
    assert told is None or all(part in lines[0] for part in told.split("|"))


@pytest.mark.parametrize("scores", [None, {}, {"test": None}, {"test": {"mean": 0.5}}, {"test": {"balanced": [0.1]}}])
def test_a_card_without_the_figure_says_nothing(
    scores: Any, write_tiny: Write, judges: dict[str, Path], tmp_path: Path
) -> None:
    path = profile_with(tmp_path, write_tiny, judges, "judge", scores)
    assert weak_judges(load_profile(str(path))) == []


def test_a_benchmark_tells_it_in_a_line_before_it_begins(
    write_tiny: Write,
    judges: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object) -> None:
        raise UserError("far enough")

    monkeypatch.setattr("bridgebench.harness.benchmark.runner._bring_to_protocol", stop)
    scores = {"test": {"balanced": GOOD | {"Goatee": 0.6}}}
    path = profile_with(tmp_path, write_tiny, judges, "classifier", scores)
    main(["benchmark", "--profile", str(path), "--out", str(tmp_path / "run"), "--methods", "identity"])
    warning, end = capsys.readouterr().err.splitlines()
    assert warning.startswith("Warning: the first judge") and "Goatee 60.0%" in warning and "far enough" in end
