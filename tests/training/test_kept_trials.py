"""A finished trial is kept whole, is found again by its candidate alone, and leaves when room is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import pytest

from pipeline.ground.files import read_json, write_json
from pipeline.training.kept_trials import FOLDER, KeptTrials
from pipeline.training.progress import Fit

FIT = Fit(
    history=[{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": 0.7}],
    best={"epoch": 1, "val_loss": 0.5},
    activation_seconds=4.0,
    setup_seconds=2.0,
    fit_seconds=8.0,
    images_seen=96,
    phases=[{"phase": 1, "train": "head", "trainable_parameters": 6}],
    epoch_ended=["2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"],
)


@pytest.fixture
def model() -> keras.Model:
    image = keras.Input((2,))
    return keras.Model(image, keras.layers.Dense(2, name="head")(image))


def kept_by(fingerprint: str, keep_gb: float = 1.0) -> KeptTrials:
    return KeptTrials(fingerprint * 64, keep_gb)


def test_a_kept_trial_comes_back_as_it_was_with_all_that_it_cost(checkout: Path, model: keras.Model) -> None:
    kept_by("f").add(3, FIT, model, {"cpu_seconds": 1.0})
    trial = kept_by("f").read(3)
    assert (trial.history, trial.best, trial.phases, trial.parameters) == (FIT.history, FIT.best, FIT.phases, 6)
    assert trial.cost["cost_seconds"] == 8.0 + 4.0 + 2.0 and trial.cost["images_per_second"] == 96 / 8.0
    assert trial.cost["cpu_seconds"] == 1.0 and trial.cost["epoch_ended"] == FIT.epoch_ended
    kept_by("f").copy_model(3, Path("copy.keras"))
    assert keras.saving.load_model("copy.keras").count_params() == 6


def test_an_epoch_that_diverged_has_no_loss_in_json(checkout: Path, model: keras.Model) -> None:
    fit = replace(FIT, history=[*FIT.history, {"epoch": 3, "val_loss": float("nan")}])
    kept_by("f").add(0, fit, model, {})
    assert kept_by("f").read(0).history == [*FIT.history, {"epoch": 3, "val_loss": None}]


def test_only_the_very_same_candidate_finds_it(checkout: Path, model: keras.Model) -> None:
    kept_by("f").add(3, FIT, model, {})
    assert kept_by("f").missing([0, 3, 4]) == [0, 4]
    assert kept_by("e").missing([3]) == [3]


def test_a_trial_that_a_disk_has_changed_counts_as_missing_and_is_removed(
    checkout: Path, model: keras.Model, caplog: pytest.LogCaptureFixture
) -> None:
    kept = kept_by("f")
    for seed, file in enumerate([*kept.files(0)[:1], *kept.files(1)[1:]]):
        kept.add(seed, FIT, model, {})
        content = file.read_bytes()
        changed = content.replace(b"0.5", b"0.7") if file.suffix == ".json" else content[:300] + b"?" + content[301:]
        file.write_bytes(changed)
        assert kept.missing([seed]) == [seed] and not any(path.exists() for path in kept.files(seed))
        assert f"seed-{seed}.keras: is cut off or damaged" in caplog.text and "trained anew" in caplog.text
    kept.add(2, FIT, model, {})
    kept.model_path(2).unlink()
    assert kept.missing([2]) == [2]


def test_a_trial_that_was_kept_without_a_hash_counts_as_kept(checkout: Path, model: keras.Model) -> None:
    kept = kept_by("f")
    kept.add(0, FIT, model, {})
    facts = kept.files(0)[1]
    write_json(facts, {key: value for key, value in read_json(facts).items() if key != "sha256"})
    assert kept.missing([0]) == [] and kept.read(0).history == FIT.history


def test_what_tuning_came_to_is_tuned_anew_where_it_is_damaged(
    checkout: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = kept_by("f")
    kept.add_tuning({"chosen": 0})
    kept.files(0)[0].with_name("tuning.json").write_text("{")
    assert kept.read_tuning() is None and "tuning.json: is cut off or damaged" in caplog.text


def test_a_model_that_could_not_be_written_leaves_nothing_that_counts_as_finished(
    checkout: Path, model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("keras.Model.save", die)
    with pytest.raises(KeyboardInterrupt):
        kept_by("f").add(0, FIT, model, {})
    assert kept_by("f").missing([0]) == [0]


def test_kept_trials_stay_within_their_bound_oldest_candidates_first(checkout: Path, model: keras.Model) -> None:
    for age, fingerprint in ((200, "c"), (100, "d")):
        kept_by(fingerprint).add(0, FIT, model, {})
        for file in (FOLDER / (fingerprint * 64)).iterdir():
            os.utime(file, (file.stat().st_atime, file.stat().st_mtime - age))
    one = sum(file.stat().st_size for file in FOLDER.glob("*/*")) / 2
    kept_by("e", keep_gb=1.5 * one / 1e9).add(0, FIT, model, {})
    assert kept_by("c").missing([0]) == [0] and not list((FOLDER / ("c" * 64)).iterdir())
    assert kept_by("d").missing([0]) == [] == kept_by("e").missing([0])
    kept_by("e", keep_gb=0).add(1, FIT, model, {})
    assert kept_by("d").missing([0]) == [0], "trials of other candidates go"
    assert kept_by("e").missing([0, 1]) == [], "a candidate's own stay"


def test_trials_that_other_processes_remove_while_room_is_made_are_no_matter(
    checkout: Path, model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(2):
        kept_by("c").add(seed, FIT, model, {})
    unfinished = FOLDER / ("c" * 64) / "seed-2.unfinished"
    unfinished.mkdir()
    glob = Path.glob

    def vanishing(folder: Path, pattern: str) -> Iterator[Path]:
        for path in list(glob(folder, pattern)):
            if path == unfinished:
                path.rmdir()
            elif path.stem == "seed-0":
                for file in (path, path.with_suffix(".keras")):
                    file.unlink()
            yield path

    with monkeypatch.context() as patch:
        patch.setattr(Path, "glob", vanishing)
        kept_by("d", keep_gb=0).add(0, FIT, model, {})
    assert not list((FOLDER / ("c" * 64)).iterdir()) and kept_by("d").missing([0]) == []
