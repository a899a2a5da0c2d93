"""Numbers as people read them: in the verdict, the report, messages and figures."""

from __future__ import annotations

from collections.abc import Sequence

DIGITS = 6  # that a number in our files has: enough for every reader, and the same text on every machine


def significant(value: float, digits: int = DIGITS) -> float:
    """A number rounded to so many significant digits."""
    return float(f"{value:.{digits}g}")


def number(value: float) -> str:
    """Three or four significant digits, and thousands as people read them."""
    return _minus_sign(
        f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 100 else f"{value:.3g}"
    )


def plain_number(value: float) -> str:
    """Six significant digits, and of large numbers all before the point, as other programs read them."""
    text = f"{value:.{DIGITS}g}"
    return f"{value:.0f}" if "e+" in text else text


def three_decimals(value: float) -> str:
    """A measured value among others of its kind; where decimals would show nothing, or far too much, its digits."""
    return f"{value:.3f}" if value == 0 or 0.001 <= abs(value) < 1000 else number(value)


def three_decimals_range(low: float, high: float) -> str:
    return f"{three_decimals(low)} to {three_decimals(high)}"


def number_range(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}"


def percent(fraction: float) -> str:
    return f"{_tenths(fraction * 100)} %"


def percent_range(low: float, high: float) -> str:
    return f"{_tenths(low * 100)} to {_tenths(high * 100)} %"


def percent_tick(fraction: float) -> str:
    """As the axis of a figure has it: decimals only where its steps have some, since rounded ones would repeat."""
    return f"{_as_short_as_it_is(fraction * 100)} %"


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
    return _tenths(difference * 100)


def whole_points(difference: float) -> str:
    """Without the unit and without decimals."""
    return _minus_sign(f"{difference * 100:.0f}")


def points_tick(difference: float) -> str:
    """Without the unit, as the axis of a figure has it."""
    return _as_short_as_it_is(difference * 100)


def points_range(low: float, high: float) -> str:
    """Without its unit, to stand in brackets after the difference."""
    return f"{_tenths(low * 100)} to {_tenths(high * 100)}"


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


def _tenths(number: float) -> str:
    text = f"{number:.1f}"
    return _minus_sign("0.0" if text == "-0.0" else text)


def _as_short_as_it_is(value: float) -> str:
    return _minus_sign(f"{round(value, 6) + 0.0:g}")


def _minus_sign(text: str) -> str:
    """The typographic sign; in exponents too."""
    return text.replace("-", "−")
