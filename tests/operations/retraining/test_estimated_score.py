"""The score that is estimated without labels: it holds where inputs have shifted, and cannot where labels have."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from benchmarks.watched_worlds import ELSEWHERE, SHIFTS, Shift
from benchmarks.watching import judge
from pipeline.operations.retraining.calibrated_probabilities import DRAWS, calibrate, log_probabilities
from pipeline.operations.retraining.drift import Sample
from pipeline.operations.retraining.estimated_score import Unlabelled, estimate_score
from pipeline.scores.classes import ACCURACY, BALANCED_ACCURACY, MACRO_F1
from pipeline.scores.probabilities import AUROC, LOG_LOSS
from pipeline.scores.score import Score

BY_NAME = {shift.name: shift for shift in SHIFTS}


def answers(rng: np.random.Generator, count: int, sureness: float = 1.0, hardness: float = 1.0) -> Sample:
    """Of three classes: labels that follow from probabilities, which are then said with another sureness."""
    logits = 2 * hardness * rng.normal(size=(count, 3))
    chances = softmax(logits, axis=1)
    labels = (rng.random((count, 1)) >= chances.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return Sample(labels, softmax(sureness * logits, axis=1))


def without_labels(sample: Sample) -> Unlabelled:
    return Unlabelled(sample.probabilities.astype(np.float64), sample.predicted, sample.groups)


@pytest.mark.parametrize(
    ("shift", "score", "holds", "seen"),
    [
        ("none", ACCURACY, True, False),
        ("harder inputs", ACCURACY, True, True),
        ("harder inputs", LOG_LOSS, True, True),
        ("labels mean something else", ACCURACY, False, False),
    ],
    ids=["no shift", "covariate shift", "covariate shift by a loss", "concept shift"],
)
def test_planted_shifts_are_estimated_where_labels_still_mean_the_same(
    shift: str, score: Score, holds: bool, seen: bool
) -> None:
    row = judge(BY_NAME[shift], "sure", score, 8)
    if holds:
        assert row["told"] == pytest.approx(row["true"], abs=0.06 if score is ACCURACY else 0.15)
        assert row["coverage"] >= 0.75, "six of eight 95 % intervals hold at least"
    else:
        assert row["true"] < row["told"] - 0.1 and row["coverage"] < 0.25, "what no estimate without labels can see"
    assert (row["worse"] >= 0.5) == seen and (row["worse"] == 0) == (not seen)
    if score is ACCURACY:
        assert row["as_said"] > row["before"] + 0.1 or seen, "the model itself is far too sure"


def test_the_test_examples_themselves_are_estimated_to_have_the_test_score() -> None:
    reference = answers(np.random.default_rng(0), 300, sureness=3)
    estimate = estimate_score(ACCURACY, without_labels(reference), reference, 0.95)
    assert estimate and estimate.before == reference.right / 300
    assert estimate.value == pytest.approx(estimate.before, abs=0.006)
    assert estimate.low < estimate.before < estimate.high and not (estimate.worse or estimate.better)


def test_an_overconfident_model_is_calibrated_by_about_as_much() -> None:
    calibration = calibrate(answers(np.random.default_rng(1), 2_000, sureness=4))
    assert np.exp(calibration.mode[0]) == pytest.approx(1 / 4, abs=0.03)
    assert np.abs(calibration.mode[1:] - calibration.mode[1:].mean()).max() < 0.3


def test_calibrated_probabilities_are_drawn_as_uncertain_as_few_examples_leave_them() -> None:
    few, many = (calibrate(answers(np.random.default_rng(2), count)) for count in (40, 4_000))
    given = without_labels(answers(np.random.default_rng(3), 5)).probabilities
    spreads = [np.concatenate(list(one.draw(given))).std(axis=0).mean() for one in (few, many)]
    assert spreads[0] > 4 * spreads[1]
    assert sum(len(part) for part in few.draw(given)) == DRAWS
    assert log_probabilities(np.array([[0.0, 1.0]]))[0, 0] == pytest.approx(np.log(1e-7))


def test_where_everything_was_right_something_may_still_be_wrong() -> None:
    sure = np.eye(3)[np.arange(60) % 3] * 0.97 + 0.01
    estimate = estimate_score(ACCURACY, Unlabelled(sure, sure.argmax(axis=1)), Sample(np.arange(60) % 3, sure), 0.95)
    assert estimate and estimate.before == 1.0 and 0.9 < estimate.low < estimate.value <= estimate.high == 1.0


def test_examples_that_belong_together_make_the_interval_wider() -> None:
    rng = np.random.default_rng(4)
    reference, new = answers(rng, 300), without_labels(answers(rng, 200))
    bursts = Unlabelled(new.probabilities, new.predicted, np.arange(200) // 10)
    alone, together = (estimate_score(ACCURACY, each, reference, 0.95) for each in (new, bursts))
    assert alone and together
    assert together.high - together.low > 1.3 * (alone.high - alone.low)
    assert len(bursts.one_of_each_group.predicted) == 20


def test_test_examples_that_belong_together_calibrate_as_one() -> None:
    once = answers(np.random.default_rng(8), 60)
    tenfold = Sample(*(np.repeat(part, 10, axis=0) for part in (once.labels, once.probabilities, np.arange(60))))
    one, ten = calibrate(once), calibrate(tenfold)
    np.testing.assert_allclose(ten.mode, one.mode, atol=1e-3)
    np.testing.assert_allclose(ten.spread, one.spread, atol=1e-3)


def test_a_score_of_a_class_that_is_never_expected_is_not_estimated() -> None:
    rng = np.random.default_rng(5)
    probabilities = np.column_stack([np.full(60, 1 - 1e-7), rng.random(60) * 1e-7])
    labels = np.zeros(60, np.int64)
    assert estimate_score(AUROC, Unlabelled(probabilities, labels), Sample(labels, probabilities), 0.95) is None
    both = np.eye(2)[np.arange(60) % 2] * 0.94 + 0.03
    known = Sample(np.arange(60) % 2, both)
    assert estimate_score(AUROC, Unlabelled(probabilities[:12], labels[:12]), known, 0.95) is None
    assert estimate_score(AUROC, Unlabelled(both, both.argmax(axis=1)), known, 0.95) is not None


@pytest.mark.parametrize("score", [BALANCED_ACCURACY, MACRO_F1])
def test_a_mean_over_classes_is_not_called_worse_where_nothing_but_their_shares_has_changed(score: Score) -> None:
    """All new examples look like one class, and are as sure as before."""
    known = answers(np.random.default_rng(9), 600)
    one = known.predicted == 0
    new = Unlabelled(known.probabilities[one].astype(np.float64), known.predicted[one])
    estimate = estimate_score(score, new, known, 0.95)
    assert estimate and estimate.high < estimate.before, "which would be called worse"
    assert not (estimate.comparable or estimate.worse)
    assert estimate.sentence("photo").endswith(
        "these two cannot be compared, since other shares of the classes are expected now, on which this score depends."
    )
    accuracy = estimate_score(ACCURACY, new, known, 0.95)
    assert accuracy and accuracy.comparable


def test_a_mean_over_every_class_is_not_estimated_where_a_rare_one_is_mostly_absent() -> None:
    known = answers(np.random.default_rng(10), 300)
    rare = np.flatnonzero(known.probabilities[:, 2] < 0.002)[:30]
    new = Unlabelled(known.probabilities[rare].astype(np.float64), known.predicted[rare])
    assert estimate_score(AUROC, new, known, 0.95) is None


@pytest.mark.parametrize("given", [1.0, 1 - 1e-9])
def test_probabilities_of_one_and_a_class_without_test_examples_have_an_estimate(given: float) -> None:
    sure = np.eye(3)[np.arange(60) % 2] * given
    estimate = estimate_score(ACCURACY, Unlabelled(sure, sure.argmax(axis=1)), Sample(np.arange(60) % 2, sure), 0.95)
    assert estimate and np.isfinite([estimate.low, estimate.value, estimate.high]).all()


def test_the_words_say_what_is_estimated_and_labels_whether_it_held() -> None:
    rng = np.random.default_rng(6)
    reference, hard = answers(rng, 300), answers(rng, 200, hardness=0.1)
    worse = estimate_score(ACCURACY, without_labels(hard), reference, 0.95)
    assert worse and worse.worse and not worse.better
    assert worse.sentence("photo").startswith("On these 200 photos the champion is estimated to be right on ")
    assert worse.sentence("photo").endswith(" % (300 test photos), so it is estimated to do worse now.")
    assert worse.beside(worse.value, "row").endswith(", so the estimate held.")
    assert " (95 % interval " in worse.sentence("photo")
    missed = worse.beside(worse.low - 0.01, "row")
    assert "so the estimate did not hold: by chance, which 5 % of such intervals do, or because equal" in missed
    better = estimate_score(LOG_LOSS, without_labels(answers(rng, 200, hardness=3)), answers(rng, 300), 0.95)
    assert better and better.value < better.before and not better.worse


def test_a_shift_says_whether_equal_inputs_keep_their_labels() -> None:
    assert [shift.name for shift in (*SHIFTS, *ELSEWHERE) if shift.concept] == [
        "other shares of the classes",
        "labels mean something else",
        "the rare class is half of all",
    ]
    rng = np.random.default_rng(7)
    rare = Shift("rare", shares=(1.0, 0.3, 0.1)).draw(rng, 400)[1]
    assert len(rare) == 400 and np.bincount(rare)[2] < 60
