from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.data.schema import TensorDatasetSchema
from mlflow.entities import Metric, Run, RunTag

from pipeline.comparison.tables.ensembles.ensemble import Part, fingerprint_of
from pipeline.configuration.whole import Params
from pipeline.ground.files import read_json, write_json
from pipeline.ground.paths import VERDICT
from pipeline.params.study import DataSizes
from pipeline.tracking.address import checkout_id, tracking_uri
from pipeline.tracking.descriptions.ensembles import describe_ensembles
from pipeline.tracking.live.trial import follow_trial
from pipeline.tracking.run_fields import CONTENT
from pipeline.tracking.store import Store, TrackingError, open_store
from pipeline.tracking.sync import Summary, sync, sync_if_possible
from pipeline.trials import Recipe, evaluation_folder, read_trial, results_folder
from tests.starts import ended, forked
from tests.tracking.simulated import (
    EPOCHS,
    SIDE,
    STARTED_MS,
    history_rows,
    write_comparison,
    write_evaluation,
    write_results,
)

ROOT = Path(__file__).resolve().parents[2]
RUNS = 2 * 2 + 2 + 1  # trials, candidates, the comparison
ENDED_MS = STARTED_MS + 300_000


def write_ensemble(name: str, against: str = "classical-majority") -> None:
    """An ensemble of the second candidate's seeds is the best of the comparison on disk."""
    ranking = pd.read_csv("comparison/ranking.csv")
    best = ranking.iloc[[0]].assign(candidate=name, rank=0, test_accuracy=0.87, low=0.8, high=0.93)
    pd.concat([best, ranking]).to_csv("comparison/ranking.csv", index=False)
    models = [{"candidate": "finetune-resnet50-full", "seed": seed, "weight": 0.5} for seed in (0, 1)]
    record = {"candidate": name, "kind": "seeds", "members": {"finetune-resnet50-full": 1.0}, "models": models}
    prints = {"finetune-resnet50-full": read_trial("finetune-resnet50-full").fingerprint}
    fingerprint = fingerprint_of("seeds", [Part(**model) for model in models], prints)
    record |= {"fingerprint": fingerprint, "difference": 0.07, "low": 0.01, "high": 0.13, "latency_ms": 25.0}
    told = {"against": against, "ensembles": [record]}
    write_json(VERDICT, read_json(VERDICT) | {"ensembles": told, "recommended": name})


def test_an_ensemble_has_a_run_of_its_own_and_is_superseded_once_it_does_not_compete(simulated: Params) -> None:
    before, name = VERDICT.read_text(encoding="utf-8"), "ensemble-seeds-finetune-resnet50-full"
    ranking = Path("comparison/ranking.csv").read_text(encoding="utf-8")
    write_ensemble(name)
    assert sync(simulated) == Summary(added=RUNS + 1) and sync(simulated) == Summary(unchanged=RUNS + 1)
    (run,) = [run for run in _runs(simulated) if run.data.tags.get("kiyas.candidate") == name]
    tags, metrics = run.data.tags, run.data.metrics
    assert (tags["kiyas.kind"], tags["kiyas.family"], tags["kiyas.advice"]) == ("candidate", "ensemble", "recommended")
    assert (tags["kiyas.against"], tags["kiyas.interval"]) == ("classical-majority", "0.800 to 0.930")
    assert (metrics["test_accuracy"], metrics["test_accuracy_low"], metrics["cost/latency_ms_median"]) == (
        0.87,
        0.8,
        25,
    )
    assert (metrics["averaging/difference"], metrics["cost/models"]) == (0.07, 2)
    assert run.data.params["ensemble.members.finetune-resnet50-full"] == "1.0"
    Path("comparison/ranking.csv").write_text(ranking, encoding="utf-8")
    write_ensemble(name, against="finetune-resnet50-full")
    sync(simulated)
    (run,) = [run for run in _runs(simulated) if run.data.tags.get("kiyas.candidate") == name]
    assert run.data.tags["kiyas.against"] == "finetune-resnet50-full", "it is the same, whichever single model leads"
    VERDICT.write_text(before, encoding="utf-8")
    Path("comparison/ranking.csv").write_text(ranking, encoding="utf-8")
    sync(simulated)
    (run,) = [run for run in _runs(simulated) if run.data.tags.get("kiyas.candidate") == name]
    assert run.data.tags["kiyas.superseded"] == "true"


@pytest.mark.usefixtures("simulated")
def test_an_ensemble_whose_models_are_gone_is_not_shown() -> None:
    write_ensemble("ensemble-seeds-finetune-resnet50-full")
    assert len(describe_ensembles(None)) == 1
    trial = results_folder("finetune-resnet50-full") / "trial.json"
    write_json(trial, read_json(trial) | {"fingerprint": "trained anew"})
    assert describe_ensembles(None) == []


def test_every_trial_candidate_and_comparison_on_disk_has_one_run(simulated: Params) -> None:
    assert sync(simulated) == Summary(added=RUNS)
    runs = _runs(simulated)
    assert Counter(run.data.tags["kiyas.kind"] for run in runs) == {"trial": 4, "candidate": 2, "comparison": 1}
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_a_point_of_the_data_size_study_has_trials_and_no_summary_among_the_candidates(simulated: Params) -> None:
    study = DataSizes(candidates=["finetune-resnet50-full"], fractions=[0.1])
    params = simulated.model_copy(update={"study": study})
    write_results(params.studied()[0], params.seeds)
    assert sync(params) == Summary(added=RUNS + 2)
    points = [run for run in _runs(params) if run.data.tags.get("kiyas.candidate") == "finetune-resnet50-full-0.1"]
    assert [run.data.tags["kiyas.kind"] for run in points] == ["trial", "trial"]
    assert sync(params) == Summary(unchanged=RUNS + 2)


def test_a_trials_run_says_who_it_is_and_where_it_came_from(simulated: Params) -> None:
    sync(simulated)
    expected = {
        "kiyas.kind": "trial",
        "kiyas.candidate": "finetune-resnet50-full",
        "kiyas.seed": "1",
        "kiyas.fingerprint": "first",
        "kiyas.family": "finetune",
        "kiyas.backbone": "resnet50",
        "kiyas.technique": "full",
        "kiyas.superseded": "false",
        "kiyas.phases": "head, all",
        "mlflow.source.git.commit": "abc",
    }
    assert _trial(simulated).data.tags.items() >= expected.items()


def test_a_trials_curves_are_complete_with_the_epoch_as_step_and_its_own_times(simulated: Params) -> None:
    sync(simulated)
    store, run = _store(simulated), _trial(simulated)
    rows = history_rows(simulated.candidates()[-1], 1)
    for key in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "phase"):
        history = store.client.get_metric_history(run.info.run_id, f"curve/{key}")
        assert [(point.step, point.value) for point in history] == [(row["epoch"], row[key]) for row in rows]
        assert [point.timestamp for point in history] == [STARTED_MS + 60_000 * (step + 1) for step in range(EPOCHS)]
    assert (run.info.start_time, run.info.end_time) == (STARTED_MS, ENDED_MS)


def test_a_trial_is_a_child_of_its_candidate(simulated: Params) -> None:
    sync(simulated)
    trial = _trial(simulated)
    parent = _store(simulated).client.get_run(trial.data.tags["mlflow.parentRunId"])
    assert (parent.data.tags["kiyas.kind"], parent.info.run_name) == ("candidate", trial.data.tags["kiyas.candidate"])


def test_a_candidate_says_in_text_what_the_ranking_and_the_verdict_say_of_it(simulated: Params) -> None:
    sync(simulated)
    store = _store(simulated)
    (best,) = store.client.search_runs([store.experiment_id], "tags.kiyas.kind = 'candidate' and metrics.rank = 1")
    low, high = (best.data.metrics[f"test_accuracy_{end}"] for end in ("low", "high"))
    assert best.data.tags["kiyas.interval"] == f"{low:.3f} to {high:.3f}"
    assert best.data.tags["kiyas.advice"] == "highest score"
    assert best.data.tags["mlflow.note.content"].startswith("A classical model, trained with 2 seeds.")


def test_a_trial_whose_curves_have_the_names_of_an_earlier_version_is_shown_anew(simulated: Params) -> None:
    sync(simulated)
    store, run = _store(simulated), _trial(simulated)
    store.client.log_batch(run.info.run_id, metrics=[Metric("val_loss", 0.5, STARTED_MS, 1)])
    store.client.set_tag(run.info.run_id, "kiyas.content", "earlier")
    summary = sync(simulated)
    assert (summary.added, summary.superseded) == (1, 1)
    assert "val_loss" not in _trial(simulated).data.metrics


def test_the_experiment_says_what_it_holds_and_leads_to_the_contenders(simulated: Params) -> None:
    sync(simulated)
    store = _store(simulated)
    note = store.client.get_experiment(store.experiment_id).tags["mlflow.note.content"]
    assert f"(#/experiments/{store.experiment_id}/runs?viewStateShareKey=kiyas-ranking" in note
    (comparison,) = store.client.search_runs([store.experiment_id], "tags.kiyas.kind = 'comparison'")
    assert f"/runs/{comparison.info.run_id}/artifacts/report.html)" in note
    store.client.set_experiment_tag(store.experiment_id, "mlflow.note.content", "mine")
    sync(simulated)
    assert store.client.get_experiment(store.experiment_id).tags["mlflow.note.content"] == "mine"


def test_a_trials_run_holds_params_final_metrics_and_files(simulated: Params) -> None:
    sync(simulated)
    run = _trial(simulated)
    params = {"training.batch_size": "32", "blocks.1.filters": "64", "seed": "1", "parameter_counts.total": "1000"}
    expected = {"final_train_accuracy": 1.0, "final_val_accuracy": 0.7, "test_accuracy": 0.7, "gap": 0.3}
    expected |= {"cost_seconds": 260.0, "best_epoch": 3.0}
    assert run.data.params.items() >= params.items()
    assert {key: run.data.metrics.get(key) for key in expected} == pytest.approx(expected)
    assert _artifacts(simulated, run) == ["history.csv", "trial.json"]


def test_a_candidates_run_has_means_interval_and_rank_so_that_sorting_gives_the_ranking(simulated: Params) -> None:
    sync(simulated)
    store = _store(simulated)
    found = store.client.search_runs(
        [store.experiment_id], "tags.kiyas.kind = 'candidate'", order_by=["metrics.test_accuracy DESC"]
    )
    assert [run.info.run_name for run in found] == [candidate.name for candidate in simulated.candidates()]
    assert [run.data.metrics["rank"] for run in found] == [1, 2]
    best = found[0]
    interval = [best.data.metrics[key] for key in ("test_accuracy_low", "test_accuracy", "test_accuracy_high")]
    assert interval == pytest.approx([0.75, 0.8, 0.85])
    assert (best.data.metrics["cost/latency_ms_p95"], best.data.metrics["cost/evaluation_seconds"]) == (4.0, 7.0)
    assert best.data.metrics["cost/model_bytes"] == 5000 and best.data.metrics["cost_seconds"] == pytest.approx(260.0)
    assert best.data.tags["kiyas.relation_to_best"] == "best"
    assert _artifacts(simulated, best) == ["figures", "metrics.json", "model_card.md"]
    assert _artifacts(simulated, best, "figures") == ["figures/confusion.svg"]


def test_a_candidate_that_was_shown_before_it_was_ranked_has_each_measure_once(simulated: Params) -> None:
    name, exact, ranking = simulated.candidates()[0].name, 1e-9, Path("comparison/ranking.csv")
    costs, metrics = results_folder(name) / "cost.json", evaluation_folder(name) / "metrics.json"
    for file in (costs, metrics):  # more digits than the ranking has
        text = (
            file.read_text(encoding="utf-8")
            .replace("260.0", f"{260 + exact:.9f}")
            .replace("0.8,", f"{0.8 + exact:.9f},")
        )
        file.write_text(text, encoding="utf-8")
    ranked = ranking.read_bytes()
    ranking.unlink()
    sync(simulated)
    ranking.write_bytes(ranked)
    sync(simulated)
    store = _store(simulated)
    chosen = f"tags.kiyas.kind = 'candidate' and tags.kiyas.candidate = '{name}'"
    (run,) = store.client.search_runs([store.experiment_id], chosen)
    points = {key: len(store.client.get_metric_history(run.info.run_id, key)) for key in run.data.metrics}
    assert {"test_accuracy", "cost_seconds", "rank"} <= points.keys() and set(points.values()) == {1}


def test_the_comparisons_run_carries_the_report_and_the_answer(simulated: Params) -> None:
    sync(simulated)
    (run,) = [run for run in _runs(simulated) if run.data.tags["kiyas.kind"] == "comparison"]
    assert _artifacts(simulated, run) == ["ranking.csv", "report.html", "verdict.json"]
    assert run.data.tags["mlflow.note.content"] == "Fine-tune."
    assert run.data.tags["kiyas.winner"] == simulated.candidates()[0].name


def test_a_trials_run_names_its_data_with_hash_and_schema(simulated: Params) -> None:
    sync(simulated)
    shown = {one.tags[0].value: one.dataset for one in _trial(simulated).inputs.dataset_inputs}
    assert {context: one.name for context, one in shown.items()} == {
        "training": "fruit-development",
        "evaluation": "fruit-test",
    }
    hashes = read_json(Path("data/prepared/dataset.json"))["hashes"]
    assert hashes["development"].startswith(shown["training"].digest)
    schema = TensorDatasetSchema.from_dict(json.loads(shown["training"].schema))
    assert schema.features.inputs[0].shape == (-1, SIDE, SIDE, 3)
    assert json.loads(shown["evaluation"].profile)["classes"] == {"apple": 10, "orange": 10}


def test_phases_are_marked_on_the_common_axis(simulated: Params) -> None:
    sync(simulated)
    told = {key: value for key, value in _trial(simulated).data.tags.items() if key.startswith("kiyas.phase.")}
    assert told == {"kiyas.phase.1": "head, epochs 1 to 2", "kiyas.phase.2": "all, epochs 3 to 4"}


def test_a_candidates_model_card_says_how_well_it_does_and_on_what(simulated: Params, tmp_path: Path) -> None:
    sync(simulated)
    store = _store(simulated)
    (run,) = store.client.search_runs([store.experiment_id], "attributes.run_name = 'finetune-resnet50-full'")
    card = Path(store.client.download_artifacts(run.info.run_id, "model_card.md", str(tmp_path))).read_text()
    for told in (
        "resnet50, fine-tuned by full",
        "fruit: 2 classes, 80 examples",
        "| test_accuracy | 0.7 |",
        "apple, orange",
    ):
        assert told in card
    assert "0.65 to 0.75" in card


def test_a_tag_of_ours_that_the_files_no_longer_have_goes(simulated: Params) -> None:
    sync(simulated)
    _store(simulated).client.set_tag(_trial(simulated).info.run_id, "kiyas.phase.3", "top 1, epochs 5 to 9")
    file = results_folder("finetune-resnet50-full") / "cost.json"
    write_json(file, {**read_json(file), "commit": "def"})
    assert sync(simulated) == Summary(updated=3, unchanged=RUNS - 3)
    assert "kiyas.phase.3" not in _trial(simulated).data.tags


def test_a_second_sync_writes_nothing(simulated: Params, database: Path, checkout: Path) -> None:
    sync(simulated)
    before = _everything(database, checkout)
    assert sync(simulated) == Summary(unchanged=RUNS)
    assert _everything(database, checkout) == before


def test_an_emptied_store_is_filled_again_with_the_same_content(simulated: Params, database: Path) -> None:
    sync(simulated)
    shown = _shown(simulated)
    store = _store(simulated)
    for run in _runs(simulated):
        store.client.delete_run(run.info.run_id)
    assert sync(simulated) == Summary(added=RUNS)
    assert _shown(simulated) == shown


def test_lost_artifacts_come_back(simulated: Params, checkout: Path) -> None:
    sync(simulated)
    shutil.rmtree(checkout / "mlartifacts")
    assert sync(simulated) == Summary(updated=RUNS)
    assert _artifacts(simulated, _trial(simulated)) == ["history.csv", "trial.json"]


def test_a_live_run_is_completed_rather_than_repeated(simulated: Params) -> None:
    run_id = _train_live(simulated, epochs=EPOCHS)
    assert sync(simulated) == Summary(added=RUNS - 1, updated=1)
    run = _trial(simulated)
    assert run.info.run_id == run_id
    assert run.data.metrics["test_accuracy"] == pytest.approx(0.7)
    assert run.info.end_time == ENDED_MS
    assert _steps(simulated, run) == [1, 2, 3, 4]
    assert sync(simulated) == Summary(unchanged=RUNS)


def test_a_live_run_that_lost_its_server_halfway_gets_the_rest_of_its_curves(simulated: Params) -> None:
    run_id = _train_live(simulated, epochs=2, status="RUNNING")
    sync(simulated)
    run = _trial(simulated)
    assert (run.info.run_id, run.info.status) == (run_id, "FINISHED")
    assert _steps(simulated, run) == [1, 2, 3, 4]


def test_a_run_left_half_written_by_a_killed_sync_is_taken_up_again(
    simulated: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("mlflow.MlflowClient.set_terminated", killed)
        sync(simulated)
    assert sync(simulated) == Summary(added=RUNS - 1, updated=1)
    assert len(_runs(simulated)) == RUNS


def test_of_two_live_runs_of_one_trial_one_is_kept_and_the_other_marked(simulated: Params) -> None:
    killed = _train_live(simulated, epochs=2, status="RUNNING")
    finished = _train_live(simulated, epochs=EPOCHS)
    assert sync(simulated) == Summary(added=RUNS - 1, updated=1, superseded=1)
    runs = {run.info.run_id: run for run in _runs(simulated)}
    assert runs[finished].data.tags["kiyas.superseded"] == "false"
    assert runs[killed].data.tags["kiyas.superseded"] == "true"
    assert runs[killed].info.status == "KILLED"
    assert sync(simulated) == Summary(unchanged=RUNS)


def test_a_curve_that_differs_from_the_files_is_replaced_since_points_cannot_be_taken_back(simulated: Params) -> None:
    run_id = _train_live(simulated, epochs=2)
    _store(simulated).client.log_batch(run_id, metrics=[Metric("curve/val_loss", 9.0, STARTED_MS, 3)])
    assert sync(simulated) == Summary(added=RUNS, superseded=1)
    assert _trial(simulated).info.run_id != run_id


def test_a_retrained_candidate_gets_new_runs_and_the_old_ones_are_marked_not_deleted(simulated: Params) -> None:
    sync(simulated)
    before = {run.info.run_id for run in _runs(simulated)}
    write_results(simulated.candidates()[-1], simulated.seeds, fingerprint="second")
    assert sync(simulated) == Summary(added=3, unchanged=RUNS - 3, superseded=3)
    runs = _runs(simulated)
    assert before < {run.info.run_id for run in runs}
    marked = [run for run in runs if run.data.tags["kiyas.superseded"] == "true"]
    assert {(run.data.tags["kiyas.candidate"], run.data.tags["kiyas.fingerprint"]) for run in marked} == {
        ("finetune-resnet50-full", "first")
    }


def test_results_that_come_back_from_the_cache_lose_their_mark(simulated: Params) -> None:
    sync(simulated)
    write_results(simulated.candidates()[-1], simulated.seeds, fingerprint="second")
    sync(simulated)
    write_results(simulated.candidates()[-1], simulated.seeds, fingerprint="first")
    assert sync(simulated) == Summary(updated=3, unchanged=RUNS - 3, superseded=3)
    assert _trial(simulated).data.tags["kiyas.fingerprint"] == "first"


def test_a_candidate_that_left_the_parameters_is_marked_with_its_trials(simulated: Params) -> None:
    sync(simulated)
    nothing_classical = simulated.baseline.model_copy(update={"models": []})
    without = simulated.model_copy(update={"baseline": nothing_classical})
    assert sync(without) == Summary(unchanged=RUNS - 3, superseded=3)


def test_one_seed_more_adds_one_run_and_replaces_none(simulated: Params) -> None:
    sync(simulated)
    before = {run.info.run_id for run in _runs(simulated)}
    write_results(simulated.candidates()[-1], [0, 1, 2])
    assert sync(simulated) == Summary(added=1, updated=3, unchanged=RUNS - 3)
    (new,) = [run for run in _runs(simulated) if run.info.run_id not in before]
    assert new.info.run_name == "finetune-resnet50-full seed 2"


def test_a_new_evaluation_changes_the_metrics_of_the_same_runs(simulated: Params) -> None:
    sync(simulated)
    write_evaluation(simulated.candidates()[-1], simulated.seeds, accuracy=0.65)
    assert sync(simulated) == Summary(updated=3, unchanged=RUNS - 3)
    assert _trial(simulated).data.metrics["test_accuracy"] == 0.65
    assert sync(simulated) == Summary(unchanged=RUNS)


def test_a_metric_that_the_files_no_longer_have_disappears_with_its_run(simulated: Params) -> None:
    sync(simulated)
    shutil.rmtree("evaluation/finetune-resnet50-full")
    shutil.rmtree("comparison")
    assert sync(simulated) == Summary(added=4, unchanged=2, superseded=5)
    assert "test_accuracy" not in _trial(simulated).data.metrics


def test_a_figure_that_the_files_no_longer_have_disappears_with_its_run(simulated: Params) -> None:
    sync(simulated)
    figures = Path("evaluation/finetune-resnet50-full/figures")
    (figures / "confusion.svg").rename(figures / "matrix.svg")
    assert sync(simulated) == Summary(added=1, unchanged=RUNS - 1, superseded=1)


def test_a_new_answer_is_a_new_comparison(simulated: Params) -> None:
    sync(simulated)
    write_comparison(simulated, answer="Take the forest.")
    assert sync(simulated) == Summary(added=1, unchanged=RUNS - 1, superseded=1)


def test_what_a_person_added_stays(simulated: Params) -> None:
    sync(simulated)
    store, run = _store(simulated), _trial(simulated)
    note = {"mlflow.note.content": "looks odd", "mlflow.runName": "the odd one", "mine": "1"}
    metrics = [Metric("my_metric", 1.0, 0, 0), Metric("system/cpu_utilization_percentage", 50.0, 0, 0)]
    store.client.log_batch(run.info.run_id, metrics=metrics, tags=[RunTag(key, value) for key, value in note.items()])
    store.client.create_run(store.experiment_id, run_name="by hand")
    assert sync(simulated) == Summary(unchanged=RUNS)
    assert _trial(simulated).data.tags.items() >= note.items()


def test_what_a_person_changed_of_ours_is_set_right(simulated: Params) -> None:
    sync(simulated)
    store, run = _store(simulated), _trial(simulated)
    store.client.log_metric(run.info.run_id, "test_accuracy", 1.0)
    store.client.set_tag(run.info.run_id, "kiyas.family", "cnn")
    assert sync(simulated) == Summary(updated=1, unchanged=RUNS - 1)
    assert _trial(simulated).data.metrics["test_accuracy"] == pytest.approx(0.7)
    assert _trial(simulated).data.tags["kiyas.family"] == "finetune"


@pytest.mark.parametrize("on_disk", [False, True], ids=["as after DVC removed the outs", "by hand"])
def test_a_training_that_runs_now_is_left_alone(simulated: Params, on_disk: bool) -> None:
    if not on_disk:
        shutil.rmtree(results_folder("finetune-resnet50-full"))
    candidate = simulated.candidates()[-1]
    with follow_trial(simulated.tracking, _recipe(candidate.name), 1) as tell:
        tell(history_rows(candidate, 1)[0])
        run_id = _wait_for_a_live_run(simulated)
        sync(simulated)
        run = _store(simulated).client.get_run(run_id)
        assert (run.info.status, run.data.tags["kiyas.superseded"]) == ("RUNNING", "false")


def test_the_run_of_a_process_that_was_killed_while_it_trained_ends_with_the_next_sync(
    simulated: Params,
) -> None:
    shutil.rmtree(results_folder("finetune-resnet50-full"))

    def train() -> None:
        with follow_trial(simulated.tracking, _recipe("finetune-resnet50-full"), 1) as tell:
            tell(history_rows(simulated.candidates()[-1], 1)[0])
            time.sleep(200)

    training = forked(train)
    run_id = _wait_for_a_live_run(simulated)
    sync(simulated)
    assert _store(simulated).client.get_run(run_id).info.status == "RUNNING"
    os.kill(training, signal.SIGKILL)
    assert ended(training) == -signal.SIGKILL
    assert sync(simulated).superseded == 1
    assert _store(simulated).client.get_run(run_id).info.status == "KILLED"


@pytest.mark.parametrize("left", ["everything else", "nothing at all"])
def test_a_training_that_was_killed_and_never_repeated_does_not_run_for_ever(simulated: Params, left: str) -> None:
    shutil.rmtree(results_folder("finetune-resnet50-full"))
    if left == "nothing at all":
        shutil.rmtree("results")
    run_id = _train_live(simulated, epochs=2, status="RUNNING")
    assert sync(simulated).superseded == 1
    run = _store(simulated).client.get_run(run_id)
    assert (run.info.status, run.data.tags["kiyas.superseded"]) == ("KILLED", "true")
    assert sync(simulated).superseded == 0


def test_what_a_colleague_wrote_to_the_same_server_is_left_alone(simulated: Params) -> None:
    sync(simulated)
    training = _train_live(simulated, epochs=2, status="RUNNING")
    Path(".kiyas/checkout").write_text("a colleague's")
    write_results(simulated.candidates()[-1], simulated.seeds, fingerprint="another learning rate")
    assert sync(simulated) == Summary(added=3, unchanged=RUNS - 3)
    assert _store(simulated).client.get_run(training).info.status == "RUNNING"
    assert {run.data.tags["kiyas.superseded"] for run in _runs(simulated)} == {"false"}


def test_what_a_colleague_has_shown_already_is_not_shown_twice(simulated: Params) -> None:
    sync(simulated)
    Path(".kiyas/checkout").write_text("a colleague's")
    assert sync(simulated) == Summary(unchanged=RUNS)


def test_a_workspace_that_shares_the_store_goes_by_the_same_name(
    simulated: Params, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = checkout_id()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    (checkout / "workspaces/quick").mkdir(parents=True)
    monkeypatch.chdir(checkout / "workspaces/quick")
    assert checkout_id() == named


def test_a_clone_without_results_leaves_the_store_alone(simulated: Params, database: Path, checkout: Path) -> None:
    sync(simulated)
    shutil.rmtree("results")
    before = _everything(database, checkout)
    assert sync(simulated) == Summary()
    assert _everything(database, checkout) == before


def test_two_syncs_of_a_checkout_at_once_add_everything_once(simulated: Params) -> None:
    with ThreadPoolExecutor(2) as threads:
        summaries = list(threads.map(sync, [simulated, simulated]))
    assert sorted((one.added, one.unchanged) for one in summaries) == [(0, RUNS), (RUNS, 0)]


def test_where_numbers_are_predicted_their_error_is_curve_and_rank(simulated: Params) -> None:
    candidate = simulated.candidates()[-1]
    _write_history([{**row, "val_rmse": 1.5, "val_accuracy": None} for row in history_rows(candidate, 1)])
    ranking = Path("comparison/ranking.csv")
    ranking.write_text(ranking.read_text().replace("test_accuracy", "test_rmse"))
    sync(simulated)
    store = _store(simulated)
    points = store.client.get_metric_history(_trial(simulated).info.run_id, "curve/val_rmse")
    assert [point.value for point in points] == [1.5] * EPOCHS
    (run,) = store.client.search_runs([store.experiment_id], f"attributes.run_name = '{candidate.name}'")
    assert run.data.metrics["test_rmse_low"] == pytest.approx(0.65)
    view = json.loads(store.client.get_experiment(store.experiment_id).tags["mlflow.sharedViewState.kiyas-ranking"])
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`test_rmse`", True)


def test_long_curves_and_many_params_are_sent_in_batches_that_mlflow_accepts(simulated: Params) -> None:
    file = results_folder("finetune-resnet50-full") / "trial.json"
    trial = read_json(file)
    trial["parameters"] = {f"p{index}": index for index in range(250)}
    write_json(file, trial)
    rows = [{**history_rows(simulated.candidates()[-1], 1)[0], "epoch": epoch} for epoch in range(1, 301)]
    _write_history(rows)
    sync(simulated)
    assert len(_trial(simulated).data.params) >= 250
    assert _steps(simulated, _trial(simulated)) == list(range(1, 301))


def test_a_server_that_is_down_is_an_error_for_track_and_a_warning_for_a_stage(
    simulated: Params, closed_port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(TrackingError, match=str(closed_port)):
        sync(simulated)
    sync_if_possible(simulated)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_file_that_cannot_be_read_costs_a_stage_a_warning_too(
    simulated: Params, caplog: pytest.LogCaptureFixture
) -> None:
    Path("comparison/verdict.json").write_text("{", encoding="utf-8")
    sync_if_possible(simulated)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_stage_with_tracking_off_writes_nothing(simulated: Params) -> None:
    off = simulated.tracking.model_copy(update={"enabled": False})
    sync_if_possible(simulated.model_copy(update={"tracking": off}))
    assert _runs(simulated) == []


def _store(params: Params) -> Store:
    return open_store(params.tracking.experiment)


def _runs(params: Params) -> list[Run]:
    store = _store(params)
    return list(store.client.search_runs([store.experiment_id]))


def _trial(params: Params) -> Run:
    """The current run of the fine-tuned candidate's second seed."""
    wanted = {"kiyas.kind": "trial", "kiyas.candidate": "finetune-resnet50-full", "kiyas.seed": "1"}
    (run,) = [run for run in _runs(params) if run.data.tags.items() >= {**wanted, "kiyas.superseded": "false"}.items()]
    return run


def _train_live(params: Params, epochs: int, status: str = "FINISHED") -> str:
    """A live run of that trial, which a kill or a lost server may leave RUNNING; returns its id."""
    before = {run.info.run_id for run in _runs(params)}
    candidate = params.candidates()[-1]
    with follow_trial(params.tracking, _recipe(candidate.name), 1) as tell:
        for row in history_rows(candidate, 1)[:epochs]:
            tell(row)
    (run_id,) = {run.info.run_id for run in _runs(params)} - before
    _store(params).client.update_run(run_id, status)
    return str(run_id)


def _recipe(candidate: str) -> Recipe:
    parameters = {"training": {"batch_size": 32}, "blocks": [{"filters": 32}, {"filters": 64}]}
    return Recipe(candidate, "finetune", "resnet50", "full", "multiclass", "first", parameters)


def _wait_for_a_live_run(params: Params) -> str:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        for run in _runs(params):
            if run.info.status == "RUNNING" and run.data.metrics:
                return str(run.info.run_id)
        time.sleep(0.05)
    raise AssertionError("no live run came")


def _write_history(rows: list[dict[str, Any]]) -> None:
    import pandas as pd

    pd.DataFrame(rows).to_csv(results_folder("finetune-resnet50-full") / "history.csv", index=False)


def _steps(params: Params, run: Run) -> list[int]:
    return sorted(point.step for point in _store(params).client.get_metric_history(run.info.run_id, "curve/val_loss"))


def _artifacts(params: Params, run: Run, folder: str | None = None) -> list[str]:
    return sorted(file.path for file in _store(params).client.list_artifacts(run.info.run_id, folder))


def _shown(params: Params) -> list[Any]:
    """All that the runs show, without their ids."""
    return sorted(
        [run.info.run_name, run.info.start_time, run.data.tags[CONTENT], sorted(run.data.metrics.items())]
        for run in _runs(params)
    )


def _everything(database: Path, checkout: Path) -> list[Any]:
    """Every row of the database and every artifact with its time."""
    with sqlite3.connect(database) as connection:
        rows = list(connection.iterdump())
    files = sorted((str(file), file.stat().st_mtime_ns) for file in (checkout / "mlartifacts").rglob("*"))
    return [*rows, *files]
