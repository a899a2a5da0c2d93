"""What a candidate predicted against what is true, where it predicts numbers, drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.pictures.svg import SVG_SETTINGS, save_svg


def write_fit(path: Path, targets: NDArray[np.float64], predicted: NDArray[np.floating], title: str) -> None:
    """Predicted against true numbers as SVG: one dot an example and seed; what is exactly right lies on
    the line.

    Args:
        targets: (N,).
        predicted: (S, N), of each seed.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(SVG_SETTINGS):
        figure = Figure(figsize=(4.6, 4.2), layout="constrained")
        axes = figure.subplots()
        truth = np.tile(targets, (len(predicted), 1))
        axes.plot(truth.ravel(), predicted.ravel(), "o", markersize=3, alpha=0.4, markeredgewidth=0, rasterized=True)
        low, high = min(truth.min(), predicted.min()), max(truth.max(), predicted.max())
        axes.plot([low, high], [low, high], color="black", linewidth=0.8)
        axes.set(title=title, xlabel="true", ylabel="predicted")
        rmse = float(np.sqrt(np.square(predicted - truth).mean()))
        description = f"{len(targets)} examples, {len(predicted)} seeds; root mean squared error {rmse:.4g}."
        save_svg(figure, path, title, description, dpi=150)
