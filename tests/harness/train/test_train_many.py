"""All systems of a profile in one command: shares of a stretch, going on, what is kept, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import pytest

from bridgebench.harness.commands.main import main
from bridgebench.harness.processes.stopping import Stopped
from bridgebench.harness.profiles.profile import Profile, load_profile
from bridgebench.harness.train import many
from bridgebench.harness.train.checkpoint import FILE, Progress, read_progress, write_state
from bridgebench.harness.train.judges import train as classifier
from bridgebench.harness.train.many import progress_table, shares, systems_of, train_many
from bridgebench.harness.weights.find import NETWORKS
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header

Write = Callable[..., Path]
SMALL = """
[variants.stargan-again]
method = "stargan"
seed = 1

[train.stargan]
width = 4
blocks = 1
discriminator_width = 4
iterations = 30
batch_size = 4
n_critic = 1

[train.classifier]
epochs = 1

[train.judge]
epochs = 1

[train.features]
epochs = 1

[train.guide]
epochs = 1
"""


@pytest.fixture
def path(tiny_profile: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile of StarGAN, a variant of it and four networks; its runs lie in the test's folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("score", "scores_table"):  # has tests of its own, and takes most of the time
        monkeypatch.setattr(classifier, name, lambda *_: {})
    found = tiny_profile(('["identity", "oracle"]', '["identity", "stargan"]'))
    found.write_text(found.read_text().partition("[weights]")[0] + SMALL)
    return found


@pytest.fixture
def profile(path: Path) -> Profile:
    return load_profile(path)


def said(systems: list[many.System], **options: object) -> list[str]:
    lines: list[str] = []
    train_many(systems, say=lines.append, **options)  # type: ignore[arg-type]
    return lines


def test_what_all_means(profile: Profile) -> None:
    names = [system.name for system in systems_of(profile, ["all"])]
    assert names == [*NETWORKS, "stargan", "stargan-again"]
    with_judges = profile.model_copy(update={"weights": {"classifier": "c.safetensors"}})
    assert [system.name for system in systems_of(with_judges, ["all"])] == [*NETWORKS[1:], "stargan", "stargan-again"]
    assert [system.name for system in systems_of(profile, ["stargan-again", "judge"])] == ["judge", "stargan-again"]
    for wrong, sentence in [("identity", "nothing to train"), ("stagran", "Did you mean")]:
        with pytest.raises(UserError, match=sentence):
            systems_of(profile, [wrong])


def test_a_stretch_is_divided_by_what_is_needed() -> None:
    assert shares(60, [30, 10, 80]) == [15, 5, 40]
    assert shares(0, []) == []


def test_without_minutes_everything_is_trained_to_its_end_and_then_left_alone(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "judge", "stargan", "stargan-again", "--profile", str(path)]
    assert main([*command, "--minutes", "1e-6"]) == 0
    assert capsys.readouterr().out.count("none yet") == 3  # a judge has weights at its end alone
    assert main(command) == 0
    table = capsys.readouterr().out.splitlines()[-3:]
    assert [line.split()[0] for line in table] == ["judge", "stargan", "stargan-again"]
    assert table[1].split()[1:5] == ["30", "of", "30", "120"]  # iterations, images seen
    assert table[2].split()[-1] == "runs/train/stargan-again-tiny/weights.safetensors"
    files = [Path(line.split()[-1]) for line in table]
    before = [file.read_bytes() for file in files]
    assert [header(file)["card"]["seed"] for file in files] == [2, 0, 1]
    assert main(command) == 0
    assert "Training" not in capsys.readouterr().out
    assert [file.read_bytes() for file in files] == before


class FakeTraining:
    """Takes the place of `train`, on a clock of its own: `stargan` is three times as slow as its variant."""

    speeds = MappingProxyType({"stargan": 3.0, "stargan-again": 1.0})

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(many, "train", self.train)
        monkeypatch.setattr(many.time, "monotonic", lambda: self.now)

    def train(self, name: str, profile: Profile, *, out: Path, minutes: float, resume: bool, **_: object) -> Path:
        progress, speed = read_progress(out), self.speeds[name]
        assert resume == "auto"
        todo = min(30 - progress.iteration, max(1, int(60 * minutes / speed)))
        self.now += todo * speed + 0.2  # and the way there
        done = progress.iteration + todo
        write_state(out, {"progress": asdict(Progress(done, progress.seconds + todo * speed, 4 * done, 30))})
        (out / "weights.safetensors").write_bytes(b"")
        return out / "weights.safetensors"


def test_a_stretch_ends_in_time_with_all_equally_far(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, systems, lines = FakeTraining(monkeypatch), systems_of(profile, ["stargan", "stargan-again"]), []
    for stretch in (1, 2, 3):  # of 40 seconds: all of it takes 120
        lines = said(systems, minutes=40 / 60)
        assert fake.now <= stretch * 40 + 3
        slow, fast = (system.progress().iteration / 30 for system in systems)
        assert slow == pytest.approx(min(1, stretch / 3), abs=0.12)
        assert fast == pytest.approx(slow, abs=0.12)
    assert lines[-1].count("of 30") == 2
    said(systems, minutes=1)
    assert all(system.finished() for system in systems)


def test_a_longer_recipe_is_gone_on_with(profile: Profile) -> None:
    (system,) = systems_of(profile, ["stargan"])
    said([system])
    longer = profile.model_copy(update={"train": {**profile.train, "stargan": {**profile.train["stargan"]}}})
    longer.train["stargan"]["iterations"] = 33
    (system,) = systems_of(longer, ["stargan"])
    assert not system.finished()
    said([system])
    assert system.progress().iteration == 33


def test_one_that_breaks_down_does_not_stop_the_others(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("runs/train/stargan-tiny")
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(b"no checkpoint")
    assert main(["train", "stargan", "stargan-again", "--profile", str(path)]) == 1
    out = capsys.readouterr().out
    assert "FAILED stargan: The checkpoint runs/train/stargan-tiny/checkpoint.pt is damaged" in out
    assert "30 of 30" in out


def test_a_signal_ends_it_with_the_table(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*arguments: object, **options: object) -> Path:
        raise Stopped(15, "one")

    monkeypatch.setattr(many, "train", stopped)
    lines: list[str] = []
    with pytest.raises(Stopped, match="the same command goes on") as caught:
        train_many(systems_of(profile, ["stargan", "stargan-again"]), say=lines.append)
    assert caught.value.code == 143
    assert lines[-1] == progress_table(systems_of(profile, ["stargan", "stargan-again"]))
    assert "none yet" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "needs the name of a METHOD"),
        (["stargan", "--methods", "all"], "one of two"),
        (["all", "--seed", "1"], "leave out --out and --seed"),
        (["stargan", "judge", "--out", "x"], "leave out --out and --seed"),
        (["stargan", "nothing"], "There is no method 'nothing'"),
        (["--methods", "nothing"], "There is no method 'nothing'"),
    ],
)
def test_mistakes(path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str) -> None:
    assert main(["train", "--profile", str(path), *arguments]) == 2
    assert sentence in capsys.readouterr().err
