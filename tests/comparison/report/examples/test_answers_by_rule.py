"""What the report shows of the advised candidate's mistakes where its score has a threshold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.report.examples import mistakes
from pipeline.comparison.report.examples.answers_by_rule import answers_by_rule, class_scores
from pipeline.comparison.report.material import Material
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.measurements import Measured, read_measurements
from pipeline.comparison.verdict.verdict import decide
from pipeline.ground.files import read_json
from pipeline.params.compare import Compare
from pipeline.params.training.candidates import Candidate
from pipeline.scores.classes import cost_score

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=300)


@pytest.fixture
def measured(small: list[Candidate]) -> list[Measured]:
    return read_measurements(small, ("train", "val", "test"))


def test_the_mistakes_shown_are_those_that_the_ranking_counts(
    measured: list[Measured], simulation: SimpleNamespace
) -> None:
    names = read_json(Path("data/prepared/dataset.json"))["class_names"]
    score = cost_score({names[0]: {"*": 100.0}, "*": {"*": 1.0}}, names)  # to miss the first class is dear
    facts = replace(simulation.facts_of(measured, SETTINGS), score=score)
    verdict = decide(facts) | {"recommended": measured[1].name}
    shown = mistakes.section(Material(measured, facts, verdict, SETTINGS, {}))
    answers = answers_by_rule(measured[1], score)
    matrix = score.costs
    assert matrix is not None
    ranked = align(measured, score=score)
    costs = matrix[answers["label"], answers["predicted"]].mean()
    assert costs == pytest.approx(-ranked.contributions[1].mean() * ranked.unit)
    assert (answers["predicted"] != _most_probable(measured[1], answers)).any(), "the rule says something else"
    assert shown.data["classes"] == class_scores(answers, names) and "need not be" in shown.data["picture"].caption
    assert not shown.data["with_photos"], "these were chosen by the most probable class"


def _most_probable(one: Measured, answers: pd.DataFrame) -> pd.Series[int]:
    rows = one.predictions.query("split == 'test'")
    return answers[["seed", "example"]].merge(rows, on=["seed", "example"], how="left")["predicted"]


def test_scores_by_class_are_those_of_scikit_learn_as_means_over_seeds() -> None:
    from sklearn.metrics import precision_recall_fscore_support

    random = np.random.default_rng(0)
    columns = {"seed": np.repeat([0, 1], 50), "label": np.tile(random.integers(3, size=50), 2)}
    answers = pd.DataFrame(columns | {"split": "test", "predicted": random.integers(2, size=100)})
    expected = np.mean(
        [
            precision_recall_fscore_support(rows["label"], rows["predicted"], labels=[0, 1, 2, 3], zero_division=0)[:3]
            for _, rows in answers.groupby("seed")
        ],
        axis=0,
    )
    found = class_scores(answers, ["a", "b", "c", "never"])
    assert np.array([[one[part] for one in found.values()] for part in ("precision", "recall", "f1")]) == pytest.approx(
        expected
    )
    assert sum(one["test_examples"] for one in found.values()) == 50
