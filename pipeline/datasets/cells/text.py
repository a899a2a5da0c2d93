"""The text of a cell, and which texts name the same thing."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

TRUTH = {"true": "True", "false": "False"}


def clean_text(text: str) -> str:
    """Without blanks around it, its letters composed: macOS takes ç apart, others do not."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def spelled_alike(names: Iterable[str]) -> list[list[str]]:
    """Groups of two or more names that differ in case, in blanks or in how a whole number is written: `3` and `3.0`."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_essence(name)].append(name)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def _essence(name: str) -> str:
    """What is left of a name when spelling is taken away."""
    text = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    whole, point, decimals = text.partition(".")
    return whole if point and whole.lstrip("+-").isdigit() and not decimals.strip("0") else text
