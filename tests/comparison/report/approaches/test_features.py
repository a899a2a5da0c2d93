"""What features give a classical model: who is compared with whom, by how much, and how the page says it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.comparison.report.approaches.features import Gain, feature_gains
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.page import render
from pipeline.comparison.tables.measurements import Measured, read_measurements
from pipeline.comparison.verdict.verdict import decide
from pipeline.ground.files import read_json, write_json
from pipeline.params.compare import Compare
from pipeline.params.training.candidates import Candidate
from pipeline.trials import results_folder

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=300)
ROWS = {
    "logistic_pixels": ("pixels", "LogisticRegression", 0.30),
    "forest_pixels": ("pixels", "RandomForestClassifier", 0.45),
    "logistic_hog": ("hog_colour", "LogisticRegression", 0.55),
    "svm_hog": ("hog_colour", "SVC", 0.60),
    "logistic-vgg16": ("pooled", "LogisticRegression", 0.85),
}
QUESTIONS = [
    "Engineered features against raw pixels",
    "A frozen backbone's features against raw pixels",
    "A frozen backbone's features against engineered ones",
    "On a frozen backbone: a classical model against a trained head",
]


@pytest.fixture
def material(workplace: Path, simulation: SimpleNamespace) -> Material:
    """Five classical candidates with the rows that they were trained by, and two fine-tuned ones."""
    truths = [
        simulation.Truth(
            Candidate("classical", model, backbone=model.partition("-")[2] or None), accuracy, 0.9, 5.0, 1000
        )
        for model, (_, _, accuracy) in ROWS.items()
    ]
    fine = {"finetune-vgg16-feature_extractor", "finetune-vgg16-full", "finetune-resnet50-feature_extractor"}
    truths += [truth for truth in simulation.default_truths() if truth.candidate.name in fine]
    candidates = simulation.write(truths, seeds=(0, 1), test=400, development=200)
    for model, (features, estimator, _) in ROWS.items():
        path = results_folder(f"classical-{model}") / "trial.json"
        trial = read_json(path)
        trial["parameters"]["model"] = {"features": features, "estimator": estimator}
        write_json(path, trial)
    measured = read_measurements(candidates)
    facts = simulation.facts_of(measured, SETTINGS)
    return Material(measured, facts, decide(facts), SETTINGS, {})


def named(gains: list[Gain]) -> dict[tuple[str, str, str], Gain]:
    return {(one.question, one.with_it["candidate"], one.without["candidate"]): one for one in gains}


def test_each_is_set_against_the_same_estimator_on_plainer_features_else_against_the_best(material: Material) -> None:
    gains = named(feature_gains(material.measured, material.facts))
    assert {key: one.same_estimator for key, one in gains.items()} == {
        (QUESTIONS[0], "classical-svm_hog", "classical-forest_pixels"): False,
        (QUESTIONS[0], "classical-logistic_hog", "classical-logistic_pixels"): True,
        (QUESTIONS[1], "classical-logistic-vgg16", "classical-logistic_pixels"): True,
        (QUESTIONS[2], "classical-logistic-vgg16", "classical-logistic_hog"): True,
        (QUESTIONS[3], "classical-logistic-vgg16", "finetune-vgg16-feature_extractor"): True,
    }


def test_a_gain_is_the_paired_difference_of_the_comparison(material: Material) -> None:
    rows = material.facts.rows
    for one in feature_gains(material.measured, material.facts):
        first, second = one.with_it["candidate"], one.without["candidate"]
        assert one.difference == pytest.approx(rows[first]["test_accuracy"] - rows[second]["test_accuracy"], abs=1e-5)
        assert one.low < one.difference < one.high


def test_a_large_gain_is_better_whichever_of_the_two_ranks_first(material: Material) -> None:
    gains = named(feature_gains(material.measured, material.facts))
    assert gains[QUESTIONS[1], "classical-logistic-vgg16", "classical-logistic_pixels"].relation == "better"
    facts = material.facts
    measured = {one.name: one for one in material.measured}
    worse = swapped_features(measured["classical-logistic-vgg16"], measured["classical-logistic_pixels"])
    (gain,) = [one for one in feature_gains(worse, facts) if one.question == QUESTIONS[1]]
    assert gain.relation == "worse" and gain.difference < 0


def swapped_features(one: Measured, other: Measured) -> list[Measured]:
    """The two candidates, each said to have learned from the other's features."""
    first, second = one.trial.parameters["model"], other.trial.parameters["model"]
    first["features"], second["features"] = second["features"], first["features"]
    return [one, other]


def test_the_page_has_a_section_of_it(material: Material) -> None:
    page = render(material)
    section = page[page.index('<section id="features">') :].partition("</section>")[0]
    assert all(question.replace("'", "&#39;") in section for question in QUESTIONS)
    assert section.count('<td class="name">') == 5
    assert "another estimator" in section and '<a href="#features">' in page


def test_without_classical_candidates_nothing_is_gained(material: Material) -> None:
    networks = [one for one in material.measured if one.candidate.family == "finetune"]
    assert feature_gains(networks, material.facts) == []
