"""A finished trial is kept at once; a second run trains only what is missing; the folder is as the contract says."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.files import read_json
from pipeline.params.candidates import Candidate
from pipeline.params.strategies import Phase, Strategy
from pipeline.training.record import CandidateRecord
from pipeline.training.trainer import Trainer
from pipeline.training.trial_state import Row
from pipeline.trials import HISTORY_COLUMNS, read_history, read_trial


class Watch:
    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *error: object) -> None: ...

    def cost(self) -> dict[str, Any]:
        return {"started": "2026-01-01T00:00:00Z", "cpu_seconds": 1.0}


@contextlib.contextmanager
def told(rows: list[Row]) -> Iterator[Callable[[Row], None]]:
    yield rows.append


@pytest.fixture
def record(checkout: Path) -> CandidateRecord:
    candidate = Candidate("finetune", "tiny-head", backbone="tiny", technique="head")
    return CandidateRecord(candidate, "multiclass", "f" * 64, {"training": {"batch_size": 16}}, keep_gb=1)


@pytest.fixture
def train(record: CandidateRecord, trainer_of: Callable[..., Trainer]) -> Callable[[list[int]], list[Row]]:
    strategy = Strategy(phases=[Phase(train="head", epochs=2, learning_rate=1e-2)])

    def run(seeds: list[int]) -> list[Row]:
        rows: list[Row] = []
        record.train(
            seeds,
            make_trainer=lambda: trainer_of(strategy),
            split=lambda seed: (np.arange(48), np.arange(48, 70)),
            measure=Watch,
            follow=lambda seed: told(rows),
        )
        return rows

    return run


def test_a_second_run_trains_only_the_seed_that_is_new(train: Callable[[list[int]], list[Row]]) -> None:
    assert {row["seed"] for row in train([0, 1])} == {0, 1}
    assert {row["seed"] for row in train([0, 1, 2])} == {2}


def test_a_trial_that_was_cut_off_leaves_nothing_that_counts_as_finished(
    record: CandidateRecord, train: Callable[[list[int]], list[Row]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("keras.Model.save", die)
        with pytest.raises(KeyboardInterrupt):
            train([0])
    assert record.remaining([0]) == [0]


def test_the_folder_holds_what_the_contract_says(
    record: CandidateRecord, train: Callable[[list[int]], list[Row]], checkout: Path
) -> None:
    rows = train([0, 3])
    record.write([0, 3], {"host": {"cores": 2}})
    folder = checkout / "results/finetune-tiny-head"
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert files == {"trial.json", "history.csv", "cost.json", "models/seed-0.keras", "models/seed-3.keras"}
    history = read_history("finetune-tiny-head")
    assert list(history.columns) == HISTORY_COLUMNS
    assert len(history) == len(rows)
    trial = read_trial("finetune-tiny-head")
    assert (trial.backbone, trial.technique, trial.family) == ("tiny", "head", "finetune")
    assert trial.parameter_counts["trainable"] == 27 < trial.parameter_counts["total"]
    assert [seed["seed"] for seed in trial.seeds] == trial.parameters["seeds"] == [0, 3]
    cost = read_json(folder / "cost.json")
    assert cost["host"] == {"cores": 2}
    one = cost["seeds"]["3"]
    alone = one["fit_seconds"] + one["activation_seconds"] + one["setup_seconds"]
    assert one["cost_seconds"] == pytest.approx(alone)
    assert len(one["epoch_ended"]) == 2


def test_kept_trials_stay_within_their_bound_oldest_candidates_first(
    train: Callable[[list[int]], list[Row]], record: CandidateRecord, checkout: Path
) -> None:
    train([0])
    record.fingerprint, record.keep_bytes = "e" * 64, 1
    train([0])
    assert not list((checkout / ".kiyas/trials" / ("f" * 64)).glob("*"))
    assert record.remaining([0]) == []
