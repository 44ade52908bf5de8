"""A zoo of plug-ins that misbehave: their cards, and how each of their cells must end.

Every animal edits nothing, like `identity`, and does something wrong before. Their classes are in `animals`, which
imports torch.
"""

from __future__ import annotations

from bridgebench.methods import MethodCard

# What the last line of the error of a cell must look like, as a pattern.
FAILING = {
    "system-exit": "SystemExit: 3",
    "keyboard-interrupt": "KeyboardInterrupt",
    "generator-exit": "GeneratorExit",
    "own-base-exception": "misbehaving.animals.Own: mine",
    "stop-iteration": "StopIteration: 7",
    "message-raises": "misbehaving.animals.Mute: <exception str\\(\\) failed>",
    "message-exits": "misbehaving.animals.Quitter: <exception str\\(\\) failed>",
    "message-no-text": r"ValueError: \?\?\? \?\[31mred",
    "message-gigantic": "ValueError: aaaaa",
    "message-empty": "Exception",
    "memory-error": "OutOfMemory: more memory was asked for than there is",
    "recursion": "RecursionError: maximum recursion depth exceeded",
    "in-a-string": "AttributeError: 'str' object has no attribute",
    "in-nothing": "AttributeError: 'NoneType' object has no attribute",
    "other-shape": "ValueError: other-shape returned the shape \\(",
    "not-finite": "ValueError: the edited images hold values that are not finite",
    "os-exit": r"MethodDied: the process of the method ended in the middle of its work \(exit code 0\)",
    "kills-itself": r"MethodDied: .* \(SIGKILL\), likely for want of memory",
    "segmentation-fault": r"MethodDied: .* \(SIGSEGV\)",
    "kills-its-parent": "MethodDied: ",
    "closes-all-files": "MethodDied: ",
    "sleeps-forever": r"TookTooLong: the method did not edit a batch within 4 seconds \(time_limit",
    "computes-forever": "TookTooLong: ",
    "stops-itself": "TookTooLong: ",
    "constructor-exits": "SystemExit: constructor",
    "constructor-sleeps": "TookTooLong: the method did not load within 4 seconds",
    "properties-raise": "ZeroDivisionError: ",
    "waits-for-input": "EOFError: EOF when reading a line",
    "cause-loop": "ValueError: one",
    "exception-group": r"ExceptionGroup: (more|its message)|RecursionError",
    "name-no-text": r"misbehaving\.animals\.\?\[31mred: once",
    "notes-no-text": "ValueError: noted",
    "alarm": r"MethodDied: .* \(SIGALRM\)",
    "kills-its-group": r"MethodDied: .* \(SIGTERM\)",
    "stops-its-parent": "TookTooLong: |MethodDied: ",
    "sparse": "NotImplementedError: ",
    "complex": r".*UserError: complex returned numbers of the type torch.complex64",
    "whole-numbers": r".*UserError: whole-numbers returned numbers of the type torch.uint8",
    "on-no-device": "[A-Za-z]*Error: |TookTooLong: ",
    "huge-batch": "OutOfMemory: |TookTooLong: |ValueError: huge-batch returned the shape",
    "spoils-the-connection": "Nonsense: |MethodDied: |TookTooLong: ",
}
# These leave something behind, and their cells have the numbers of `identity`.
LEAVING = (
    "working-folder",
    "thread-count",
    "default-dtype",
    "default-device",
    "random-state",
    "warnings",
    "signals",
    "determinism",
    "environment",
    "locale",
    "standard-output",
    "recursion-limit",
    "threads",
    "processes",
    "files",
    "modules",
    "functions",
    "inputs",
    "gradients",
    "limits",
    "umask",
    "garbage-collector",
    "hooks",
    "numpy-errors",
    "floods-output",
    "daemon",
    "few-files",
    "twice-as-fine",
)
NAMES = (*FAILING, *LEAVING)


# When an animal may do its wrong instead of at every edit, see `variants`: ``thread-count_at_import`` is a variant.
MOMENTS = ("import", "constructor", "property", "second-edit", "thread", "twice")


def class_of(name: str) -> str:
    """The class of an animal or variant: ``thread-count`` is ``ThreadCount``."""
    animal, _, moment = name.partition("_at_")
    found = "".join(part.capitalize() for part in animal.split("-"))
    return f"{found}_at_{moment.replace('-', '_')}" if moment else found


def __getattr__(name: str) -> MethodCard:
    """The card of an animal or variant, by the name of its class."""
    variants = [f"{each}_at_{moment}" for each in NAMES for moment in MOMENTS]
    found = [each for each in (*NAMES, *variants) if class_of(each) == name]
    if not found:
        raise AttributeError(name)
    return MethodCard(
        name=found[0], title=found[0], modes=frozenset({"label"}), kind="method", paper="none", summary="Misbehaves.",
        editor=f"misbehaving.{'variants' if '_at_' in name else 'animals'}:{name}",
    )  # fmt: skip
