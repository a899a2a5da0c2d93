"""The notes' table: claims are judged by interval, and only those that something was measured for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.statistics.quantities import Quantity
from pipeline.comparison.statistics.variation.seeds import no_spread
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.measurements import Measured, read_measurements
from pipeline.comparison.tables.studies.claim_measurements import Measurement, group_of, measure_claims, measure_cost
from pipeline.comparison.tables.studies.claim_texts import SAYINGS
from pipeline.comparison.tables.studies.claims import Claim, Interval, claims_table, judge, judge_claims, verdict
from pipeline.comparison.tables.studies.properties import measure_properties
from pipeline.ground.files import read_json, write_json
from pipeline.params.compare import Compare
from pipeline.params.training.candidates import Candidate
from pipeline.trials import evaluation_folder

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=400)
SAID = {saying.key: saying for saying in SAYINGS}


def known(means: Sequence[float], spread: float) -> Quantity:
    random = np.random.default_rng(1)
    means = np.array(means)
    draws = means + random.normal(0, spread, (2000, len(means)))
    return Quantity(means, draws, 0.0, no_spread(len(means)))


def judged(key: str, means: Sequence[float], spread: float = 0.01) -> Claim:
    groups = ["classical", "classical", "scratch", "finetune", None]
    claim = judge(SAID[key], Measurement(known(means, spread), groups), 0.95)
    assert claim is not None
    return claim


@pytest.mark.parametrize(
    ("interval", "sign", "word"),
    [
        ((0.02, 0.2), 1, "supported"),
        ((-0.2, -0.02), 1, "contradicted"),
        ((-0.2, -0.02), -1, "supported"),
        ((0.02, 0.2), -1, "contradicted"),
        ((-0.01, 0.2), 1, "cannot tell"),
        ((0.0, 0.2), 1, "cannot tell"),
    ],
)
def test_a_verdict_is_where_the_whole_interval_lies(interval: tuple[float, float], sign: int, word: str) -> None:
    assert verdict(Interval(0.1, *interval), sign) == word


def test_times_are_judged_against_one() -> None:
    assert verdict(Interval(2.0, 1.5, 3.0), 1, neutral=1.0) == "supported"
    assert verdict(Interval(1.1, 0.9, 1.3), 1, neutral=1.0) == "cannot tell"


def test_groups_are_means_of_their_candidates_and_leave_the_others_out() -> None:
    claim = judged("images", [0.4, 0.6, 0.45, 0.9, 0.0])
    assert claim.groups["classical"].value == pytest.approx(0.5)
    assert claim.contrasts["scratch"].difference.value == pytest.approx(-0.05)
    assert claim.contrasts["finetune"].difference.value == pytest.approx(0.4)
    words = {group: one.verdict for group, one in claim.contrasts.items()}
    assert words == {"scratch": "contradicted", "finetune": "supported"}


def test_a_wide_interval_cannot_tell() -> None:
    claim = judged("images", [0.4, 0.6, 0.45, 0.9, 0.0], spread=1.0)
    assert {one.verdict for one in claim.contrasts.values()} == {"cannot tell"}


def test_what_is_said_to_be_less_is_supported_by_less() -> None:
    claim = judged("noise", [0.3, 0.3, 0.1, 0.5, 0.0])
    assert claim.contrasts["scratch"].verdict == "supported"
    assert claim.contrasts["finetune"].verdict == "contradicted"


def test_transfer_is_judged_against_training_from_scratch() -> None:
    claim = judged("transfer", [0.9, 0.9, 0.3, 0.6, 0.0])
    assert set(claim.contrasts) == {"finetune"}
    assert (claim.contrasts["finetune"].against, claim.contrasts["finetune"].verdict) == ("scratch", "supported")


def test_a_claim_about_groups_that_do_not_compete_is_left_out() -> None:
    measurement = Measurement(known([0.4, 0.5], 0.01), ["classical", None])
    assert judge(SAID["images"], measurement, 0.95) is None
    assert judge(SAID["transfer"], Measurement(known([0.4, 0.5], 0.01), ["classical", "finetune"]), 0.95) is None


def claims_of(candidates: list[Candidate]) -> dict[str, Claim]:
    measured = read_measurements(candidates)
    return {claim.key: claim for claim in judged_with(measured, [])}


def judged_with(measured: list[Measured], smallest: list[Measured]) -> list[Claim]:
    properties = measure_properties(measured, SETTINGS)
    measurements = measure_claims(measured, align(measured), properties, smallest, SETTINGS)
    return judge_claims(measured, measurements, SETTINGS.confidence)


def test_only_what_was_measured_is_judged(small: list[Candidate]) -> None:
    """The floor is among the five; cost, accuracy and gap are always there."""
    found = claims_of(small)
    assert list(found) == ["cost", "images", "overfitting", "transfer"]
    table = claims_table(list(found.values()))
    assert len(table) == 4 * 3
    assert set(table["verdict"].dropna()) <= {"supported", "contradicted", "cannot tell"}
    assert table[(table["claim"] == "images") & (table["group"] == "classical")]["verdict"].isna().all()


def test_the_numbers_are_those_of_the_files(small: list[Candidate]) -> None:
    images = claims_of(small)["images"]
    metrics = {one.name: read_json(evaluation_folder(one.name) / "metrics.json") for one in small}
    accuracy = {name: one["mean"]["test_accuracy"] for name, one in metrics.items()}
    finetuned = np.mean([value for name, value in accuracy.items() if name.startswith("finetune")])
    assert images.groups["finetune"].value == pytest.approx(finetuned)
    assert images.groups["classical"].value == pytest.approx(accuracy["classical-svm_hog"])


def test_costs_are_compared_as_ratios(small: list[Candidate]) -> None:
    """svm_hog takes about 22 s, the CNN 95 s, ResNet50 and VGG16 in full 190 s and 380 s."""
    cost = claims_of(small)["cost"]
    assert cost.groups["finetune"].value == pytest.approx(np.sqrt(190 * 380), rel=0.1)
    assert cost.contrasts["scratch"].difference.value == pytest.approx(95 / 22, rel=0.1)
    assert cost.contrasts["scratch"].verdict == cost.contrasts["finetune"].verdict == "supported"


def test_one_seed_leaves_a_quarter_of_the_time_unknown(small: list[Candidate]) -> None:
    measured = read_measurements(small)
    for one in measured:
        del one.cost["seeds"]["1"]
        one.trial.seeds.pop()
    quantity = measure_cost(measured, SETTINGS).quantity
    np.testing.assert_allclose(np.sqrt(quantity.seeds.variance), 0.1)


def test_measures_of_evaluation_become_claims(small: list[Candidate]) -> None:
    for candidate, same in zip(small, (100, 90, 60, 99, 99), strict=True):
        rows = [("shift_4_same", number, float(number < same)) for number in range(100)]
        table = pd.DataFrame(rows, columns=["measure", "example", "value"]).assign(seed=0)
        table["example"] = table["example"].astype(str)
        table.to_parquet(evaluation_folder(candidate.name) / "measures.parquet", index=False)
    position = claims_of(small)["position"]
    assert position.groups["classical"].value == pytest.approx(0.9)
    assert position.contrasts["scratch"].verdict == "contradicted"
    assert position.contrasts["finetune"].difference.value == pytest.approx(0.09)


def test_growth_is_what_all_examples_add_to_the_smallest_share(small: list[Candidate]) -> None:
    """Points of the study that are right on nothing: then everything was gained."""
    measured = read_measurements(small)
    points = [at_share(one, 0.1) for one in measured if not one.is_floor]
    found = judged_with(measured, points)
    growth = next(claim for claim in found if claim.key == "growth")
    images = next(claim for claim in found if claim.key == "images")
    for group, own in growth.groups.items():
        assert own.value == pytest.approx(images.groups[group].value)


def at_share(one: Measured, share: float) -> Measured:
    wrong = one.predictions.assign(predicted=one.predictions["label"] + 1)
    return replace(one, candidate=replace(one.candidate, training_share=share), predictions=wrong)


def test_the_floor_and_classical_models_on_network_features_belong_to_no_group(small: list[Candidate]) -> None:
    measured = {one.name: one for one in read_measurements(small)}
    groups = {name: group_of(one) for name, one in measured.items()}
    assert groups["classical-majority"] is None
    assert groups["classical-svm_hog"] == "classical" and groups["cnn-lecture"] == "scratch"
    svm = measured["classical-svm_hog"]
    probe = replace(svm, candidate=replace(svm.candidate, backbone="resnet50"))
    assert group_of(probe) is None


def test_features_are_compared_under_the_same_kind_of_model(small: list[Candidate]) -> None:
    """svm_hog on engineered features; the floor's file stands in for the same estimator on pixels."""
    assert not {"engineering", "own_features"} & set(claims_of(small)), "nothing tells on which features they are"
    for one, features in zip(small[:2], ("pixels", "hog_colour"), strict=True):
        path = Path("results") / one.name / "trial.json"
        trial = read_json(path)
        trial["parameters"]["model"] = {"features": features, "estimator": "SVC"}
        write_json(path, trial)
    claim = claims_of(small)["engineering"]
    accuracy = [read_json(evaluation_folder(one.name) / "metrics.json")["mean"]["test_accuracy"] for one in small[:2]]
    assert claim.groups["classical"].value == pytest.approx(accuracy[1])
    assert claim.contrasts["classical"].difference.value == pytest.approx(accuracy[1] - accuracy[0])
    assert (claim.contrasts["classical"].verdict, claim.contrasts["classical"].against) == ("supported", "raw pixels")
