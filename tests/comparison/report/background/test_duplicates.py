"""The report tells which repeated pictures there were, and nothing where nobody looked for them."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.report.background.duplicates import KINDS, describe_repeats
from pipeline.datasets.photos import leakage


def repeats(policy: str = "drop", **counts: int) -> dict[str, Any]:
    return {"policy": policy, **dict.fromkeys(KINDS, 0), **counts}


def test_kinds_that_were_found_are_rows() -> None:
    near = repeats("keep", in_test=3) | {"pairs_proposed": 900, "pairs_confirmed": 3}
    told = describe_repeats({"repeats": {"exact": repeats(within_split=7), "near": near}})
    assert told == {
        "rows": [
            {"kind": "a second copy within a split", "exact": 7, "near": 0},
            {"kind": "outside test, and in test too", "exact": 0, "near": 3},
        ],
        "exact_policy": "left out",
        "near_policy": "kept",
        "proposed": 900,
        "confirmed": 3,
    }


def test_a_data_set_without_that_search_has_no_such_part() -> None:
    assert describe_repeats({"task": "regression"}) is None


def test_every_kind_that_prepare_counts_has_words() -> None:
    assert set(KINDS) == set(leakage.KINDS.values())
