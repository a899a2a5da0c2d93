"""The words that people write where a value is missing."""

from __future__ import annotations

from collections.abc import Sequence

USUAL = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "-", "?", "#N/A", ".")

# What pandas, and so MLflow's server, takes for empty in a CSV.
READ_AS_EMPTY = frozenset(
    (
        *("#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
        *("-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    )
)


def missing_words(given: Sequence[str] | None, labels: bool = False) -> frozenset[str]:
    """Which words count as missing.

    Args:
        given: those that the user has named; None where none are.
        labels: of a target, or of labels, where a word such as None may be a class: then only what the user names.
    """
    if given is not None:
        return frozenset(word.strip() for word in given)
    return frozenset() if labels else frozenset(USUAL)
