"""Numbers and names as the words of the verdict and the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.tasks import ACCURACY, score_of

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
        floor: what the floor does, in a figure.
        value, span, difference, bare, difference_span: numbers as text: a value, an interval of values, a difference
            with its unit, without, and an interval of differences.
    """

    name: str
    unit: str
    floor: str
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
        return ScoreWords("test accuracy", "points", "most common class", *values)
    floor = "last value" if kind == "series" else "mean"
    return ScoreWords("test RMSE", "RMSE", floor, number, number_range, number, number, number_range)


def number(value: float) -> str:
    """Three or four significant digits, and thousands as people read them."""
    return _minus_sign(
        f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 100 else f"{value:.3g}"
    )


def number_range(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}"


def percent(fraction: float) -> str:
    return f"{_minus(fraction * 100)} %"


def percent_range(low: float, high: float) -> str:
    return f"{_minus(low * 100)} to {_minus(high * 100)} %"


def chance(probability: float) -> str:
    """Whole percents; never "0 %" or "100 %", which nothing is."""
    whole = round(probability * 100)
    return "under 1 %" if whole < 1 else "over 99 %" if whole > 99 else f"{whole} %"


def p_value(probability: float) -> str:
    """As it is read aloud after "p": `= 0.03`, `< 0.001`."""
    return "< 0.001" if probability < 0.001 else f"= {probability:.2g}"


def points(difference: float) -> str:
    """A difference of fractions in percentage points."""
    return f"{bare_points(difference)} points"


def bare_points(difference: float) -> str:
    """Without the unit, for a column that names it."""
    return _minus(difference * 100)


def points_range(low: float, high: float) -> str:
    """Without its unit, to stand in brackets after the difference."""
    return f"{_minus(low * 100)} to {_minus(high * 100)}"


def duration(seconds: float) -> str:
    if seconds < 0.1:
        return "under 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def count_of(number: int, noun: str, plural: str | None = None) -> str:
    """`3 seeds`, `1 seed`, `5,200 test examples`; a plural that does not end in s is given."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """a; a and b; a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def level(confidence: float) -> str:
    return f"{confidence * 100:g} %"


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


def _minus(number: float) -> str:
    text = f"{number:.1f}"
    return _minus_sign("0.0" if text == "-0.0" else text)


def _minus_sign(text: str) -> str:
    """In exponents too."""
    return text.replace("-", "−")
