"""The comparison in one line of numbers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.comparison.tables.measurements import read_measurements
from pipeline.comparison.verdict.summary import summarise
from pipeline.comparison.verdict.verdict import decide
from pipeline.params.compare import Compare


def test_it_has_the_advised_candidate_with_its_score_and_interval(workplace: Path, simulation: SimpleNamespace) -> None:
    candidates = simulation.write(simulation.default_truths()[:3], test=80, development=100)
    settings = Compare(confidence=0.95, margin=0.01, resamples=200)
    facts = simulation.facts_of(read_measurements(candidates), settings)
    verdict = decide(facts)
    summary = summarise(facts, verdict)
    assert list(summary) == [
        "recommended",
        "test_accuracy",
        "low",
        "high",
        "expected_regret",
        "winner",
        "candidates",
    ]
    assert (summary["recommended"], summary["winner"]) == (verdict["recommended"], verdict["winner"])
    row = facts.rows[verdict["recommended"]]
    assert summary["test_accuracy"] == pytest.approx(row["test_accuracy"], abs=1e-4)
    assert [summary["low"], summary["high"]] == pytest.approx(verdict["interval"], abs=1e-4)
    assert summary["candidates"] == 3


def test_without_advice_it_has_no_numbers(workplace: Path, simulation: SimpleNamespace) -> None:
    candidates = simulation.write(simulation.default_truths()[:2], test=80, development=100)
    facts = simulation.facts_of(read_measurements(candidates), Compare(confidence=0.95, margin=0.01, resamples=200))
    without = decide(facts) | {"recommended": None, "interval": None, "expected_regret": None}
    summary = summarise(facts, without)
    assert [summary[key] for key in ("recommended", "test_accuracy", "low", "high", "expected_regret")] == [None] * 5
    assert summary["winner"] == without["winner"]
