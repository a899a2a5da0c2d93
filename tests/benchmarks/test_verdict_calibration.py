"""The calibration judges what it says: every world has its row with every key, and real data are held against truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import verdict_calibration, verdict_on_real_data
from benchmarks.pools import Pool
from benchmarks.record import recorded_rows
from benchmarks.verdict_calibration import (
    GROWTHS,
    KEYS,
    WORLDS,
    YEAR,
    Judgement,
    Truth,
    exact,
    judge_advice,
    judge_any,
    regrets,
)
from benchmarks.verdict_on_real_data import (
    COMPETING,
    KINDS,
    SEEDS,
    Experiment,
    experiment,
    inferred_truths,
    judge,
    kept_experiment,
)


def test_a_world_of_comparisons_a_study_and_a_year_each_tell_what_they_ask() -> None:
    world, study, year = (judge_any(name, 1, 100) for name in (list(WORLDS)[-1], next(iter(GROWTHS)), YEAR))
    assert list(world) == list(study) == list(year) == ["world", *KEYS]
    told = {
        name: [key for key in KEYS if row[key] is not None]
        for name, row in (("world", world), ("study", study), ("year", year))
    }
    studies = {"study": ["gain_coverage", "repeats", "laws"], "year": ["false_promotions", "repeats"]}
    assert 0 < study["laws"] <= study["repeats"]
    others = ("gain_coverage", "laws", "false_promotions", "told_if_steady")
    assert told == {"world": [key for key in KEYS if key not in others], **studies}
    assert 0.5 < float(world["coverage"] or 0) <= 1


def test_a_row_that_is_judged_again_takes_the_place_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict_calibration, "OUT", tmp_path / "rows.json")
    for _ in range(2):
        monkeypatch.setattr("sys.argv", ["x", "--repeats", "1", "--world", YEAR])
        verdict_calibration.main()
    assert [row["world"] for row in recorded_rows(tmp_path / "rows.json")] == [YEAR]


def test_the_advice_can_be_judged_alone_and_the_other_figures_stay() -> None:
    before = judge_any(list(WORLDS)[-1], 1, 100)
    after = judge_advice(before, 2, 100)
    changed = {key for key in KEYS if after[key] != before[key]}
    assert {"told_regret", "true_regret", "regret_repeats"} <= changed
    stays = {
        "coverage",
        "winner_coverage",
        "false_winners",
        "false_equivalence",
        "told_power",
        "found_power",
        "repeats",
    }
    assert not changed & stays and after["regret_repeats"] == 4
    study = {key: value for key, value in judge_any(YEAR, 1, 100).items() if key != "regret_repeats"}
    assert judge_advice(study, 1, 100) == {**study, "regret_repeats": None}


@pytest.fixture
def pool() -> Pool:
    """Two classes that a line divides but for noise."""
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(1_900, 4)).astype(np.float32)
    return Pool({"columns": columns}, (columns[:, 0] + rng.normal(0, 0.5, 1_900) > 0).astype(np.int64))


def test_an_experiment_on_real_data_is_held_against_what_is_left_over(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict_on_real_data, "LEFT_OVER", 500)
    made = experiment(pool, np.random.default_rng(0))
    assert made.right.shape[:2] == (len(COMPETING["columns"]), SEEDS)
    assert 0.45 < made.scores[0] < 0.6 and made.scores.max() > 0.8
    found = judge(made, inferred_truths([made])[0], 100)
    assert found.covered > 0.7
    assert -0.02 < found.true_regret < 0.2


def test_an_experiment_is_made_once(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_on_real_data, "KEPT", tmp_path)
    monkeypatch.setattr(verdict_on_real_data, "LEFT_OVER", 50)
    monkeypatch.setattr(verdict_on_real_data, "KINDS", {name: KINDS[name] for name in ("majority", "bayes")})
    monkeypatch.setitem(COMPETING, "columns", ["majority", "bayes"])
    first = kept_experiment(lambda: pool, "some", 1)
    again = kept_experiment(lambda: pytest.fail("it is kept"), "some", 1)
    assert (first.right == again.right).all() and (first.covariance == again.covariance).all()


def test_what_is_uncertain_of_the_truth_does_not_count_against_an_interval() -> None:
    """Right intervals hold a truth that is measured as well as the estimate is as often as they hold the true one."""
    rng = np.random.default_rng(1)
    value, measured = rng.normal(size=(2, 20_000))
    held = Truth(measured[:1], np.ones((1, 1)), np.zeros(1))
    contrasts = np.ones((20_000, 1))
    off = value - measured + measured[0]  # each estimate against a truth of its own
    assert held.held(contrasts, off, off - 1.96, off + 1.96).mean() == pytest.approx(0.95, abs=0.01)


def test_regrets_are_those_of_true_scores_though_these_are_measured_with_errors_as_large_as_their_leads() -> None:
    """The luckiest measured truth would make them half as large again."""
    rng = np.random.default_rng(2)
    true = rng.normal([0.7, 0.69, 0.68, 0.5], 0.01, (1_000, 4))
    errors = np.eye(4) * 0.01**2
    measured = true + rng.normal(0, 0.01, true.shape)
    kept = [Experiment(np.ones((4, 1, 1), bool), np.ones(4), one, errors) for one in measured]
    regret = np.array([truth.regret for truth in inferred_truths(kept)])
    right = (true.max(axis=1, keepdims=True) - true).mean(axis=0)
    assert regret.mean(axis=0) == pytest.approx(right, rel=0.15)
    assert (measured.max(axis=1) - measured[:, 0]).mean() > 1.3 * right[0]
    assert exact(np.array([0.5, 0.7])).regret == pytest.approx([0.2, 0.0])


def test_the_error_of_a_regret_is_that_of_a_mean() -> None:
    judged = [
        Judgement(1.0, True, False, False, told, true, 0.0, 0.0, 0.0) for told, true in ((0.01, 0.0), (0.03, 0.0))
    ]
    found = regrets(judged)
    assert (found["told_regret"], found["told_error"]) == pytest.approx((0.02, 0.01))
    assert (found["true_regret"], found["true_error"]) == (0.0, 0.0)
