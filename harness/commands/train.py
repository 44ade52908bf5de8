"""`bridgebench train`: one method, a judge, or many methods in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import DataRoot, ProfileOption, SkipDamaged, open_profile
from bridgebench.methods.core.errors import UserError


def train(
    method: Annotated[str | None, typer.Argument(help="A method or variant, or 'classifier' or 'judge'.")] = None,
    profile: ProfileOption = "faces64",
    methods: Annotated[
        str | None, typer.Option(help="Instead of one: 'all', or a,b,...; goes on where the last such call stopped.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this time, even if unfinished.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of the training run (of a judge: or its file).")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the networks and of the order of the data.")] = None,
    data_root: DataRoot = None,
    skip_damaged: SkipDamaged = False,
    devices: Annotated[
        int, typer.Option(min=1, help="Processes that share every batch: one a GPU, or on the CPU.")
    ] = 1,
) -> None:
    """Trains a method, or the classifiers that judge it; with --methods many of them, which share the minutes."""
    from bridgebench.harness.weights.find import training_folder

    found = open_profile(profile, skip_damaged)
    if (method is None) == (methods is None):
        raise UserError("`train` takes one of two: a METHOD, or --methods (all, or a,b,...); `train --help` says more.")
    if methods is not None:
        if out is not None or seed is not None:
            raise UserError("--methods trains each system by its own seed in runs/train; leave out --out and --seed.")
        from bridgebench.harness.train.many import systems_of, train_many

        systems = systems_of(found, methods)
        failed = train_many(systems, minutes=minutes, data_root=data_root, devices=devices, say=typer.echo)
        raise typer.Exit(1 if failed else 0)
    assert method is not None
    if method in ("classifier", "judge"):
        if devices > 1:
            raise UserError(f"The training of the {method} runs on one device; leave out --devices.")
        from bridgebench.harness.train.judges.train import train_judge

        train_judge(method, found, minutes=minutes, out=out, seed=seed, data_root=data_root, resume=resume)
        return

    if not found.card(method).trainable:
        raise UserError(f"The method '{method}' has nothing to train.")
    from bridgebench.harness.train.loop import train as run_training

    out = out or training_folder(method, found)
    run_training(
        method, found, minutes=minutes, resume=resume, out=out, seed=seed, data_root=data_root, devices=devices
    )
