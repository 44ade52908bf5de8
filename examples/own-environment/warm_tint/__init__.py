"""What is known of the method, and the command that starts it with a Python of its own."""

import os
from pathlib import Path

from bridgebench.methods import MethodCard

# The environment of program/requirements.txt; it knows nothing of bridgebench, and bridgebench nothing of it.
PYTHON = os.environ.get("WARM_TINT_PYTHON", str(Path.home() / ".venvs" / "warm-tint" / "bin" / "python"))

CARD = MethodCard(
    name="warm-tint",
    title="Warm tint",
    modes=frozenset({"label"}),
    kind="method",
    paper="an example of the documentation",
    summary="Warms the colours for every label that is turned on, and cools them for every label that is turned off.",
    command=(PYTHON, str(Path(__file__).parent / "program" / "edit.py")),
    strength=(0.0, 1.0, 2.0),
)
