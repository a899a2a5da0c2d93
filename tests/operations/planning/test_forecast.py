"""What a run takes: as long as it took, longer with more of everything, and as this machine took it before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.evaluation.costs.stopwatch import circumstances
from pipeline.ground.files import read_json
from pipeline.operations.planning.forecast import StageForecast, forecast_stages, total
from pipeline.operations.planning.needs import weight_bytes
from pipeline.operations.planning.sizes import Sizes, divided
from pipeline.operations.planning.speeds import NetworkSpeed, Speeds
from pipeline.params.compare import Ensembles
from pipeline.params.schema.classical import load_classical
from pipeline.params.training.search import Search
from pipeline.params.training.strategies import Strategy

DEFAULT_RUN = Path(__file__).parents[3] / "benchmarks/results/default_run.json"
EXAMPLES = 976  # of which a quarter is not learned from: as many are learned from as were when it was measured
REFERENCE = Speeds()


@pytest.fixture
def params(checkout: Path) -> Params:
    return load_params()


def seconds(params: Params, examples: int = EXAMPLES) -> float:
    known = divided(examples, params.data)
    return total(forecast_stages(params, known=known, speeds=REFERENCE)).seconds


def stage(name: str, params: Params, speeds: Speeds = REFERENCE, known: Sizes | None = None) -> StageForecast:
    return next(one for one in forecast_stages(params, known=known, speeds=speeds) if one.stage.name == name)


def changed(params: Params, section: str, **values: object) -> Params:
    return params.model_copy(update={section: getattr(params, section).model_copy(update=values)})


def test_the_default_comparison_takes_as_long_as_it_took(params: Params) -> None:
    """By the speeds that were measured of the machine on which it ran, whatever machine this is."""
    took = read_json(DEFAULT_RUN)
    speeds = took["speeds"]
    networks = {name: NetworkSpeed(**speed) for name, speed in speeds["networks"].items()}
    there = Speeds(speeds["slowness"], networks, measured=True, precision=speeds["precision"])
    default = total(forecast_stages(params, speeds=there))
    assert default.seconds == pytest.approx(took["took_seconds"], rel=0.2)
    assert default.low < took["took_seconds"] < default.high


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("data", {"image_size": 192}),
        ("finetune", {"strategies": ["full", "feature_extractor", "lp_ft", "frozen_layers", "gradual_unfreezing"]}),
    ],
)
def test_larger_photos_and_more_candidates_take_longer(params: Params, section: str, change: dict[str, object]) -> None:
    assert seconds(changed(params, section, **change)) > seconds(params)


def test_trying_settings_takes_longer_by_no_more_than_its_budget(params: Params) -> None:
    tuned = changed(params, "tuning", search=Search(settings=8, trainings=1.5))
    name = "finetune@resnet50-full"
    by_recipe, searched = stage(name, params).seconds, stage(name, tuned).seconds
    assert by_recipe < searched < by_recipe * (1 + 1.5 / len(params.seeds))
    assert stage("baseline@svm_hog", tuned).seconds == stage("baseline@svm_hog", params).seconds


def test_a_soup_holds_the_networks_of_all_seeds_at_once(params: Params) -> None:
    name = "finetune-vgg16-full"
    souped = changed(params, "compare", ensembles=Ensembles(kinds=["soup"], soups=[name]))
    more = souped.model_copy(update={"seeds": [*params.seeds, 7, 8]})
    three, five = (stage(f"evaluate-soup@{name}", of).memory for of in (souped, more))
    assert five - three > 2 * weight_bytes("vgg16") and three > 3 * weight_bytes("vgg16")


def test_more_seeds_and_photos_take_longer_and_a_limit_bounds_them(params: Params) -> None:
    default = seconds(params)
    assert seconds(params.model_copy(update={"seeds": [0, 1, 2, 3]})) > default
    assert seconds(params, 2 * EXAMPLES) > default
    limited = changed(params, "data", limit=100)
    assert seconds(limited, 2 * EXAMPLES) == seconds(limited) < default


def test_the_start_of_a_stage_does_not_grow_with_the_photos(params: Params) -> None:
    few, more = (changed(params, "data", limit=limit) for limit in (100, 200))
    name = "finetune@vgg16-full"
    assert stage(name, few).seconds > 0.5 * stage(name, more).seconds
    assert stage(name, more).seconds > 1.5 * stage(name, few).seconds - 10


def test_every_stage_of_the_graph_is_forecast_once_and_the_floor_comes_first(params: Params) -> None:
    names = [one.stage.name for one in forecast_stages(params, speeds=REFERENCE)]
    assert len(set(names)) == len(names)
    assert names[:2] == ["folders", "folders-foreign"] and names[-1] == "compare"
    trained = [name for name in names if name.startswith(("baseline@", "probe@", "cnn@", "finetune@"))]
    assert trained[0] == "baseline@majority"
    kinds = [name.partition("@")[0] for name in trained]
    assert kinds == sorted(kinds, key=["baseline", "probe", "cnn", "finetune"].index)
    heads = [name for name in trained if name.endswith("feature_extractor")]
    assert trained.index(heads[-1]) < min(trained.index(name) for name in trained if name.endswith("-full"))


def test_each_candidate_is_evaluated_right_after_it_is_trained(params: Params) -> None:
    names = [one.stage.name for one in forecast_stages(params, speeds=REFERENCE)]
    for candidate, evaluation in (("baseline@svm_hog", "classical@svm_hog"), ("cnn@lecture", "cnn@lecture")):
        assert names.index(f"evaluate-{evaluation}") == names.index(candidate) + 1


def test_a_network_that_was_measured_here_is_forecast_by_that_and_with_a_narrower_range(params: Params) -> None:
    twice = NetworkSpeed(48, forward=0.006, train=0.024, top=0.004, start=1.0, measured=True)  # at 96: 2 × VGG16's
    measured = stage("finetune@vgg16-full", params, Speeds(networks={"vgg16@48": twice}, measured=True))
    usual = stage("finetune@vgg16-full", params)
    assert measured.source == "measured" and usual.source == "usual"
    assert 1.7 < measured.seconds / usual.seconds < 2
    assert measured.high / measured.low < usual.high / usual.low


def test_settings_of_a_strategy_itself_and_augmented_views_are_counted(params: Params) -> None:
    own = {"early_stopping": False}
    phases = [{"train": "all", "epochs": 60, "learning_rate": 1e-4}]
    short, long = (
        params.model_copy(
            update={"strategies": params.strategies | {"full": Strategy(phases=phases, training=training)}}
        )
        for training in ({}, own)
    )
    assert stage("finetune@resnet50-full", long).seconds > 3 * stage("finetune@resnet50-full", short).seconds
    augmented = changed(params, "training", augmentation=params.training.augmentation.model_copy(update={"views": 8}))
    name = "finetune@vgg16-feature_extractor"
    assert stage(name, augmented).seconds > 3 * stage(name, params).seconds


def test_few_test_photos_are_altered_only_as_many_times_as_there_are(params: Params) -> None:
    name = "evaluate-finetune@vgg16-full"
    few, many = (stage(name, params, known=Sizes(96, tests)).seconds for tests in (32, 200))
    assert many > 2 * few


def test_a_point_of_the_data_size_study_is_asked_about_its_test_examples_alone(params: Params) -> None:
    name = "finetune-vgg16-full"
    studied = changed(params, "study", candidates=[name], fractions=[0.5])
    point = next(
        one for one in forecast_stages(studied, speeds=REFERENCE) if one.stage.name.startswith("evaluate-growth")
    )
    assert point.seconds < 0.5 * stage("evaluate-finetune@vgg16-full", params).seconds


def test_boosting_takes_as_long_as_there_are_classes_and_an_svm_as_the_square_of_the_photos(params: Params) -> None:
    few, many = (
        stage("baseline@boosting_hog", params, known=Sizes(732, 661, classes)).seconds for classes in (14, 102)
    )
    assert many > 5 * few
    number = changed(params, "baseline", models=["mean", "boosting_hog_regression"])
    assert stage("baseline@boosting_hog_regression", number).seconds < 0.5 * few
    small, large = (stage("baseline@svm_hog", params, known=Sizes(photos, 661)).seconds for photos in (8_000, 32_000))
    assert large > 10 * small


def kept_results(candidate: str, per_seed: float, epochs: int, host: dict[str, Any], learnt: int = 586) -> None:
    folder = Path("results") / candidate
    folder.mkdir(parents=True)
    seed = {"fit_seconds": per_seed, "activation_seconds": 0.0, "peak_memory_bytes": 3e9}
    seed |= {"images_per_second": learnt * epochs / per_seed}
    (folder / "cost.json").write_text(json.dumps({"seeds": {"0": seed, "1": seed}, "host": host}))
    phases = [{"phase": 1, "train": "all", "epochs": epochs}]
    parameters: dict[str, Any] = {"image_size": 96}
    if (family := candidate.partition("-")[0]) == "classical":
        parameters["model"] = load_classical(candidate.removeprefix(f"{family}-")).described()
    (folder / "trial.json").write_text(json.dumps({"seeds": [{}, {}], "phases": phases, "parameters": parameters}))
    rows = "".join(f"{seed},1,{epoch}\n" for seed in (0, 1) for epoch in range(epochs))
    (folder / "history.csv").write_text("seed,phase,epoch\n" + rows)


def test_a_candidate_that_ran_here_before_is_scaled_to_more_seeds_and_epochs(params: Params) -> None:
    host = circumstances()["host"]
    kept_results("finetune-resnet50-full", per_seed=60.0, epochs=2, host=host)
    forecast = stage("finetune@resnet50-full", params)  # 3 seeds, 4 epochs
    assert forecast.source == "ran"
    assert forecast.seconds == pytest.approx(3 * 4 / 2 * 60, rel=0.15)
    assert forecast.memory == 3e9


def test_a_candidate_that_ran_here_on_other_data_is_scaled_to_these(params: Params) -> None:
    kept_results("finetune-resnet50-full", per_seed=60.0, epochs=4, host=circumstances()["host"])
    same, more = (stage("finetune@resnet50-full", params, known=Sizes(photos, 100)) for photos in (732, 7320))
    assert same.source == more.source == "ran"
    assert same.seconds == pytest.approx(3 * 60, rel=0.15)
    assert more.seconds > 8 * same.seconds


def test_what_evaluating_took_and_the_memory_are_scaled_to_larger_photos(params: Params) -> None:
    kept_results("finetune-resnet50-full", per_seed=60.0, epochs=4, host=circumstances()["host"])
    folder = Path("evaluation/finetune-resnet50-full")
    folder.mkdir(parents=True)
    (folder / "cost.json").write_text(json.dumps({"evaluation_seconds": 40.0, "measures_seconds": 35.0}))
    larger = changed(params, "data", image_size=192)
    name = "evaluate-finetune@resnet50-full"
    assert 85 < stage(name, params).seconds < 110  # of two seeds, and now of three
    assert stage(name, larger).seconds > 2.5 * stage(name, params).seconds
    assert 3e9 < stage("finetune@resnet50-full", larger).memory < 4 * 3e9, "most of it does not grow with the photos"


def test_views_and_classes_of_an_earlier_run_are_those_that_it_had(params: Params) -> None:
    name = "finetune-vgg16-feature_extractor"
    kept_results(name, per_seed=20.0, epochs=10, host=circumstances()["host"])
    augmented = changed(params, "training", augmentation=params.training.augmentation.model_copy(update={"views": 8}))
    stage_name = "finetune@vgg16-feature_extractor"
    assert stage(stage_name, augmented).seconds > 2 * stage(stage_name, params).seconds
    kept_results("classical-boosting_hog", per_seed=30.0, epochs=1, host=circumstances()["host"])
    write_predictions_of(14, Path("evaluation/classical-boosting_hog"))
    few, many = (
        stage("baseline@boosting_hog", params, known=Sizes(732, 661, classes)).seconds for classes in (14, 102)
    )
    assert many > 4 * few


def write_predictions_of(classes: int, folder: Path) -> None:
    folder.mkdir(parents=True)
    pd.DataFrame({f"p_{number}": [0.0] for number in range(classes)}).to_parquet(folder / "predictions.parquet")


def test_a_run_of_another_model_of_the_same_name_says_nothing(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_results("classical-boosting_hog", per_seed=30.0, epochs=1, host=circumstances()["host"])
    assert stage("baseline@boosting_hog", params).source == "ran"
    row = load_classical("boosting_hog")
    larger = row.model_copy(update={"settings": {**row.settings, "max_iter": 600}})
    monkeypatch.setattr("pipeline.operations.planning.history.load_classical", lambda name: larger)
    assert stage("baseline@boosting_hog", params).source == "usual"


def test_what_another_machine_took_says_nothing(params: Params) -> None:
    kept_results("finetune-resnet50-full", 60.0, 2, {**circumstances()["host"], "cpu": "another"})
    assert stage("finetune@resnet50-full", params).source == "usual"


def test_results_that_cannot_be_read_say_nothing(params: Params) -> None:
    kept_results("finetune-resnet50-full", 60.0, 2, circumstances()["host"])
    Path("results/finetune-resnet50-full/cost.json").write_text("{")
    assert stage("finetune@resnet50-full", params).source == "usual"
