"""What other scores advise, by the same rule and on the same examples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.comparison import compare_candidates
from pipeline.comparison.tables.costs import Work, measure_work
from pipeline.comparison.tables.design import read_design
from pipeline.comparison.tables.measurements import read_measurements
from pipeline.comparison.tables.studies.other_scores import advise_by_scores
from pipeline.comparison.verdict.facts import know_candidates, state_facts
from pipeline.comparison.verdict.overturning import describe_other_scores
from pipeline.comparison.verdict.recommendation import choose
from pipeline.ground.files import read_json
from pipeline.params.compare import Compare
from pipeline.scores.classes import BALANCED_ACCURACY
from pipeline.scores.probabilities import BRIER
from pipeline.scores.score import Answers, Floats
from pipeline.scores.score_for_task import score_of, scores_for

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=300, costs={"*": {"*": 1.0}})


@pytest.fixture
def written(simulation: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.chdir(tmp_path)
    names = ("svm_hog", "majority", "full")
    truths = [one for one in simulation.default_truths() if one.candidate.name.endswith(names)]
    candidates = simulation.write(truths, test=300, development=200)
    measured = read_measurements(candidates, ("train", "val", "test"))
    return SimpleNamespace(measured=measured, dataset=read_json(Path("data/prepared/dataset.json")))


def test_the_score_itself_gives_the_advice_of_the_verdict_and_the_error_rate_that_of_accuracy(
    written: SimpleNamespace,
) -> None:
    measured, dataset = written.measured, written.dataset
    design, works = read_design(measured, "images"), measure_work(measured, dataset)
    scores = scores_for("multiclass", SETTINGS, dataset["class_names"])
    found = advise_by_scores(measured, design, scores, [works[one.name] for one in measured], SETTINGS)
    by_name = {one.score.name: one for one in found}
    assert set(by_name) == {score.name for score in scores}
    outcomes = align(measured, design.groups, design.order)
    facts = state_facts(
        comparison=compare_candidates(measured, outcomes, SETTINGS),
        known=know_candidates(measured, outcomes, dataset),
        dataset=dataset,
        seeds=3,
        settings=SETTINGS,
        others=[one for one in found if one.score.name != "accuracy"],
    )
    choice = choose(facts)
    assert by_name["accuracy"].candidate == choice.recommended
    assert by_name["accuracy"].value == pytest.approx(facts.rows[choice.recommended]["test_accuracy"], abs=1e-5)
    assert by_name["cost"].winner == by_name["accuracy"].winner
    described = describe_other_scores(facts, choice)
    assert described is not None
    changed = {one["score"] for one in described["scores"] if one["changes_the_advice"]}
    assert changed == {one.score.name for one in facts.others if one.candidate != choice.recommended}
    assert described["sentence"].startswith("By ") and str(choice.recommended) in described["sentence"]


@pytest.mark.parametrize("cheap", [0, 1])
def test_of_candidates_that_score_the_same_the_cheaper_is_advised_as_in_the_verdict(
    written: SimpleNamespace, cheap: int
) -> None:
    one, other = (next(m for m in written.measured if m.name.endswith(name)) for name in ("svm_hog", "resnet50-full"))
    twins = [one, replace(other, predictions=one.predictions, probabilities=one.probabilities)]
    work = [Work(1.0, 1.0) if place == cheap else Work(1e6, 1e6) for place in (0, 1)]
    settings = SETTINGS.model_copy(update={"prefer": "accuracy"})
    found = advise_by_scores(twins, read_design(twins, "images"), [BALANCED_ACCURACY, BRIER], work, settings)
    assert [advice.candidate for advice in found] == [twins[cheap].name] * 2


def test_of_development_examples_nothing_is_computed(written: SimpleNamespace) -> None:
    asked: list[int] = []

    def contribute(answers: Answers) -> Floats:
        asked.append(len(answers.labels))
        return BRIER.contribute(answers)

    measured, spied = written.measured, replace(BRIER, contribute=contribute)
    works = measure_work(measured, written.dataset)
    design, work = read_design(measured, "images"), [works[one.name] for one in measured]
    advised = advise_by_scores(measured, design, [spied, BRIER], work, SETTINGS)
    assert advised[0].value == advised[1].value and set(asked) == {300}, "test examples alone"


def test_a_comparison_by_another_score_is_in_its_units_with_accuracy_beside_it(written: SimpleNamespace) -> None:
    settings = SETTINGS.model_copy(update={"score": "log_loss"})
    score = score_of("multiclass", settings, written.dataset["class_names"])
    comparison = compare_candidates(written.measured, align(written.measured, score=score), settings)
    table = comparison.ranking
    assert list(table.columns)[5] == "test_log_loss" and list(table.columns)[-1] == "test_accuracy"
    assert table["test_log_loss"].is_monotonic_increasing, "less is better"
    assert (table["low"] <= table["test_log_loss"]).all() and (table["test_log_loss"] <= table["high"]).all()
    usual = compare_candidates(written.measured, align(written.measured), SETTINGS).ranking.set_index("candidate")
    assert usual["test_accuracy"].reindex(table["candidate"]).tolist() == table["test_accuracy"].tolist()
    assert comparison.floor.score > 1 and comparison.floor.label == -1
    assert "test_log_loss" in comparison.techniques and "test_log_loss" in comparison.paradigms


def test_probabilities_that_are_not_there_are_asked_for_by_name(written: SimpleNamespace) -> None:
    candidates = [one.candidate for one in written.measured]
    brier = score_of("multiclass", SETTINGS.model_copy(update={"score": "brier"}))
    with pytest.raises(ValueError, match=r"holds no probabilities, which compare.score asks for; run `dvc repro"):
        align(read_measurements(candidates), score=brier)
