"""Predicted against true numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.comparison.report.drawing import MUTED, STYLE, VALIDATION, new_figure, to_svg, write_ticks
from pipeline.formats import number


def fit_plot(targets: NDArray[np.float64], predicted: NDArray[np.float64], candidate: str) -> str:
    """What was predicted, the mean of the seeds, against what is true, one dot an example; on the line both are equal.

    Args:
        targets: (N,) the true numbers.
        predicted: (N,) likewise.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, axes = new_figure(4.6)
        axes.plot(targets, predicted, "o", color=VALIDATION, markersize=3.5, alpha=0.5, markeredgewidth=0)
        ends = [min(targets.min(), predicted.min()), max(targets.max(), predicted.max())]
        axes.plot(ends, ends, color=MUTED, linewidth=1)
        write_ticks(axes, "x", number)
        write_ticks(axes, "y", number)
        axes.set(xlabel="true", ylabel="predicted")
        count = f"{len(targets)} test examples"
        return to_svg(figure, f"Predicted against true numbers of {candidate}, {count}. On the line they are equal.")
