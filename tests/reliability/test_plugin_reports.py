"""What is told of a plug-in's error: its last line is the sentence that users see."""

from __future__ import annotations

import pytest
import torch

from bridgebench.harness.benchmark.failures import report
from bridgebench.methods.controls.editors import Identity
from bridgebench.methods.core.errors import UserError


def told(error: BaseException) -> str:
    """The last line of the report of an error that was raised."""
    try:
        raise error
    except BaseException as raised:
        return report(raised).splitlines()[-1]


def noted(*notes: str) -> ValueError:
    """An error with notes."""
    error = ValueError("what happened")
    for note in notes:
        error.add_note(note)
    return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("one line"), "ValueError: one line"),
        (ValueError("what happened\n\nand a list\n - of ops"), "ValueError: what happened"),
        (noted("a hint", "\x1b[2J"), "ValueError: what happened"),
        (ExceptionGroup("several", [ValueError("a"), KeyError("b")]), "ExceptionGroup: several (2 sub-exceptions)"),
        (Exception(), "Exception"),
        (MemoryError(), "OutOfMemory: more memory was asked for than there is: try --workers 1, or a smaller batch"),
    ],
)
def test_the_last_line_says_what_happened(error: BaseException, sentence: str) -> None:
    assert told(error) == sentence


@pytest.mark.parametrize("kind", [torch.uint8, torch.int64, torch.bool, torch.complex64])
def test_edits_that_are_no_floats_are_refused(kind: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = Identity(attributes=["A"], image_size=32)
    monkeypatch.setattr(Identity, "label_edit", lambda self, images, *rest, **options: images.to(kind))
    with pytest.raises(UserError, match=f"returned numbers of the type {kind}; floats are wanted"):
        editor.edit(torch.zeros(1, 3, 32, 32), labels=torch.ones(1, 1), source_labels=torch.zeros(1, 1))
