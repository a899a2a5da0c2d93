"""How scores are told: in percent and points, in plain numbers between 0 and 1, or in numbers without a bound."""

from __future__ import annotations

from dataclasses import replace

from pipeline import formats
from pipeline.scores.score import ScoreWords


def decimals(value: float) -> str:
    """Three decimals, for scores that lie between 0 and 1 and are not read as shares."""
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text.replace("-", "\u2212")


def decimals_range(low: float, high: float) -> str:
    return f"{decimals(low)} to {decimals(high)}"


IN_NUMBERS = ScoreWords(
    title="",
    unit="",
    best="lowest",
    attained="",
    attained_on_test="",
    gap="",
    gap_axis="",
    gap_made_of="",
    value=formats.number,
    span=formats.number_range,
    difference=formats.number,
    bare=formats.number,
    difference_span=formats.number_range,
    assumed=formats.number,
    tick=formats.number,
    gap_tick=formats.number,
)
IN_DECIMALS = replace(
    IN_NUMBERS,
    best="highest",
    value=decimals,
    span=decimals_range,
    difference=decimals,
    bare=decimals,
    difference_span=decimals_range,
)
IN_POINTS = replace(
    IN_NUMBERS,
    unit="points",
    best="highest",
    value=formats.percent,
    span=formats.percent_range,
    difference=formats.points,
    bare=formats.bare_points,
    difference_span=formats.points_range,
    assumed=lambda difference: f"{formats.whole_points(difference)} points",
    tick=formats.percent_tick,
    gap_tick=formats.points_tick,
)


def told(title: str, article: str, words: ScoreWords, meaning: str = "") -> ScoreWords:
    """The words of a score that goes by its name.

    Args:
        title: its name.
        article: before the name.
        words: its numbers.
        meaning: what it is, for those who do not know the name; at the end of the sentence that answers.
    """
    more = words.best == "highest"
    first, second = ("training", "test") if more else ("test", "training")
    attained = f"at {article} {title} of {{value}}"
    explained = f"{meaning}, " if meaning else ""
    unit = words.unit or title
    return replace(
        words,
        title=title,
        unit=unit,
        attained=attained,
        attained_on_test=f"{attained} on unseen examples ({explained}{{interval}})",
        gap=f"its {title} is {'higher' if more else 'lower'} on training examples than on unseen ones by {{size}}",
        gap_axis=f"{first} {title} minus {second} {title}" + (f", {words.unit}" if words.unit else ""),
        gap_made_of=f"{first.capitalize()} {title} minus {second} {title} (augmentation off, final weights)",
    )
