"""`bridgebench train`: one method, a judge, or many methods in turn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridgebench.harness.commands.options import (
    DataRoot,
    ProfileOption,
    SkipDamaged,
    names_of,
    open_profile,
    renamed,
    trainable_names,
)
from bridgebench.harness.processes.messages import LOGGER
from bridgebench.methods.core.errors import UserError

if TYPE_CHECKING:
    from bridgebench.harness.profiles.profile import Profile
    from bridgebench.harness.train.checkpoint import Resume

_RESUME = "Go on from the last checkpoint; `--resume auto`: go on if there is one, else start."


def train(
    methods: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="METHOD",
            autocompletion=trainable_names,
            help="A method, a variant of the profile, classifier, judge, features, guide, eyes; or several, or 'all'.",
        ),
    ] = None,
    profile: ProfileOption = "faces64",
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this time, even if unfinished.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help=_RESUME)] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of the training run (of a judge: or its file).")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the networks and of the order of the data.")] = None,
    data_root: DataRoot = None,
    skip_damaged: SkipDamaged = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that share every batch: one a GPU, or on the CPU; else 1."),
    ] = None,
    old_methods: Annotated[str | None, typer.Option("--methods", hidden=True)] = None,
    old_devices: Annotated[int | None, typer.Option("--devices", min=1, hidden=True)] = None,
) -> None:
    """Trains a method, or a network that judges, measures or guides.

    Of several methods each trains in turn, by its own seed in runs/train; they share the minutes, and the same command
    goes on where it stopped. The networks come first, because methods may learn from the guide.
    """
    if old_devices is not None:
        renamed(f"--devices {old_devices}", f"--processes {old_devices}")
    processes = processes or old_devices or 1
    named = methods or []
    how: Resume = resume
    if resume and "auto" in named:  # an option has a word or has none, so this one's word comes with the methods
        named, how = [name for name in named if name != "auto"], "auto"
    several = len(named) > 1 or named == ["all"]
    if old_methods is not None:
        if named:
            raise UserError("`train` takes one of two: METHOD..., or the old --methods; `train --help` says more.")
        named, several = names_of(old_methods) or [], True
        renamed(f"train --methods {old_methods}", f"train {' '.join(named) or 'all'}")
    elif not named:
        raise UserError("`train` needs the name of a METHOD, several names, or 'all'; `train --help` says more.")
    found = open_profile(profile, skip_damaged)
    if several:
        if out is not None or seed is not None:
            raise UserError("Several methods train each by its own seed in runs/train; leave out --out and --seed.")
        _train_several(named, found, minutes, data_root, processes)
    else:
        _train_one(named[0], found, minutes, how, out, seed, data_root, processes)


def _train_several(
    names: list[str], profile: Profile, minutes: float | None, data_root: Path | None, processes: int
) -> None:
    from bridgebench.harness.train.many import systems_of, train_many

    systems = systems_of(profile, names)
    failed = train_many(systems, minutes=minutes, data_root=data_root, devices=processes, say=LOGGER.info)
    raise typer.Exit(1 if failed else 0)


def _train_one(
    method: str,
    profile: Profile,
    minutes: float | None,
    resume: Resume,
    out: Path | None,
    seed: int | None,
    data_root: Path | None,
    processes: int,
) -> None:
    from bridgebench.harness.weights.find import EYES, NETWORKS, training_folder

    if method in (*NETWORKS, EYES) and processes > 1:
        raise UserError(f"The training of the {method} runs in one process; leave out --processes.")
    if method == EYES:
        from bridgebench.harness.train.eyes.train import train_eyes

        train_eyes(profile, minutes=minutes, out=out, seed=seed, data_root=data_root, resume=resume)
        return
    if method in NETWORKS:
        from bridgebench.harness.train.judges.train import train_judge

        train_judge(method, profile, minutes=minutes, out=out, seed=seed, data_root=data_root, resume=resume)
        return
    if not profile.card(method).trainable:
        raise UserError(f"The method '{method}' has nothing to train.")
    from bridgebench.harness.train.loop import train as run_training

    out = out or training_folder(method, profile)
    run_training(
        method, profile, minutes=minutes, resume=resume, out=out, seed=seed, data_root=data_root, devices=processes
    )
