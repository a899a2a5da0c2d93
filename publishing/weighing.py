"""docs/explanation/why-believe-it.md: its table of what an earlier version advised, and of what is advised today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from publishing.markdown import table
from publishing.results import named, price
from publishing.runs import DEFAULT, Run, kept_runs

# What the cheapest was of those that were not shown to be worse than the best, when that was the rule.
EARLIER = {
    "iris": "classical-logistic_table",
    "breast_cancer": "classical-logistic_table",
    "diabetes": "classical-ridge",
    "randhie": "classical-mean",
    "sunspots": "classical-ridge",
    "pneumonia": "classical-logistic_pixels",
    "cat_dog_bird": "classical-logistic_hog",
    DEFAULT: "classical-logistic-resnet50",
}
HEADS = ["study", "earlier advice", "costs on average", "behind on test"]
HEADS += ["advice today", "costs on average", "behind on test"]


def tables() -> dict[str, str]:
    """{what the mark of a place in the page says: the table}."""
    return {", weighing": table(HEADS, [_row(name, run) for name, run in kept_runs().items()])}


def _row(name: str, run: Run) -> list[str]:
    earlier, today = EARLIER[name], run["recommended"]
    measure = "" if run["score"] == "accuracy" else f" ({run['score'].upper()})"
    now = ["the same"] if earlier == today else [named(today)]
    return [f"`{name}`{measure}", f"`{earlier}`", *_cost(run, earlier), *now, *_cost(run, today)]


def _cost(run: Run, candidate: str | None) -> list[str]:
    """Its expected regret with the limit of it, and by how much its test score is behind the best one; nothing where
    nobody is advised."""
    if candidate is None:
        return ["", ""]
    rows: dict[str, Mapping[str, Any]] = {row["candidate"]: row for row in run["ranking"]}
    row, leader = rows[candidate], run["ranking"][0]
    behind = abs(leader["score"] - row["score"])
    told = f"{100 * behind:.1f} points" if run["score"] == "accuracy" else f"{behind:.3g}"
    told = told if behind else "the best"
    return [price(run["score"], row["expected_regret"], row["at_most_behind"]), told]
