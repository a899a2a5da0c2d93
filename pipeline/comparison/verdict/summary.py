"""The comparison in one line of numbers, which `dvc metrics show`, `dvc metrics diff` and `dvc exp show` display.

These views make a column of every key, so this file has few. All that was measured on a candidate stands in its own
metrics.json, which is an out and no DVC metric: a table of those is thousands of characters wide.
"""

from __future__ import annotations

from typing import Any

from pipeline.comparison.verdict.facts import Facts
from pipeline.formats import significant

DIGITS = 4  # that count, so that all columns fit a terminal


def summarise(facts: Facts, verdict: dict[str, Any]) -> dict[str, Any]:
    """The content of summary.json.

    Args:
        verdict: the content of verdict.json.

    Returns:
        The advised candidate, its score under the name that ranking.csv has for it, the interval that holds after
        picking it, its expected regret, the winner, and how many competed. Without advice its numbers are None.
    """
    advised = verdict["recommended"]
    low, high = verdict["interval"] or (None, None)
    return {
        "recommended": advised,
        facts.column: _short(facts.rows[advised][facts.column] if advised else None),
        "low": _short(low),
        "high": _short(high),
        "expected_regret": _short(verdict["expected_regret"]),
        "winner": verdict["winner"],
        "candidates": len(facts.rows),
    }


def _short(number: float | None) -> float | None:
    return None if number is None else significant(number, DIGITS)
