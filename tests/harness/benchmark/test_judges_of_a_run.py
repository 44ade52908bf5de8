"""A benchmark takes only judges that read what its profile names, and two that differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridgebench.eval.judges.classifier import AttributeClassifier, save_classifier
from bridgebench.harness.commands.main import main
from bridgebench.methods.core.labels import CELEBA14


@pytest.mark.parametrize("role", ["classifier", "judge"])
@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        (CELEBA14[::-1], "reads Sideburns, Goatee, "),
        (CELEBA14[:-1], "Mustache, Goatee, but the profile asks for Young"),
    ],
    ids=["another order", "one less"],
)
def test_a_judge_of_other_attributes_is_refused_in_one_sentence(
    role: str,
    attributes: tuple[str, ...],
    named: str,
    write_tiny: Callable[..., Path],
    judges: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other.safetensors"
    save_classifier(AttributeClassifier(attributes, width=4), other, {})
    profile = write_tiny(tmp_path, (str(judges[role]), str(other)))
    code = main(["benchmark", "--profile", str(profile), "--out", str(tmp_path / "run"), "--methods", "identity"])
    told = capsys.readouterr().err
    assert code == 2 and told.count("\n") == 1 and named in told and "train one with" in told
    assert not (tmp_path / "run" / "run.json").exists()


def test_two_judges_of_one_architecture_are_refused(
    write_tiny: Callable[..., Path], judges: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = write_tiny(tmp_path, (str(judges["judge"]), str(judges["classifier"])))
    code = main(["benchmark", "--profile", str(profile), "--out", str(tmp_path / "run"), "--methods", "identity"])
    assert code == 2 and "are of the architecture 'resnet'" in capsys.readouterr().err
