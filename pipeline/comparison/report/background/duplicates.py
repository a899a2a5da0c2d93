"""What the search for pictures that stand twice found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KINDS = {
    "within_split": "a second copy within a split",
    "in_test": "outside test, and in test too",
    "two_labels": "under two labels",
    "earlier": "came later, and was there before",
    "contradicts_earlier": "came later, under another label than before",
}
POLICIES = {"drop": "left out", "keep": "kept", "fail": "not allowed"}


def describe_repeats(dataset: Mapping[str, Any]) -> dict[str, Any] | None:
    """Rows of how many pictures of each kind, and sentences on how they were found; None where nobody looked.

    Args:
        dataset: dataset.json.
    """
    repeats = dataset.get("repeats")
    if not repeats:
        return None
    exact, near = repeats["exact"], repeats["near"]
    rows = [
        {"kind": words, "exact": exact[kind], "near": near[kind]}
        for kind, words in KINDS.items()
        if exact[kind] or near[kind]
    ]
    return {
        "rows": rows,
        "exact_policy": POLICIES[exact["policy"]],
        "near_policy": POLICIES[near["policy"]],
        "proposed": near["pairs_proposed"],
        "confirmed": near["pairs_confirmed"],
    }
