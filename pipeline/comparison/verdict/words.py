"""Names and measured values as the words of the verdict and the report."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.formats import duration, percent, percent_range, points, points_range, significant
from pipeline.scores.score import ScoreWords

LEAST = 0.001  # that differs from 0.0 points and from 0.000; plain numbers have digits that count
GROUPS = {  # of the claims: see tables/studies/claim_texts.py
    "classical": "machine learning",
    "scratch": "deep learning from scratch",
    "finetune": "fine-tuned",
}


@dataclass(frozen=True)
class ExampleWords:
    """What an example is called.

    Attributes:
        one: after a number or "per"; several: of many; each: with its article.
    """

    one: str
    several: str
    each: str


PHOTOS = ExampleWords("image", "photos", "an image")
ROWS = ExampleWords("row", "rows", "a row")


def example_words(kind: str) -> ExampleWords:
    """
    Args:
        kind: "images", "table" or "series".
    """
    return PHOTOS if kind == "images" else ROWS


def times(ratio: float) -> str:
    """How many times, as precisely as an estimate deserves: `about 3 times`, `about 40 times`."""
    rounded = significant(ratio, 1) if ratio >= 10 else round(ratio)
    return f"about {rounded:,.0f} times"


def short_name(candidate: str, family: str) -> str:
    """A candidate's name without its family: `svm_hog`, `resnet50 · full`."""
    return candidate.removeprefix(f"{family}-").replace("-", " · ")


def capitalised(text: str) -> str:
    """With a capital first letter; the others stay as they are, which `str.capitalize` would not leave."""
    return text[:1].upper() + text[1:]


def cost_text(words: ScoreWords, value: float) -> str:
    """A cost on average. One that rounds to nothing is still a cost."""
    vanishes = value > 0 and words.bare(value) == words.bare(0.0)
    return f"under {words.difference(LEAST)}" if vanishes else words.difference(value)


def measured_text(unit: str, value: float) -> str:
    """A measured value: seconds, a share, or points (a difference of shares)."""
    return duration(value) if unit == "seconds" else points(value) if unit == "points" else percent(value)


def measured_range(unit: str, low: float, high: float) -> str:
    """The interval of a measured value, in the same unit."""
    if unit == "seconds":
        return f"{duration(low)} to {duration(high)}"
    return points_range(low, high) if unit == "points" else percent_range(low, high)


def difference_text(unit: str, value: float, low: float, high: float) -> str:
    """How much more: points, or of seconds how many times as much."""
    if unit == "seconds":
        return f"{value:.3g} times ({low:.3g} to {high:.3g})"
    return f"{points(value)} ({points_range(low, high)})"
