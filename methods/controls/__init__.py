"""Controls: methods without training, in every table; they show what the measures reward."""

from __future__ import annotations

from bridgebench.methods.card import MethodCard

_BOTH = frozenset({"label", "reference"})

IDENTITY = MethodCard(
    name="identity",
    title="Identity",
    modes=_BOTH,
    kind="control",
    paper="control",
    summary="Returns the source: shows which measures reward doing nothing.",
    editor="bridgebench.methods.controls.editors:Identity",
)

COPY = MethodCard(
    name="copy",
    title="Copy",
    modes=frozenset({"reference"}),
    kind="control",
    paper="control",
    summary="Returns the reference: perfect accuracy and distance, nothing preserved.",
    editor="bridgebench.methods.controls.editors:Copy",
)

ORACLE = MethodCard(
    name="oracle",
    title="Oracle",
    modes=_BOTH,
    kind="control",
    paper="control",
    summary="Renders the true edit (embedded data only): the ceiling.",
    editor="bridgebench.methods.controls.editors:Oracle",
    needs=frozenset({"truth"}),
)

ATTACK = MethodCard(
    name="attack",
    title="Attack",
    modes=frozenset({"label"}),
    kind="control",
    paper="control; iterative gradient steps as Madry et al., ICLR 2018",
    summary="Follows the classifier's gradient until it flips: accuracy for a change of a few grey levels.",
    editor="bridgebench.methods.controls.attack:Attack",
    needs=frozenset({"classifier"}),
)
