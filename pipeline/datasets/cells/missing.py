"""The words that people write where a value is missing."""

from __future__ import annotations

from collections.abc import Sequence

USUAL = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "-", "?", "#N/A", ".")


def missing_words(given: Sequence[str] | None, labels: bool = False) -> frozenset[str]:
    """Which words count as missing.

    Args:
        given: those that the user has named; None where none are.
        labels: of a target, or of labels, where a word such as None may be a class: then only what the user names.
    """
    if given is not None:
        return frozenset(word.strip() for word in given)
    return frozenset() if labels else frozenset(USUAL)
