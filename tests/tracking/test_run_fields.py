from __future__ import annotations

from pipeline.tracking.run_fields import (
    LONGEST_PARAM,
    LONGEST_TAG,
    curve_points,
    final_metrics,
    flat_params,
    grouped,
    metrics_of_tags,
    metrics_tags,
    phase_tags,
    trial_params,
)
from pipeline.trials import Recipe


def test_nested_parameters_become_dotted_keys_with_plain_text() -> None:
    nested = {
        "training": {"rate": 1e-3, "name": "full", "limit": None},
        "phases": [{"train": "head"}, {"train": "all"}],
    }
    assert flat_params(nested) == {
        "training.rate": "0.001",
        "training.name": "full",
        "training.limit": "null",
        "phases.0.train": "head",
        "phases.1.train": "all",
    }


def test_a_list_of_plain_values_stays_one_parameter_and_an_empty_mapping_gives_none() -> None:
    assert flat_params({"kernel": [3, 3], "settings": {}}) == {"kernel": "[3, 3]"}


def test_values_and_keys_keep_to_mlflows_limits() -> None:
    flat = flat_params({"a" * 300: "v" * 7000, "odd (key) ü": True})
    assert flat == {"a" * 250: "v" * LONGEST_PARAM, "odd _key_ _": "true"}


def test_a_trials_params_have_its_seed_but_not_the_list_that_may_grow() -> None:
    trial = Recipe("cnn-lecture", "cnn", None, None, "multiclass", "f", {"seeds": [0, 1], "epochs": 3})
    assert trial_params(trial, 1) == {"epochs": "3", "seed": "1"}


def test_metrics_that_share_a_name_with_a_curve_are_called_final() -> None:
    metrics = {"train_loss": 0.1, "val_accuracy": 0.5, "test_accuracy": 0.6, "gap": 0.2}
    expected = {"final_train_loss": 0.1, "final_val_accuracy": 0.5, "test_accuracy": 0.6, "gap": 0.2}
    assert final_metrics(metrics) == expected


def test_a_candidates_many_measures_are_grouped_and_what_is_compared_first_stays_plain() -> None:
    measures = {"test_accuracy": 0.9, "final_val_accuracy": 0.8, "gap": 0.1, "test_ece": 0.2}
    altered = {"fog_accuracy": 0.5, "mirror_consistency": 0.9, "corrupted_degradation": 0.3}
    explained = {"deletion_area": 0.4, "own_explanation_gain": 0.1}
    assert grouped({**measures, **altered, **explained}) == {
        **measures,
        **{f"robustness/{key}": value for key, value in altered.items()},
        **{f"explanation/{key}": value for key, value in explained.items()},
    }
    assert grouped({"cost_seconds": 3.0, "cpu_seconds": 2.0}, "cost/") == {"cost_seconds": 3.0, "cost/cpu_seconds": 2.0}


def test_what_is_not_a_number_gives_no_metric() -> None:
    row = {"learning_rate": None, "train_loss": float("nan"), "val_loss": float("inf"), "phase": 2, "seed": 1}
    assert curve_points(row) == {"curve/phase": 2.0}


def test_metrics_get_names_that_mlflow_takes() -> None:
    assert final_metrics({"recall of a (b)": 0.5}) == {"recall of a _b_": 0.5}


def test_any_number_of_metrics_is_remembered_in_tags_of_allowed_length() -> None:
    names = {f"accuracy under corruption number {number}" for number in range(1000)} | {"gap"}
    tags = metrics_tags(names)
    assert len(tags) > 1
    assert max(map(len, tags.values())) <= LONGEST_TAG
    assert metrics_of_tags(tags | {"kiyas.kind": "trial"}) == names


def test_phases_lie_on_one_axis_and_each_says_where_it_begins_and_ends() -> None:
    epochs = [(1, 1), (1, 2), (1, 3), (2, 4), (3, 5), (3, 6)]
    assert phase_tags(epochs, ["head", "top 1", "all"]) == {
        "kiyas.phase.1": "head, epochs 1 to 3",
        "kiyas.phase.2": "top 1, epochs 4 to 4",
        "kiyas.phase.3": "all, epochs 5 to 6",
    }


def test_errors_on_altered_photos_stand_beside_one_another_and_those_of_splits_stay_plain() -> None:
    plain = {"test_mae": 2.0, "final_val_mae": 3.0, "test_rmse": 4.0}
    altered = {"contrast_mae": 5.0, "corrupted_growth": 1.5, "shift_4_change": 0.2, "mirror_change": 0.1}
    assert grouped({**plain, **altered}) == plain | {f"robustness/{key}": value for key, value in altered.items()}
