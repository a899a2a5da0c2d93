"""A network is tuned with its first seed, once, and all its seeds go by what was chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import pytest
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.datasets.store.prepared import DEVELOPMENT, load_prepared
from pipeline.ground.files import read_json, write_json
from pipeline.models.networks.heads import head_for
from pipeline.network import Network
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.stages.assembly.training.network_plan import NetworkPlan
from pipeline.stages.assembly.training.network_trials import train_trials
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.progress import TrialState
from pipeline.training.tuning.tuner import Tuner
from pipeline.trials import read_history, read_trial

NAME = "finetune-tiny-all"
SEARCH = {"settings": 3, "trainings": 3.0, "learning_rates": [30.0, 0.1], "recipes": []}


def build(precision: str) -> Network:
    """A convolution whose weights are those of one fixed seed, as if they came from a file, under a new head."""
    keras.utils.set_random_seed(9)
    convolution, pool = keras.layers.Conv2D(4, 3, name="conv"), keras.layers.GlobalAveragePooling2D(name="pool")
    head = keras.layers.Dense(3, "softmax", name="head")
    image = keras.Input((24, 24, 3), name="image")
    model = keras.Model(image, head(pool(convolution(image))))
    return Network(model, [[convolution, pool]], head=[head], fresh=[head])


@pytest.fixture
def plan(prepare: Callable[..., None]) -> NetworkPlan:
    prepare(["fig", "kiwi", "lime"])
    return NetworkPlan(
        Candidate("finetune", "tiny-all", backbone="tiny", technique="all"),
        head_for("multiclass", 3),
        build,
        Strategy(phases=[Phase(train="all", epochs=2, learning_rate=1e-3)]),
        load_params().training,
        fingerprint="f" * 64,
        parameters={"backbone": "tiny"},
    )


def train(plan: NetworkPlan, seeds: list[int], search: dict[str, Any] | None = SEARCH) -> None:
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["seeds"], content["tuning"]["search"] = seeds, search
    yaml.dump(content, Path("params.yaml"))
    train_trials(plan, load_prepared(DEVELOPMENT))


def die_before_the_chosen_is_restored(tuner: Tuner, chosen: int) -> None:
    raise KeyboardInterrupt


def die_once_seed_1_has_kept_an_epoch(
    checkpoint: Checkpoint, state: TrialState, save: Callable[[Checkpoint, TrialState], None] = Checkpoint.save
) -> None:
    save(checkpoint, state)
    if state.seed == 1 and checkpoint.load() is not None:  # once it is written
        raise KeyboardInterrupt


def test_what_is_killed_while_settings_are_tried_or_a_later_seed_trains_ends_with_the_same_bits(
    plan: NetworkPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths: list[tuple[type, str, Callable[..., None]]] = [
        (Tuner, "restore", die_before_the_chosen_is_restored),
        (Checkpoint, "save", die_once_seed_1_has_kept_an_epoch),
    ]
    for owner, method, death in deaths:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(owner, method, death)
            train(plan, [0, 1])
    train(plan, [0, 1])
    resumed, history = read_trial(NAME), read_history(NAME)
    assert not list(Path(".kiyas/trials").glob("*/*.unfinished"))
    assert resumed.phases[0]["schedule"] == "constant"  # whose rate is a variable of a plain optimizer

    undisturbed = replace(plan, fingerprint="d" * 64)
    train(undisturbed, [0])
    first = read_trial(NAME)
    assert first.tuning["settings_tried"] == len(first.tuning["tried"]) == 3
    assert first.tuning["validation"]["val_loss"] <= first.tuning["recipe_validation"]["val_loss"]
    cost = read_json(Path("results") / NAME / "cost.json")
    assert cost["tuning"]["seconds"] == pytest.approx(cost["seeds"]["0"]["tuning_seconds"])
    assert len(cost["tuning"]["seconds_of_each"]) == 3

    monkeypatch.setattr(Tuner, "tune", None)  # a finished tuning answers for more seeds
    train(undisturbed, [0, 1])
    assert read_trial(NAME).tuning == first.tuning == resumed.tuning
    assert read_trial(NAME).phases == first.phases == resumed.phases
    assert read_history(NAME).equals(history)


def test_a_recipe_that_nothing_beats_is_trained_as_without_tuning(plan: NetworkPlan) -> None:
    train(plan, [0, 1], SEARCH | {"learning_rates": [1e-6], "epochs": [1.0], "schedules": [], "weight_decays": []})
    tuned, history = read_trial(NAME), read_history(NAME)
    assert tuned.tuning["chosen"] == "recipe" and tuned.tuning["settings_tried"] > 1
    train(plan, [0, 1], search=None)
    assert read_history(NAME).equals(history) and read_trial(NAME).tuning == {}
    assert read_trial(NAME).fingerprint != tuned.fingerprint


def test_a_point_of_the_data_size_study_goes_by_what_the_whole_candidate_chose(plan: NetworkPlan) -> None:
    train(plan, [0])
    chosen = read_trial(NAME)
    share = replace(plan, candidate=replace(plan.candidate, training_share=0.5), fingerprint="e" * 64)
    train_trials(share, load_prepared(DEVELOPMENT))
    point = read_trial(f"{NAME}-0.5")
    assert point.phases == chosen.phases and point.tuning["changes"] == chosen.tuning["changes"]
    assert not list(Path(".kiyas/trials", point.fingerprint).glob("tuning*"))

    # Another first seed may choose another setting; what was trained by the earlier one does not answer for it.
    write_json(Path("results") / NAME / "trial.json", asdict(chosen) | {"tuning": {"changes": {"learning_rate": 0.1}}})
    train_trials(share, load_prepared(DEVELOPMENT))
    anew = read_trial(f"{NAME}-0.5")
    assert anew.phases[0]["learning_rate"] == 0.1 * 1e-3 != point.phases[0]["learning_rate"]
    assert anew.fingerprint != point.fingerprint
