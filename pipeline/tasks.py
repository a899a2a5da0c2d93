"""What a task is judged by: how often a class is right, or how far off a number is."""

from __future__ import annotations

from dataclasses import dataclass

REGRESSION = "regression"


@dataclass(frozen=True)
class Score:
    """The measure that candidates of a task are ranked by.

    Attributes:
        name: as columns have it: `test_accuracy`, `test_rmse`.
        sign: +1 where more is better, -1 where less is.
    """

    name: str
    sign: int


ACCURACY = Score("accuracy", 1)
RMSE = Score("rmse", -1)  # root mean squared error, in the units of the target


def score_of(task: str) -> Score:
    """
    Args:
        task: "multiclass", "binary" or "regression".
    """
    return RMSE if task == REGRESSION else ACCURACY
