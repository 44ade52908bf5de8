"""`bridgebench edit`: one photo by one method."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import Weights, names_of, profile_names
from bridgebench.harness.commands.output import show


def edit(
    photo: Annotated[Path, typer.Argument(help="A PNG or JPEG of any size.")],
    method: Annotated[str, typer.Option(help="The method that edits.")],
    out: Annotated[Path, typer.Option(help="The image file to write.")],
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=0|1", help="May be repeated.")] = None,
    reference: Annotated[Path | None, typer.Option(help="Take the attributes from this photo.")] = None,
    attributes: Annotated[str | None, typer.Option(help="Which to take from the reference: a,b,...")] = None,
    weights: Weights = None,
    profile: Annotated[
        str | None,
        typer.Option(
            envvar="BRIDGEBENCH_PROFILE",
            autocompletion=profile_names,
            help="Whose weights and classifier; by default that of photos, celeba64.",
        ),
    ] = None,
    strength: Annotated[float | None, typer.Option(help="How far to edit; the method's default if not given.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of a stochastic method.")] = 0,
    face: Annotated[
        int | None, typer.Option(min=1, help="Which of several faces, from left to right; else the largest.")
    ] = None,
    crop: Annotated[
        str | None, typer.Option(metavar="X,Y,SIZE|face", help="The square to edit; else the face that is found.")
    ] = None,
    reference_crop: Annotated[str | None, typer.Option(metavar="X,Y,SIZE|face", help="That of the reference.")] = None,
    paste_back: Annotated[
        bool, typer.Option("--paste-back", help="Write the whole photo, with the change added to it.")
    ] = False,
) -> None:
    """Edits a photo, told by attributes or by a reference photo.

    The face is found, turned upright and cut as CelebA's photos are. What the classifier reads in the photo and in the
    edit is printed, with how likely it holds each attribute.
    """
    from bridgebench.harness.photo.edit import edit_photo
    from bridgebench.harness.weights.hub import typed_weights

    edited = edit_photo(
        photo,
        method,
        out,
        settings=set_ or [],
        reference=reference,
        attributes=names_of(attributes) or [],
        weights=None if weights is None else typed_weights(weights),
        profile=profile,
        strength=strength,
        seed=seed,
        face=face,
        crop=crop,
        reference_crop=reference_crop,
        back=paste_back,
    )
    show(edited.words())
    show(f"Wrote {edited.out}")
