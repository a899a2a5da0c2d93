"""The data-size study: measured sizes, laws followed beyond them, and intervals that hold what they should."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchmarks.worlds import contributions
from pipeline.comparison.report.learning.growth import growth_plot
from pipeline.comparison.statistics.intervals import joint_draws
from pipeline.comparison.statistics.quantities import score_quantity
from pipeline.comparison.tables.measurements import Measured, read_measurements
from pipeline.comparison.tables.studies import growth as study
from pipeline.comparison.tables.studies.growth import Growth, no_growth, study_growth
from pipeline.comparison.verdict.labels_needed import describe_growth
from pipeline.formats import percent
from pipeline.params.compare import Compare
from pipeline.params.training.candidates import Candidate
from pipeline.scores.numbers import RMSE
from pipeline.scores.probabilities import LOG_LOSS

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=400)
LABELS = {split: np.random.default_rng(5).normal(size=400) for split in ("train", "val", "test")}
SHARES = [0.1, 0.25, 0.5]
SVM, FULL = "classical-svm_hog", "finetune-resnet50-full"


@pytest.fixture
def studied(workplace: Path, simulation: SimpleNamespace) -> tuple[list[Measured], list[Measured]]:
    """(whole, points): an SVM that is ahead on little data, and a network that learns faster from more."""
    truths = {truth.candidate.name: truth for truth in simulation.default_truths()}
    svm, full = simulation.on_shares(truths[SVM], SHARES, 0.1), simulation.on_shares(truths[FULL], SHARES, 0.4)
    simulation.write([truths[SVM], truths[FULL], *svm, *full], test=500)
    whole = read_measurements([truths[name].candidate for name in (SVM, FULL)])
    return whole, read_measurements([truth.candidate for truth in [*svm, *full]])


@pytest.fixture
def growth(studied: tuple[list[Measured], list[Measured]]) -> Growth:
    return study_growth(*studied, SETTINGS)


def test_every_size_is_ranked_by_itself_and_laws_go_to_four_times_the_data(growth: Growth) -> None:
    table = growth.table
    assert list(table.columns) == study.COLUMNS and table["score"].equals(table["test_accuracy"])
    assert sorted(set(table["fraction"])) == [*SHARES, 1.0, 2.0, 4.0]
    assert (table["fraction"] > 1).equals(table["kind"] == "extrapolated")
    assert all(sorted(rows["rank"]) == [1, 2] for _, rows in table.groupby("fraction"))
    assert growth.row(FULL, 0.25)["training_examples"] == 146  # of 586, four fifths of 732
    assert growth.row(FULL, 4.0)["training_examples"] == pytest.approx(4 * growth.row(FULL, 1.0)["training_examples"])


def test_who_leads_may_change_with_the_size(growth: Growth) -> None:
    assert growth.at(0.1)["candidate"].iloc[0] == SVM
    assert growth.leader == growth.at(4.0)["candidate"].iloc[0] == FULL
    assert growth.row(SVM, 4.0)["relation_to_best"] == "worse"
    assert growth.laws[FULL].exponent > growth.laws[SVM].exponent > 0


def test_a_measured_size_has_the_accuracy_that_its_predictions_have(
    growth: Growth, studied: tuple[list[Measured], list[Measured]]
) -> None:
    for one in [*studied[0], *studied[1]]:
        test = one.predictions.query("split == 'test'")
        row = growth.row(one.candidate.whole, one.candidate.training_share)
        assert row["test_accuracy"] == pytest.approx((test["label"] == test["predicted"]).mean(), rel=1e-5)
        assert row["low"] < row["test_accuracy"] < row["high"]


def test_by_a_score_of_which_less_is_better_more_data_lower_it_and_gains_are_in_its_units(
    studied: tuple[list[Measured], list[Measured]],
) -> None:
    parts = [read_measurements([one.candidate for one in part], ("train", "val", "test")) for part in studied]
    found = study_growth(*parts, SETTINGS, LOG_LOSS)
    sizes = [found.row(FULL, share)["test_log_loss"] for share in (*SHARES, 1.0, 2.0, 4.0)]
    assert sizes == sorted(sizes, reverse=True) and "test_accuracy" not in found.table
    assert found.table["score"].equals(found.table["test_log_loss"]), "what dvc.yaml draws, whatever the score"
    fitted = pytest.approx(sizes[3] - sizes[4], rel=0.15)  # the law runs between the measured sizes, not through them
    assert found.doubling[FULL].value == fitted
    law = found.laws[FULL]
    assert law.errors(law.now).mean() == pytest.approx(sizes[3], rel=0.15), (
        "in the units of the score, as all beside it"
    )
    told = describe_growth(found, 732, 0.02)
    assert told is not None and f"goes from {sizes[0]:.3g} to {sizes[3]:.3g}" in told["sentence"]
    assert "points" not in told["sentence"] and "log loss would then be" in told["sentence"]


def test_a_candidate_without_a_law_is_not_followed_and_told_why(workplace: Path, simulation: SimpleNamespace) -> None:
    truth = next(truth for truth in simulation.default_truths() if truth.candidate.name == SVM)
    flat = simulation.on_shares(truth, SHARES, 0.0)
    simulation.write([truth, *flat], test=300)
    found = study_growth(
        read_measurements([truth.candidate]), read_measurements([one.candidate for one in flat]), SETTINGS
    )
    assert set(found.refusals) == {SVM} and not found.laws
    assert set(found.table["kind"]) == {"measured"}


def test_the_curves_are_named_and_told_in_words(growth: Growth) -> None:
    drawn = growth_plot(growth)
    assert "svm_hog" in drawn and "resnet50 · full" in drawn
    told = drawn[drawn.index('aria-label="') : drawn.index(">")]
    assert f"With all of them: {FULL} {percent(growth.row(FULL, 1.0)['test_accuracy'])}" in told


def test_without_a_study_there_is_no_leader_and_no_row() -> None:
    assert no_growth().leader is None
    assert list(no_growth().table.columns) == study.COLUMNS


def test_intervals_beyond_the_data_hold_what_the_law_says_there() -> None:
    """60 simulated studies of two candidates whose errors follow known laws; 0.95 is promised."""
    rng, sizes = np.random.default_rng(3), np.array([60.0, 180.0, 600.0])
    laws, held = [(0.40, 0.18), (0.43, 0.12)], []
    for _ in range(60):
        truth = np.concatenate([1 - now * (sizes / 600) ** -exponent for now, exponent in laws])
        quantity = score_quantity(contributions(truth, 3, 400, 0.01, rng), 300)
        off = joint_draws(quantity, quantity.kernel)
        for place, (now, exponent) in enumerate(laws):
            of_one = slice(3 * place, 3 * place + 3)
            errors = 1 - quantity.means[of_one]
            try:
                law = study.fit_power_law(sizes, errors, errors - off[:, of_one], 0.95)
            except study.NoPowerLaw:
                continue
            low, high = np.quantile(law.errors(2400), [0.025, 0.975])
            held.append(low <= now * 4**-exponent <= high)
    assert len(held) > 100
    assert np.mean(held) >= 0.9


def test_whole_groups_are_drawn_where_examples_come_in_groups(
    growth: Growth, studied: tuple[list[Measured], list[Measured]]
) -> None:
    """Test examples are sorted by class here, so a hundred in a row are far from a hundred draws."""

    def grouped(one: Measured) -> Measured:
        numbers = one.predictions["example"].str.extract(r"(\d+)\.jpg")[0].astype(int)
        places = (numbers // 50).where(one.predictions["split"] == "test", 1000 + numbers)
        return replace(one, predictions=one.predictions.assign(group=places))

    found = study_growth(*([grouped(one) for one in part] for part in studied), SETTINGS)
    widths = [of.row(FULL, 1.0)["high"] - of.row(FULL, 1.0)["low"] for of in (growth, found)]
    assert widths[1] > 1.05 * widths[0]


def test_a_series_is_drawn_in_blocks_and_margins_are_shares_of_the_floor_though_it_is_not_studied(
    workplace: Path, simulation: SimpleNamespace
) -> None:
    """Errors of numbers, three steps in a row alike; the naive forecast is twice as good as the mean."""

    def forecast(name: str, error: float, share: float = 1.0) -> Measured:
        rows = []
        for split, steps in (("train", round(400 * share)), ("val", 60), ("test", 300)):
            off = np.repeat(np.random.default_rng(steps).choice([-1, 1], 20), 30)[:steps] * error * share**-0.3
            names = [f"{split} {400 - steps + step:04d}" for step in range(steps)]
            part = pd.DataFrame({"example": names, "label": LABELS[split][-steps:], "predicted": 0.0})
            rows.append(part.assign(split=split, predicted=part["label"] + off))
        table = pd.concat(rows)
        predictions = pd.concat([table.assign(seed=seed) for seed in (0, 1)])
        candidate = Candidate("classical", name, None, None, training_share=share)
        return SimpleNamespace(  # type: ignore[return-value]
            name=candidate.name,
            candidate=candidate,
            predictions=predictions,
            seeds=[0, 1],
            trial=SimpleNamespace(task="regression"),
        )

    whole, naive = [forecast("ridge", 0.3)], forecast("naive", 0.5)
    points = [forecast("ridge", 0.3, share) for share in SHARES]
    order = {name: place for place, name in enumerate(whole[0].predictions["example"].drop_duplicates())}
    alone = study_growth(whole, points, SETTINGS, RMSE)
    found = study_growth(whole, points, SETTINGS, RMSE, order, naive)
    rows = [of.row("classical-ridge", 1.0) for of in (alone, found)]
    assert rows[1]["high"] - rows[1]["low"] > 2 * (rows[0]["high"] - rows[0]["low"])
    assert rows[1]["test_rmse"] == pytest.approx(rows[0]["test_rmse"], rel=1e-4)
    worth = [of.worth["classical-ridge"].value for of in (alone, found)]
    assert worth[1] > 1.5 * worth[0], "a margin of one hundredth of a smaller floor"


def test_the_last_doubling_is_the_difference_of_two_measured_sizes(growth: Growth) -> None:
    gain = growth.last_doubling[FULL]
    rows = [growth.row(FULL, share)["test_accuracy"] for share in (1.0, 0.5)]
    assert gain.value == pytest.approx(rows[0] - rows[1], abs=1e-4)
    assert gain.low < gain.value < gain.high


def test_labels_worth_having_come_with_an_interval(growth: Growth) -> None:
    worth = growth.worth[FULL]
    assert growth.laws[FULL].now <= worth.low < worth.value < worth.high
