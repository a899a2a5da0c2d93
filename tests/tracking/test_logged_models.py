"""Which models MLflow gets: those of the candidates that were asked for, each once, and complete."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.entities import LoggedModel

from pipeline.champions.served.servable import Servable, ranked_by
from pipeline.configuration.whole import Params
from pipeline.ground.files import read_json, write_json
from pipeline.ground.paths import DATASET
from pipeline.tracking.logged_models import log_model
from pipeline.tracking.store import Store, open_store
from pipeline.tracking.sync import Summary, sync
from pipeline.trials import evaluation_folder, results_folder
from tests.champions.test_bundle import CLASSES, PHOTOS, SIDE, encoded
from tests.tracking.simulated import write_models

CLASSICAL, FINETUNED = "classical-majority", "finetune-resnet50-full"
RUNS = 7
# Of an ensemble the models of its members are logged.
AVERAGED = {name: "ensemble-greedy" for name in ("winner", "recommended")} | {
    "ensembles": {"ensembles": [{"candidate": "ensemble-greedy", "members": {FINETUNED: 1.0}}]}
}


@pytest.fixture
def trained(simulated: Params) -> Params:
    for candidate in simulated.candidates():
        write_models(candidate, simulated.seeds)
    return simulated


@pytest.mark.parametrize(
    ("choice", "verdict", "logged"),
    [
        ("equivalents", {"winner": CLASSICAL}, {CLASSICAL}),
        ("equivalents", {"winner": None, "recommended": FINETUNED}, {FINETUNED}),
        ("equivalents", {"winner": CLASSICAL, "equivalents": [FINETUNED]}, {CLASSICAL, FINETUNED}),
        ("equivalents", AVERAGED, {FINETUNED}),
        ("all", {"winner": CLASSICAL}, {CLASSICAL, FINETUNED}),
        ("none", {"winner": CLASSICAL}, set()),
    ],
)
def test_models_are_logged_of_those_that_were_asked_for(
    trained: Params, choice: str, verdict: dict[str, Any], logged: set[str]
) -> None:
    told = Path("comparison/verdict.json")
    write_json(told, {**read_json(told), **verdict})
    assert sync(_asking(trained, choice)).models == len(logged)
    assert {model.name for model in _models(trained)} == logged
    assert sync(_asking(trained, choice)) == Summary(unchanged=RUNS)


def test_a_logged_model_hangs_on_its_candidates_run_and_says_which_seed_it_is(trained: Params) -> None:
    sync(trained)
    (model,) = _models(trained)
    store = _store(trained)
    run = store.client.get_run(model.source_run_id)
    assert (run.data.tags["kiyas.kind"], run.info.run_name) == ("candidate", CLASSICAL)
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    assert model.tags["kiyas.seed"] == "0"
    assert str(model.status) == "READY"


def test_an_upload_that_was_cut_off_is_set_aside_and_done_again(
    trained: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("mlflow.MlflowClient.log_model_artifacts", killed)
        sync(trained)
    assert sync(trained).models == 1
    assert sorted(str(model.status) for model in _models(trained)) == ["FAILED", "READY"]
    assert sync(trained) == Summary(unchanged=RUNS)


def test_a_model_that_the_files_no_longer_hold_is_marked_and_stays(trained: Params) -> None:
    sync(trained)
    Path(f"results/{CLASSICAL}/models/seed-0.skops").write_text("trained again")
    assert sync(trained).models == 1
    assert sorted(model.tags["kiyas.superseded"] for model in _models(trained)) == ["false", "true"]


def test_a_model_whose_files_are_back_is_shown_again(trained: Params) -> None:
    sync(trained)
    (first,), file = _models(trained), Path(f"results/{CLASSICAL}/models/seed-0.skops")
    before = file.read_bytes()
    file.write_text("trained again")
    sync(trained)
    file.write_bytes(before)
    assert sync(trained).models == 0
    shown = {model.model_id: model.tags["kiyas.superseded"] for model in _models(trained)}
    assert shown.pop(first.model_id) == "false" and list(shown.values()) == ["true"]


def test_the_model_of_a_run_that_another_one_has_replaced_is_set_aside(trained: Params) -> None:
    sync(trained)
    file = results_folder(CLASSICAL) / "trial.json"
    write_json(file, read_json(file) | {"fingerprint": "trained anew"})
    assert sync(trained).models == 1
    assert sorted(model.tags["kiyas.superseded"] for model in _models(trained)) == ["false", "true"]


def test_where_the_models_have_not_been_pulled_the_runs_are_shown_without(simulated: Params) -> None:
    assert sync(simulated) == Summary(added=RUNS)
    assert _models(simulated) == []


def test_a_model_whose_rule_its_validation_examples_choose_waits_for_its_evaluation(trained: Params) -> None:
    params_yaml, predictions = Path("params.yaml"), evaluation_folder(CLASSICAL) / "predictions.parquet"
    dataset, results = read_json(DATASET), results_folder(CLASSICAL) / "trial.json"
    params_yaml.write_text(re.sub(r"(?m)^  score:.*$", "  score: balanced_accuracy", params_yaml.read_text()))
    assert ranked_by(dataset["task"], dataset["class_names"]).by_threshold
    assert sync(trained).models == 0, "trained, and not evaluated yet"
    rows = pd.DataFrame({"seed": 0, "split": "val", "label": [0, 0, 1, 1], "p_1": [0.1, 0.2, 0.3, 0.4]})
    rows.assign(p_0=1 - rows["p_1"]).to_parquet(predictions)
    deps, outs = ([{"path": path.as_posix(), "md5": "of an earlier training"}] for path in (results, predictions))
    write_json(Path("dvc.lock"), {"stages": {"evaluate-classical@majority": {"deps": deps, "outs": outs}}})
    assert sync(trained).models == 0, "evaluated before it was trained again"
    Path("dvc.lock").unlink()
    assert sync(trained).models == 1


def test_a_network_is_logged_loaded_and_answers_for_raw_and_encoded_photos(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras
    import mlflow.pyfunc

    photo = keras.Input((SIDE, SIDE, 3), name="photo")
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(keras.layers.Rescaling(1 / 255, name="scale")(photo))
    network = keras.Model(photo, keras.layers.Dense(3, activation="softmax", name="head")(pooled))
    network.save(tmp_path / "seed-0.keras")
    store = open_store(params.tracking.experiment)
    run_id = store.client.create_run(store.experiment_id).info.run_id
    servable = Servable(tmp_path / "seed-0.keras", "multiclass", CLASSES, SIDE)
    model_id = log_model(store, run_id, "cnn-lecture", servable, {"kiyas.candidate": "cnn-lecture"})
    logged = store.client.get_logged_model(model_id)
    assert (logged.name, str(logged.status), logged.source_run_id) == ("cnn-lecture", "READY", run_id)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.client.tracking_uri)
    monkeypatch.setattr(sys, "path", list(sys.path))  # loading puts the packed code first
    expected = network.predict_on_batch(PHOTOS.astype(np.float32))
    for place in (f"models:/{model_id}", f"runs:/{run_id}/cnn-lecture"):
        model = mlflow.pyfunc.load_model(place)
        raw = model.predict(PHOTOS)
        np.testing.assert_allclose(raw[[f"p_{name}" for name in CLASSES]], expected, atol=1e-6)
        assert list(raw["predicted"]) == [CLASSES[index] for index in expected.argmax(axis=1)]
        of_files = model.predict(np.array(encoded(PHOTOS), dtype=object))
        np.testing.assert_allclose(of_files["probability"], raw["probability"])


def _asking(params: Params, choice: str) -> Params:
    return params.model_copy(update={"tracking": params.tracking.model_copy(update={"log_models": choice})})


def _store(params: Params) -> Store:
    return open_store(params.tracking.experiment)


def _models(params: Params) -> list[LoggedModel]:
    store = _store(params)
    return list(store.client.search_logged_models([store.experiment_id]))
