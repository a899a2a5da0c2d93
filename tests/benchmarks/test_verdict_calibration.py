"""The calibration judges what it says: every world has its row with every key, and real data are held against truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import verdict_calibration, verdict_on_real_data
from benchmarks.verdict_calibration import GROWTHS, KEYS, WORLDS, YEAR, judge_any
from benchmarks.verdict_on_real_data import Pool, entrants, experiment
from pipeline.ground.files import read_json


def test_a_world_of_comparisons_a_study_and_a_year_each_tell_what_they_ask() -> None:
    world, study, year = (judge_any(name, 1, 100) for name in (list(WORLDS)[-1], next(iter(GROWTHS)), YEAR))
    assert list(world) == list(study) == list(year) == ["world", *KEYS]
    told = {
        name: [key for key in KEYS if row[key] is not None]
        for name, row in (("world", world), ("study", study), ("year", year))
    }
    assert told == {"world": KEYS[:-2], "study": ["gain_coverage"], "year": ["false_promotions"]}
    assert 0.5 < float(world["coverage"] or 0) <= 1


def test_a_row_that_is_judged_again_takes_the_place_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict_calibration, "OUT", tmp_path / "rows.json")
    for _ in range(2):
        monkeypatch.setattr("sys.argv", ["x", "--repeats", "1", "--world", YEAR])
        verdict_calibration.main()
    assert [row["world"] for row in read_json(tmp_path / "rows.json")] == [YEAR]


def test_an_experiment_on_real_data_is_held_against_what_is_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two classes that a line divides but for noise: the truth is known to be far above guessing."""
    monkeypatch.setattr(verdict_on_real_data, "LEFT_OVER", 1_500)
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(3_200, 4)).astype(np.float32)
    labels = (columns[:, 0] + rng.normal(0, 0.5, 3_200) > 0).astype(np.int64)
    found = experiment(Pool({"columns": columns}, labels), rng, 100)
    assert found.covered > 0.7
    assert 0 <= found.true_regret < 0.2 and 0 <= found.leader_regret < 0.1
    assert len(entrants("columns")) == 9
