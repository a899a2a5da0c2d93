"""Seeds that are not kept yet are trained, each is kept at once, and the folder is as the contract says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
import pytest
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.datasets.store.prepared import DEVELOPMENT, load_prepared
from pipeline.datasets.store.splits import split_development
from pipeline.evaluation.costs.stopwatch import Stopwatch
from pipeline.ground.files import read_json
from pipeline.models.networks.heads import head_for
from pipeline.network import Network
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.stages.assembly.training import seed_trials
from pipeline.stages.assembly.training.network_plan import NetworkPlan, trained_on
from pipeline.stages.assembly.training.network_trials import train_trials
from pipeline.stages.assembly.training.trial_settings import read_trial_settings
from pipeline.training.kept_trials import KeptTrials
from pipeline.training.progress import Fit
from pipeline.training.trainer import Trainer
from pipeline.trials import HISTORY_COLUMNS, read_history, read_trial

NAME = "finetune-tiny-head"
MEASURED = {"ended": "now", "cpu_seconds": 5.0, "peak_memory_bytes": 7, "energy_joules": None}


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
        Candidate("finetune", "tiny-head", backbone="tiny", technique="head"),
        head_for("multiclass", 3),
        build,
        Strategy(phases=[Phase(train="head", epochs=2, learning_rate=1e-2)]),
        load_params().training,
        fingerprint="f" * 64,
        parameters={"backbone": "tiny"},
    )


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds that are really trained from now on."""
    seeds: list[int] = []
    run = Trainer.run

    def recorded(trainer: Trainer, seed: int, *arguments: object) -> Fit:
        seeds.append(seed)
        return run(trainer, seed, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "run", recorded)
    return seeds


def train(plan: NetworkPlan, seeds: list[int]) -> None:
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["seeds"] = seeds
    yaml.dump(content, Path("params.yaml"))
    train_trials(plan, load_prepared(DEVELOPMENT))


def test_a_second_run_trains_only_the_seed_that_is_new(plan: NetworkPlan, trained: list[int]) -> None:
    train(plan, [0, 1])
    train(plan, [0, 1, 2])
    assert trained == [0, 1, 2]
    assert sorted(set(read_history(NAME)["seed"])) == [0, 1, 2]


def test_a_machine_that_decides_otherwise_takes_nothing_over(
    plan: NetworkPlan, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(plan, training=plan.training.model_copy(update={"precision": "auto"}))
    monkeypatch.setattr("pipeline.training.precision.has_bfloat16", lambda: True)
    train(plan, [0])
    monkeypatch.setattr("pipeline.training.precision.has_bfloat16", lambda: False)
    train(plan, [0])
    train(plan, [0])
    assert trained == [0, 0]
    assert read_trial(NAME).parameters["precision"] == "float32"


def test_where_nothing_is_missing_no_network_is_built(plan: NetworkPlan, trained: list[int]) -> None:
    train(plan, [0])

    def never(precision: str) -> Network:
        raise AssertionError("was built")

    train(replace(plan, build=never), [0])
    assert trained == [0]


def test_a_trial_that_was_cut_off_leaves_nothing_that_counts_as_finished(
    plan: NetworkPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("keras.Model.save", die)
        with pytest.raises(KeyboardInterrupt):
            train(plan, [0])
    assert KeptTrials(plan.fingerprint, 1).missing([0]) == [0]


def test_what_a_killed_run_took_is_part_of_the_cost(plan: NetworkPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part of the trial is measured as 5 processor seconds."""
    monkeypatch.setattr(Stopwatch, "cost", lambda watch: MEASURED | {"started": watch.started.isoformat()})

    def die(kept: KeptTrials, *arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(KeptTrials, "add", die)
        with pytest.raises(KeyboardInterrupt):
            train(plan, [0])
    killed = datetime.now(UTC).isoformat()
    train(plan, [0])
    cost = read_json(Path("results", NAME, "cost.json"))["seeds"]["0"]
    assert {key: cost[key] for key in MEASURED} == MEASURED | {"cpu_seconds": 10.0}
    assert cost["started"] < killed


def test_schedules_count_the_steps_that_are_taken(plan: NetworkPlan) -> None:
    data, settings = load_prepared(DEVELOPMENT), read_trial_settings()
    share = replace(plan, candidate=replace(plan.candidate, training_share=0.1))
    train_rows, _ = split_development(data, settings.splits.validation_fraction, 0, 0.1)
    assert trained_on(share, data, settings)["train_size"] == len(train_rows) > round(0.1 * 0.8 * len(data.labels))


def test_of_groups_schedules_count_the_steps_of_a_typical_seed(plan: NetworkPlan) -> None:
    data, settings = load_prepared(DEVELOPMENT), read_trial_settings()
    groups = np.sqrt(np.arange(len(data.labels))).astype(int)  # of 1, 3, 5, … photos
    grouped = replace(data, groups=groups)
    sizes = [len(split_development(grouped, settings.splits.validation_fraction, seed)[0]) for seed in range(8)]
    assert len(set(sizes)) > 1
    assert min(sizes) < trained_on(plan, grouped, settings)["train_size"] < max(sizes)


def test_what_another_process_finished_meanwhile_is_not_trained_again(
    plan: NetworkPlan, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = build("float32")
    fit = Fit(history=[dict.fromkeys(HISTORY_COLUMNS, 1)], best=dict.fromkeys(HISTORY_COLUMNS, 1), fit_seconds=1.0)
    fit.phases = [{"phase": 1, "trainable_parameters": 15}]

    @contextmanager
    def until_the_other_has_ended(path: Path, while_waiting: str) -> Iterator[None]:
        assert "finetune-tiny-head, seed 0" in while_waiting
        KeptTrials(plan.fingerprint, 1).add(0, fit, network.model, {})
        yield

    monkeypatch.setattr(seed_trials, "hold", until_the_other_has_ended)
    train(plan, [0])
    assert trained == [] and len(read_history(NAME)) == 1


def test_the_folder_holds_what_the_contract_says(plan: NetworkPlan, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="kiyas"):
        train(plan, [0, 3])
    folder = Path("results") / NAME
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert files == {"trial.json", "history.csv", "cost.json", "models/seed-0.keras", "models/seed-3.keras"}
    history = read_history(NAME)
    assert list(history.columns) == HISTORY_COLUMNS
    assert len(history) == 4 == sum("epoch" in record.msg for record in caplog.records)
    trial = read_trial(NAME)
    assert (trial.backbone, trial.technique, trial.family) == ("tiny", "head", "finetune")
    assert trial.parameter_counts == {"total": 3 * 4 + 3 + 27 * 4 + 4, "trainable": 3 * 4 + 3}
    assert [seed["seed"] for seed in trial.seeds] == trial.parameters["seeds"] == [0, 3]
    assert trial.parameters["backbone"] == "tiny" and trial.parameters["precision"] == "float32"
    cost = read_json(folder / "cost.json")
    assert cost["host"]["cores"] >= 1
    one = cost["seeds"]["3"]
    alone = one["fit_seconds"] + one["activation_seconds"] + one["setup_seconds"]
    assert one["cost_seconds"] == pytest.approx(alone)
    assert len(one["epoch_ended"]) == 2


def test_a_saved_model_answers_as_its_history_says(plan: NetworkPlan) -> None:
    from pipeline.datasets.store.splits import split_development

    train(plan, [3])
    data = load_prepared(DEVELOPMENT)
    _, val = split_development(data, load_params().splits.validation_fraction, 3)
    model = keras.saving.load_model(f"results/{NAME}/models/seed-3.keras")
    right = model.predict(data.images[val].astype(np.float32), verbose=0).argmax(axis=1) == data.labels[val]
    assert right.mean() == pytest.approx(read_trial(NAME).seeds[0]["val_accuracy"])
