"""The test stretch of a series in consecutive parts, and what they say of a lead."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.tables.design import SINGLE_EXAMPLES, ExampleDesign
from pipeline.comparison.tables.studies.origins import Parts, score_in_parts
from pipeline.comparison.verdict.shown import describe_parts
from pipeline.scores.score_for_task import score_of


def candidate(name: str, errors: Sequence[float]) -> Any:
    """Forecasts that are off by the errors given, with either of two seeds, written in an order of chance."""
    steps = pd.DataFrame({"example": [f"{1700 + n}" for n in range(len(errors))], "predicted": errors})
    seeds = [steps.assign(seed=seed, split="test", label=0.0) for seed in (0, 1)]
    rows = pd.concat(seeds).sample(frac=1, random_state=0)
    return SimpleNamespace(name=name, predictions=rows, trial=SimpleNamespace(task="regression"))


def design_of(steps: int) -> ExampleDesign:
    names = [f"{1700 + n}" for n in range(steps)]
    order = {name: place for place, name in enumerate(["1600", *names])}  # what is learned from comes before
    return ExampleDesign(order=order, test_examples=tuple(names))


def parts_of(**errors: Sequence[float]) -> Parts:
    steps = len(next(iter(errors.values())))
    parts = score_in_parts([candidate(name, values) for name, values in errors.items()], design_of(steps))
    assert parts is not None
    return parts


def told(parts: Parts | None, winner: str = "ridge") -> dict[str, Any] | None:
    score = score_of("regression")
    rows = dict.fromkeys(parts.scores if parts and parts.scores else ("ridge", "naive"))
    facts: Any = SimpleNamespace(parts=parts, rows=rows, column=score.column)
    return describe_parts(facts, winner)


def sentence(parts: Parts) -> str:
    described = told(parts)
    assert described is not None
    return str(described["sentence"])


def test_each_part_is_scored_by_itself_in_the_order_of_time() -> None:
    parts = parts_of(ridge=[1.0] * 60 + [4.0] * 40, naive=[2.0] * 100)
    assert (parts.steps, parts.lengths) == (100, (20, 20, 20, 20, 20))
    assert parts.ends[0] == ("1700", "1719") and parts.ends[-1] == ("1780", "1799")
    assert parts.scores["ridge"] == pytest.approx((1, 1, 1, 4, 4)) and parts.scores["naive"] == pytest.approx((2,) * 5)
    assert parts.leaders == ("ridge",) * 3 + ("naive",) * 2


def test_there_are_as_many_parts_as_have_twenty_steps() -> None:
    assert {steps: len(parts_of(ridge=[1.0] * steps).lengths) for steps in (39, 40, 65, 500)} == {
        39: 0,
        40: 2,
        65: 3,
        500: 5,
    }
    assert sum(parts_of(ridge=[1.0] * 65).lengths) == 65


def test_photos_have_no_parts() -> None:
    assert score_in_parts([candidate("ridge", [1.0] * 50)], SINGLE_EXAMPLES) is None
    assert told(None) is None


def test_a_short_series_is_said_to_be_short() -> None:
    described = told(parts_of(ridge=[1.0] * 32, naive=[2.0] * 32))
    assert described == {
        "sentence": "The test stretch has 32 steps, too few to tell whether a lead holds over time: two parts of 20 "
        "would take 40.",
        "best_in": None,
        "parts": [],
    }


@pytest.mark.parametrize(
    ("better_until", "says"),
    [
        (100, "ridge is best in 5: its lead holds over time."),
        (80, "ridge is best in 4, naive in the last: its lead holds over most of the time."),
        (40, "ridge is best in 2, naive in the last: its lead does not hold over time, so the test stretch as a whole"),
    ],
)
def test_the_sentence_says_in_how_many_parts_the_winner_is_best(better_until: int, says: str) -> None:
    errors = np.where(np.arange(100) < better_until, 1.0, 3.0)
    where = "Of 5 consecutive parts of the test stretch, 20 steps each, "
    assert sentence(parts_of(ridge=list(errors), naive=[2.0] * 100)).startswith(where + says)


def test_the_verdict_has_the_scores_of_each_part() -> None:
    described = told(parts_of(ridge=[1.0] * 20 + [3.0] * 23, naive=[2.0] * 43))
    assert described is not None and described["best_in"] == 1
    assert described["parts"][1] == {
        "first": "1722",
        "last": "1742",
        "steps": 21,
        "leader": "naive",
        "test_rmse": {"ridge": 3.0, "naive": 2.0},
    }


def test_a_single_candidate_has_nothing_to_be_ahead_of() -> None:
    assert sentence(parts_of(ridge=[1.0] * 45)).endswith("22 to 23 steps each, ridge has nothing to be ahead of.")
