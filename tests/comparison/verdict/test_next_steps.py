"""What to try next follows from the verdict and from how one candidate did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.comparison.report.answer.why import as_yaml
from pipeline.comparison.tables.measurements import Measured, read_measurements
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.next_steps import next_steps
from pipeline.configuration.loading import load_params
from pipeline.operations.study import merge
from pipeline.params.compare import Compare
from pipeline.params.schema.reading import read_yaml
from pipeline.params.training.candidates import Candidate

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=300)
SETTLED: dict[str, Any] = {
    "provisional": False,
    "recommended": "finetune-resnet50-full",
    "shift": None,
    "what_would_change_it": {"rival": None, "seeds": None, "examples": None, "both": None, "out_of_reach": None},
    "more_data": {"more_labels": {"number": 0, "at_least": False}},
}


@pytest.fixture
def known(workplace: Path, simulation: SimpleNamespace) -> tuple[Facts, Measured]:
    """Of two candidates, the fine-tuned one: it overfits, and its validation loss turned before the end."""
    truths = [truth for truth in simulation.default_truths() if truth.candidate.name == "finetune-resnet50-full"]
    majority = [truth for truth in simulation.default_truths() if truth.candidate.name == "classical-majority"]
    measured = read_measurements(simulation.write([*majority, *truths], test=200, development=200))
    facts = simulation.facts_of(measured, SETTINGS)
    last = measured[1].history.groupby("seed")["epoch"].transform("max")
    turned = measured[1].history.assign(val_loss=1.0 - 0.1 * (measured[1].history["epoch"] == last - 1))
    return facts, replace(measured[1], history=turned)


def sentences(*given: Any) -> list[str]:
    return [step.sentence for step in next_steps(*given)]


def test_a_network_that_overfits_is_to_be_regularised_by_what_was_off(known: tuple[Facts, Measured]) -> None:
    facts, subject = known
    (step,) = sentences(facts, SETTLED, subject)
    assert step == ("finetune-resnet50-full overfits: try `training.augmentation` or `training.label_smoothing`.")
    training = {"augmentation": {"views": 4}, "label_smoothing": 0.0}
    smoothed = replace(subject, trial=replace(subject.trial, parameters={"training": training}))
    assert sentences(facts, SETTLED, smoothed) == ["finetune-resnet50-full overfits: try `training.label_smoothing`."]


def test_a_validation_loss_that_still_falls_asks_for_more_epochs(known: tuple[Facts, Measured]) -> None:
    facts, subject = known
    falling = subject.history.assign(val_loss=-subject.history["epoch"])
    steps = sentences(facts, SETTLED, replace(subject, history=falling))
    assert any("still fell in its last epoch with 3 of 3 seeds" in step for step in steps)


def test_a_test_split_of_another_kind_is_pointed_out(known: tuple[Facts, Measured]) -> None:
    facts, subject = known
    shifted = facts.rows[subject.name] | {"shift": 0.25, "shift_low": 0.2, "shift_high": 0.3}
    facts = replace(facts, rows=facts.rows | {subject.name: shifted})
    says = "does worse on test than on validation examples by 25.0 points (20.0 to 30.0)"
    assert any(says in step for step in sentences(facts, SETTLED, subject))
    said_of_all = SETTLED | {"shift": "The test examples are of another kind."}
    assert not any("another kind" in step for step in sentences(facts, said_of_all, subject))


def test_a_shift_that_may_be_small_is_not_pointed_out(known: tuple[Facts, Measured]) -> None:
    facts, subject = known
    unsure = facts.rows[subject.name] | {"shift": 0.25, "shift_low": 0.04, "shift_high": 0.46}
    steps = sentences(replace(facts, rows=facts.rows | {subject.name: unsure}), SETTLED, subject)
    assert not any("another kind" in step for step in steps)


def test_a_contender_whose_seeds_differ_far_more_than_usual_asks_for_more_of_them(
    known: tuple[Facts, Measured],
) -> None:
    facts, subject = known
    usual = {name: replace(one, spread=0.01) for name, one in facts.known.items()}
    assert not any("from seed to seed" in step for step in sentences(replace(facts, known=usual), SETTLED, subject))
    assert len(usual) == 2
    third = usual | {"other": usual[subject.name], subject.name: replace(usual[subject.name], spread=0.08)}
    rows = facts.rows | {"other": facts.rows[subject.name] | {"relation_to_best": "worse"}}
    steps = sentences(replace(facts, known=third, rows=rows), SETTLED, subject)
    assert any(
        f"{subject.name} varies by 8.0 points from seed to seed, the usual candidate by 1.0 points" in step
        for step in steps
    )
    averaged = {name: row | {"family": "ensemble"} if name == subject.name else row for name, row in rows.items()}
    steps = sentences(replace(facts, known=third, rows=averaged), SETTLED, subject)
    assert not any("from seed to seed" in step for step in steps), "more seeds make an ensemble another one"
    little = {name: replace(one, spread=one.spread / 10) for name, one in third.items()}
    steps = sentences(replace(facts, known=little, rows=rows), SETTLED, subject)
    assert not any("from seed to seed" in step for step in steps), "less than the margin matters to nobody"


@pytest.mark.parametrize(
    ("seeds", "examples", "says"),
    [
        (5, 900, "run 5 seeds (`seeds`)"),
        (None, 900, "label 239 more test examples"),
        (None, None, "run 7 seeds (`seeds`) and label 1,339 more test examples"),
    ],
)
def test_what_is_undecided_is_settled_by_seeds_before_examples(
    known: tuple[Facts, Measured], seeds: int | None, examples: int | None, says: str
) -> None:
    facts = replace(known[0], examples=661)
    both = {"seeds": 7, "examples": 2000}
    change = {"rival": "classical-svm_hog", "seeds": seeds, "examples": examples, "both": both, "out_of_reach": False}
    steps = sentences(facts, SETTLED | {"provisional": True, "what_would_change_it": change}, known[1])
    assert f"To tell finetune-resnet50-full and classical-svm_hog apart, {says}" in steps[0]


def test_two_that_are_told_apart_already_are_not_to_be_told_apart(known: tuple[Facts, Measured]) -> None:
    """The one that is ahead is dearer; its lead is within what the advice may cost."""
    change = {"rival": "classical-svm_hog", "seeds": 5, "examples": 900, "both": None, "out_of_reach": False}
    verdict = SETTLED | {"provisional": True, "what_would_change_it": change}
    for relation, difference, told in (("better", 0.015, False), ("equivalent", 0.001, True), ("better", -0.015, True)):
        pair = {("classical-svm_hog", "finetune-resnet50-full"): {"relation": relation, "difference": difference}}
        steps = sentences(replace(known[0], pairs=pair), verdict, known[1])
        assert any("apart" in step for step in steps) is told, relation


def test_seeds_that_there_are_stay_among_those_that_are_to_be_run(known: tuple[Facts, Measured]) -> None:
    facts, subject = known
    change = {"rival": "classical-svm_hog", "seeds": 5, "examples": None, "both": None, "out_of_reach": False}
    verdict = SETTLED | {"provisional": True, "what_would_change_it": change}
    trial = replace(subject.trial, seeds=[{"seed": seed} for seed in (12, 1, 10)])
    (step, *_) = next_steps(facts, verdict, replace(subject, trial=trial))
    assert step.change == {"seeds": [1, 10, 12, 0, 2]}


def test_the_floor_is_not_asked_whether_more_labels_would_help(known: tuple[Facts, Measured]) -> None:
    facts, subject = known
    floor = replace(subject, candidate=Candidate("classical", "majority", None, None))
    assert facts.comparison.floor.candidate == floor.name
    assert not any("more labels would help" in step for step in sentences(facts, SETTLED | {"more_data": None}, floor))


def test_what_cannot_be_settled_with_ten_times_as_much_is_left_open(known: tuple[Facts, Measured]) -> None:
    change = {"rival": "classical-svm_hog", "seeds": None, "examples": None, "both": {"seeds": 900, "examples": 9000}}
    verdict = SETTLED | {"provisional": True, "what_would_change_it": change | {"out_of_reach": True}}
    assert sentences(*known[:1], verdict, known[1])[0].startswith(
        "Leave it open which of finetune-resnet50-full and classical-svm_hog is better"
    )


def test_one_seed_is_to_become_three(known: tuple[Facts, Measured]) -> None:
    assert sentences(replace(known[0], seeds=1), SETTLED, known[1])[0].startswith("Name three seeds or more")


def test_more_labels_are_asked_for_as_far_as_the_study_goes(known: tuple[Facts, Measured]) -> None:
    facts, subject = known
    assert (
        "name finetune-resnet50-full in `study.candidates`"
        in sentences(facts, SETTLED | {"more_data": None}, subject)[-1]
    )
    worth = {"more_labels": {"number": 2200, "at_least": True}}
    assert "Label at least 2,200 more examples" in sentences(facts, SETTLED | {"more_data": worth}, subject)[-1]


def test_a_classical_model_is_not_told_to_train_longer(known: tuple[Facts, Measured]) -> None:
    facts, subject = known
    once = subject.history.groupby("seed").head(1)
    assert isinstance(once, pd.DataFrame)
    assert not any("epoch" in step for step in sentences(facts, SETTLED, replace(subject, history=once)))


def test_what_a_step_changes_can_be_laid_over_params_yaml(
    known: tuple[Facts, Measured], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facts, subject = known
    falling = subject.history.assign(val_loss=-subject.history["epoch"].astype(float))
    strategy = {"phases": [{"train": "all", "epochs": 4, "learning_rate": 1e-4, "schedule": "cosine"}]}
    trial = replace(subject.trial, parameters=subject.trial.parameters | {"strategy": strategy})
    subject = replace(subject, history=falling, trial=trial)
    steps = next_steps(replace(facts, seeds=1), SETTLED | {"more_data": None}, subject)
    changes = [step.change for step in steps if step.change]
    assert [list(change) for change in changes] == [["seeds"], ["strategies"], ["training"], ["study"]]
    monkeypatch.chdir(tmp_path)
    yaml = YAML(typ="safe", pure=True)
    for change in changes:
        with Path("params.yaml").open("w", encoding="utf-8") as stream:
            yaml.dump(merge(read_yaml(ROOT / "params.yaml"), yaml.load(as_yaml(change))), stream)
        params = load_params()
        if "strategies" in change:
            assert params.strategies["full"].phases[-1].epochs == 8
