"""The colours of difference maps are those of matplotlib."""

from __future__ import annotations

import matplotlib
import numpy as np

from bridgebench.reports.figures import heat


def test_the_colours_are_matplotlibs_inferno() -> None:
    expected = matplotlib.colormaps["inferno"](np.linspace(0, 1, heat.STEPS + 1))[:, :3]
    assert heat.palette().tolist() == np.rint(expected * 255).astype(int).tolist()
