"""The card of a method: what is known about it before its networks are loaded.

The list of methods needs the cards only, so `bridgebench methods` and `--help` never import torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridgebench.methods.core.notebook import facts_html


@dataclass(frozen=True)
class MethodCard:
    """The facts about a method, found through the entry-point group ``bridgebench.methods``.

    Attributes:
        name: the name that users type, e.g. ``"bridgegan"``.
        title: the name as papers print it, e.g. ``"BridgeGAN"``.
        modes: ``{"label"}``, ``{"reference"}`` or both.
        kind: ``"method"`` for what is trained or published, ``"control"`` for a row that probes the measures.
        paper: where it is described, e.g. ``"Choi et al., CVPR 2018"``.
        summary: one sentence on what it does.
        editor: its `Editor` class, as ``"package.module:Class"``; imported only when the method is loaded. Empty for a
            method with a command.
        command: the program that makes its edits in an environment of its own, with its arguments; the program is named
            by its absolute path, or is one that the system finds (see :mod:`methods.command`). Empty: it has an editor.
        training: the class that trains it (see :class:`methods.training.base.Training`), as
            ``"package.module:Class"``; imported only for a training. None: the method cannot be trained.
        stochastic: whether it draws noise from the `generator` given to ``edit``.
        strength: the lowest, the default (of the official test) and the highest useful strength of an edit; None: the
            method has no strength.
        needs: what the caller must attach before an edit: ``"classifier"``, ``"truth"``.
        quirks: what a reader of its results should know, in a few sentences; printed on the method's page.
    """

    name: str
    title: str
    modes: frozenset[str]
    kind: Literal["method", "control"]
    paper: str
    summary: str
    editor: str = ""
    command: tuple[str, ...] = ()
    training: str | None = None
    stochastic: bool = False
    strength: tuple[float, float, float] | None = None
    needs: frozenset[str] = frozenset()
    quirks: str = ""

    def strength_at(self, share: float) -> float:
        """The strength at a share of the way from no edit (0) to the official test's default (1)."""
        lowest, default, _ = self.strength or (1.0, 1.0, 1.0)
        return lowest + share * (default - lowest)

    def _repr_html_(self) -> str:
        facts = {
            "name": self.name,
            "kind": self.kind,
            "edits by": ", ".join(sorted(self.modes)),
            "paper": self.paper,
            "summary": self.summary,
            "strength": "lowest {:g}, default {:g}, highest {:g}".format(*self.strength) if self.strength else "",
            "stochastic": "yes" if self.stochastic else "no",
            "trainable": "yes" if self.trainable else "no",
            "quirks": self.quirks,
        }
        return facts_html(self.title, facts)

    @property
    def trainable(self) -> bool:
        """Whether `bridgebench train` can train it."""
        return self.training is not None
