"""Scores of predicted numbers: root mean squared error, mean absolute error, R², and the pinball loss of a quantile."""

from __future__ import annotations

import numpy as np

from pipeline import formats
from pipeline.floors import Floor
from pipeline.scores.score import Answers, Floats, Score, ScoreWords, by_plane
from pipeline.scores.wording import IN_DECIMALS, IN_NUMBERS, told


def squared_errors(answers: Answers) -> Floats:
    return np.asarray((answers.labels - answers.predicted) ** 2, dtype=np.float64)


def root_mean_of(squared: Floats) -> Floats:
    return np.asarray(np.sqrt(np.nanmean(squared, axis=-1)))


def shares_of_rmse(squared: Floats) -> Floats:
    """Squared errors (…, N) → what each example contributes (…, N): the mean over N is minus the RMSE.

    With squared errors e² of N examples and their root mean r, the mean of r / 2 + e² / (2 r) is exactly r.
    """
    root = root_mean_of(squared)[..., None]
    return np.asarray(-(root / 2 + squared / (2 * np.where(root > 0, root, 1.0))))


def shares_of_absolute_error(answers: Answers) -> Floats:
    return np.asarray(-np.abs(answers.labels - answers.predicted), dtype=np.float64)


def shares_of_r_squared(answers: Answers) -> Floats:
    """1 less the squared errors' share of the labels' variation; 0 where the labels do not vary."""
    squared, apart = squared_errors(answers), np.square(answers.labels - answers.labels.mean())
    if not np.ptp(answers.labels):  # the mean of equal numbers may be off by a bit, and so their variation not 0
        return np.zeros(len(squared))
    error, variation = squared.mean(), apart.mean()
    return np.asarray(1 - squared / variation + error / variation**2 * (apart - variation))


RMSE = Score(  # root mean squared error, in the units of the target
    "rmse",
    of_classes=False,
    sign=-1,
    bounds=(0.0, np.inf),
    relative=True,
    contribute=lambda answers: shares_of_rmse(squared_errors(answers)),
    pool=lambda answers: root_mean_of(squared_errors(answers)),
    words=ScoreWords(
        title="RMSE",
        unit="RMSE",
        best="lowest",
        attained="off by {value}",
        attained_on_test="off by {value} on unseen examples (root mean squared error, {interval})",
        gap="it is further off on unseen examples than on its training ones by {size}",
        gap_axis="test RMSE minus training RMSE",
        gap_made_of="Test RMSE minus training RMSE (final weights)",
        value=formats.number,
        span=formats.number_range,
        difference=formats.number,
        bare=formats.number,
        difference_span=formats.number_range,
        assumed=formats.number,
        tick=formats.number,
        gap_tick=formats.number,
    ),
)
MAE = Score(
    "mae",
    of_classes=False,
    sign=-1,
    bounds=(0.0, np.inf),
    relative=True,
    contribute=shares_of_absolute_error,
    floor=Floor(
        None, "always saying the median", "median", lambda targets: float(np.median(targets)), says_one_class=False
    ),
    words=told("mean absolute error", "a", IN_NUMBERS),
)
R2 = Score(
    "r2",
    of_classes=False,
    sign=1,
    bounds=(-np.inf, 1.0),
    relative=False,
    contribute=by_plane(shares_of_r_squared),
    words=told("R²", "an", IN_DECIMALS, "the share of the variation that is explained"),
)


def pinball_score(quantile: float) -> Score:
    """The loss that a forecast of this quantile has least of (Koenker and Bassett 1978); at 0.5, half the MAE."""

    def shares_of_pinball(answers: Answers) -> Floats:
        above = answers.labels - answers.predicted
        return np.asarray(-np.maximum(quantile * above, (quantile - 1) * above), dtype=np.float64)

    name = f"always saying the {quantile:g} quantile"
    return Score(
        "pinball",
        of_classes=False,
        sign=-1,
        bounds=(0.0, np.inf),
        relative=True,
        contribute=shares_of_pinball,
        floor=Floor(
            None,
            name,
            f"{quantile:g} quantile",
            lambda targets: float(np.quantile(targets, quantile)),
            says_one_class=False,
        ),
        quantile=quantile,
        words=told("pinball loss", "a", IN_NUMBERS, f"at the quantile {quantile:g}"),
    )
