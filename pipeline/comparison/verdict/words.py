"""Numbers and names as the words of the verdict and the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.formats import (
    bare_points as bare_points,
)
from pipeline.formats import (
    chance as chance,
)
from pipeline.formats import (
    count_of as count_of,
)
from pipeline.formats import (
    duration as duration,
)
from pipeline.formats import (
    level as level,
)
from pipeline.formats import (
    listed as listed,
)
from pipeline.formats import (
    number as number,
)
from pipeline.formats import (
    number_range as number_range,
)
from pipeline.formats import (
    p_value as p_value,
)
from pipeline.formats import (
    percent as percent,
)
from pipeline.formats import (
    percent_range as percent_range,
)
from pipeline.formats import (
    points as points,
)
from pipeline.formats import (
    points_range as points_range,
)
from pipeline.scores import ACCURACY, score_of

FAMILIES = {
    "classical": "classical machine learning",
    "cnn": "a CNN trained from scratch",
    "mlp": "a multilayer perceptron",
    "recurrent": "a recurrent network",
    "finetune": "fine-tuning a pretrained backbone",
}
MEMBERS = {
    "classical": "classical models",
    "cnn": "CNNs trained from scratch",
    "mlp": "multilayer perceptrons",
    "recurrent": "recurrent networks",
    "finetune": "fine-tuned backbones",
}
GROUPS = {
    "classical": "machine learning",
    "scratch": "deep learning from scratch",
    "finetune": "fine-tuned",
}
SHORT_FAMILIES = {
    "classical": "classical",
    "cnn": "CNN from scratch",
    "mlp": "MLP",
    "recurrent": "recurrent",
    "finetune": "fine-tuned",
}


@dataclass(frozen=True)
class ScoreWords:
    """How the values of a score are told.

    Attributes:
        name: `test accuracy`, `test RMSE`.
        unit: of differences, for a column that names it.
        floor: what the floor does, in a figure; floor_name: the same as a noun.
        value, span, difference, bare, difference_span: numbers as text: a value, an interval of values, a difference
            with its unit, without, and an interval of differences.
    """

    name: str
    unit: str
    floor: str
    floor_name: str
    value: Callable[[float], str]
    span: Callable[[float, float], str]
    difference: Callable[[float], str]
    bare: Callable[[float], str]
    difference_span: Callable[[float, float], str]


def words_for(task: str, kind: str) -> ScoreWords:
    """
    Args:
        task: "multiclass", "binary" or "regression".
        kind: "images", "table" or "series".
    """
    if score_of(task) is ACCURACY:
        values = (percent, percent_range, points, bare_points, points_range)
        return ScoreWords(
            "test accuracy", "points", "most common class", "always guessing the most common class", *values
        )
    floor, floor_name = ("last value", "repeating the last value")
    if kind != "series":
        floor, floor_name = ("mean", "always saying the mean")
    return ScoreWords("test RMSE", "RMSE", floor, floor_name, number, number_range, number, number, number_range)


def short_name(candidate: str, family: str) -> str:
    """A candidate's name without its family: `svm_hog`, `resnet50 · full`."""
    return candidate.removeprefix(f"{family}-").replace("-", " · ")


def measured_text(unit: str, value: float) -> str:
    """A measured value: seconds, a share, or points (a difference of shares)."""
    return duration(value) if unit == "seconds" else points(value) if unit == "points" else percent(value)


def measured_range(unit: str, low: float, high: float) -> str:
    if unit == "seconds":
        return f"{duration(low)} to {duration(high)}"
    return points_range(low, high) if unit == "points" else percent_range(low, high)


def difference_text(unit: str, value: float, low: float, high: float) -> str:
    """How much more: points, or of seconds how many times as much."""
    if unit == "seconds":
        return f"{value:.3g} times ({low:.3g} to {high:.3g})"
    return f"{points(value)} ({points_range(low, high)})"
