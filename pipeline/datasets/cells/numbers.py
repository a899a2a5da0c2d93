"""Numbers as people write them: signs, decimal and thousands separators, currencies, percent.

A format belongs to a whole column, never to a cell: `1.037` is a thousand in one column and about one in another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)  # as programs write numbers
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
LETTER = re.compile(r"\d+[eE]\d+", re.ASCII)  # 1E2: programs write exponents with a sign or a point, codes do not
MOST_DIGITS = 15  # what a float64 holds of any whole number
DIALLED = 10  # digits behind a plus: a telephone number
# Currencies that go by several names, each under the first.
_SAME = {"TL": "₺", "TRY": "₺", "EUR": "€", "GBP": "£", "INR": "₹", "UAH": "₴", "ILS": "₪", "VND": "₫", "PLN": "zł"}
_CURRENCIES = (
    "AED AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KRW MAD MXN MYR NGN NOK NZD "
    "PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR kr Kč zł Ft lei TL Fr. CHF. US$ A$ C$ R$"
)

_CODES = "|".join(sorted(map(re.escape, _CURRENCIES.split()), key=len, reverse=True))
_SYMBOLS = "$¢£¤¥֏؋৲৳฿₠-⃀﷼﹩＄￠￡￥￦"
_UNIT = rf"(?:{_CODES}|[{_SYMBOLS}])"
_BODY = r"(?:\d[\d.,' ]*|[.,]\d+)"
_FIGURE = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<before>{_UNIT}|%)?\s*(?P<inner>[+-])?\s*(?P<body>{_BODY})"
    rf"(?P<exponent>[eE][+-]?\d+)?(?P<trailing>-)?\s*(?P<after>{_UNIT}|%)?\s*(?P<close>\))?",
    re.ASCII,
)
# Signs, apostrophes and blanks that look alike, as one of each: typographic minus, no-break and thin blanks.
_ALIKE = str.maketrans(
    {"−": "-", "–": "-", "‐": "-", "‑": "-", "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "٪": "%", "％": "%"}
    | dict.fromkeys("\u00a0\u202f\u2007\u2009\u2008\u200a\u3000", " ")
)


@dataclass(frozen=True)
class NumberFormat:
    """
    Attributes:
        decimal: what stands before the decimals, "." or ",".
        thousands: what stands between thousands, ".", ",", " ", "'"; empty where nothing does.
    """

    decimal: str = "."
    thousands: str = ""


PLAIN_FORMAT = NumberFormat()
# Simpler ones first: of formats that read a column alike, the first is taken.
FORMATS = (
    NumberFormat("."),
    NumberFormat(".", ","),
    NumberFormat(".", " "),
    NumberFormat(".", "'"),
    NumberFormat(","),
    NumberFormat(",", "."),
    NumberFormat(",", " "),
    NumberFormat(",", "'"),
)


@dataclass(frozen=True)
class Figure:
    """A cell that may be a number, taken apart.

    Attributes:
        sign: +1 or -1.
        body: digits and separators.
        exponent: such as "e-3"; empty where there is none.
        unit: a currency or "%"; empty where there is none.
    """

    sign: int
    body: str
    exponent: str
    unit: str


def take_apart(text: str) -> Figure | None:
    """None for what cannot be a number in any format.

    Understood beside digits: a sign before or behind, parentheses for what is negative, a currency, percent.
    """
    match = _FIGURE.fullmatch(text.translate(_ALIKE))
    if match is None or (match["open"] is None) != (match["close"] is None):
        return None
    signs = [sign for sign in (match["sign"], match["inner"], match["trailing"], match["open"]) if sign]
    units = [unit for unit in (match["before"], match["after"]) if unit]
    if len(signs) > 1 or len(units) > 1:
        return None
    return Figure(
        -1 if signs and signs[0] != "+" else 1,
        match["body"].strip(" "),
        match["exponent"] or "",
        unicodedata.normalize("NFKC", units[0]) if units else "",
    )


def fits(body: str, format: NumberFormat) -> bool:
    """Whether digits and separators are a number in this format: in threes before the decimals, or not parted at all.

    Commas may also part thousands as India does: 12,34,567.
    """
    return _pattern(format).fullmatch(body) is not None


def parse_figure(figure: Figure, format: NumberFormat) -> float | None:
    """The number; None where it does not fit the format, or is too large for a float."""
    if not fits(figure.body, format):
        return None
    if figure.exponent and format.thousands and format.thousands in figure.body:
        return None  # whoever writes exponents parts no thousands: 1,234e-05
    plain = figure.body.replace(format.thousands, "") if format.thousands else figure.body
    number = figure.sign * float(plain.replace(format.decimal, ".") + figure.exponent)
    return number if abs(number) != float("inf") else None


def parse_number(text: str, format: NumberFormat) -> float | None:
    """A cell as a number in this format; None where it is none."""
    if format.decimal == "." and PLAIN.fullmatch(text):
        number = float(text)
        return number if abs(number) != float("inf") else None
    figure = take_apart(text)
    return None if figure is None else parse_figure(figure, format)


def parse_in_any_format(text: str) -> float | None:
    """A cell as a number where all formats that can read it read the same: 32,78 but not 1,614."""
    figure = take_apart(text)
    readings = {parse_figure(figure, format) for format in FORMATS} - {None} if figure else set()
    return readings.pop() if len(readings) == 1 else None


def is_code(text: str) -> bool:
    """Whether digits name something rather than count it.

    With leading zeros, with more of them than a float can tell apart, behind a plus as telephone numbers have it, or
    with a bare E among them.
    """
    if not WHOLE.fullmatch(text):
        return LETTER.fullmatch(text) is not None
    digits = text.lstrip("+-")
    dialled = text[0] == "+" and len(digits) >= DIALLED
    return (len(digits) > 1 and digits[0] == "0") or len(digits) > MOST_DIGITS or dialled


def may_be_code(text: str) -> bool:
    """Whether a number may stand beside codes as one of them: digits alone, or with a bare E."""
    return WHOLE.fullmatch(text) is not None or LETTER.fullmatch(text) is not None


def same_units(units: Iterable[str]) -> set[str]:
    """Each currency once, whatever it is called: TL and ₺ are one."""
    return {_SAME.get(unit, unit) for unit in units}


_PATTERNS: dict[NumberFormat, re.Pattern[str]] = {}


def _pattern(format: NumberFormat) -> re.Pattern[str]:
    if format not in _PATTERNS:
        whole = r"\d+"
        if format.thousands:
            parted = re.escape(format.thousands)
            whole = rf"(?:\d+|[1-9]\d{{0,2}}(?:{parted}\d{{3}})+)"
            if format.thousands == ",":
                whole = rf"(?:{whole}|[1-9]\d?(?:,\d\d)+,\d{{3}})"
        point = re.escape(format.decimal)
        _PATTERNS[format] = re.compile(rf"{whole}(?:{point}\d*)?|{point}\d+", re.ASCII)
    return _PATTERNS[format]
