"""bridgebench: a reproducible benchmark of multi-attribute face editing.

In a wheel the rooms (``methods``, ``eval``, ``harness``, ``reports``, ``templates``) lie in this folder. In a checkout
they lie beside it, at the top level, and are found there under the same names: ``methods`` is ``methods/``.
"""

from __future__ import annotations

from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[1]

if not (Path(__file__).parent / "methods").is_dir():
    __path__ = [*__path__, str(_CHECKOUT)]
