"""The text of a cell, and which texts name the same thing."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

TURKISH = str.maketrans({"I": "ı", "İ": "i"})
TRUTH = {"true": "True", "false": "False"}


def clean_text(text: str) -> str:
    """Without blanks around it, its letters composed: macOS takes ç apart, others do not."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def spelled_alike(names: Iterable[str]) -> list[list[str]]:
    """Groups of two or more names that differ in case, in blanks or in how a whole number is written: `3` and `3.0`.

    Case is that of English or of Turkish, in which I is the capital of ı, and İ that of i.
    """
    groups: dict[tuple[bool, str], set[str]] = defaultdict(set)
    for name in set(names):
        for turkish in (False, True):
            groups[turkish, _essence(name, turkish)].add(name)
    several = {frozenset(group) for group in groups.values() if len(group) > 1}
    return sorted(sorted(group) for group in several if not any(group < other for other in several))


def _essence(name: str, turkish: bool) -> str:
    """What is left of a name when spelling is taken away."""
    composed = unicodedata.normalize("NFKC", name)
    text = " ".join((composed.translate(TURKISH) if turkish else composed).casefold().split())
    whole, point, decimals = text.partition(".")
    return whole if point and whole.lstrip("+-").isdigit() and not decimals.strip("0") else text
