"""An ensemble as a champion: registered from the comparison, served as one model, judged, promoted and rolled back."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.champions.answering import load
from pipeline.champions.by_hand import promote_by_hand, roll_back
from pipeline.champions.current import load_champion
from pipeline.champions.enrolment import obstacle, register_advised, version_of
from pipeline.champions.log import ChampionError, current, read_log
from pipeline.champions.served.deployed import deployed_of, predictions_of
from pipeline.champions.versions import answering_folder, current_champion, folder_of, model_folder, read_champion
from pipeline.comparison.tables.ensembles.ensemble import Part, fingerprint_of
from pipeline.configuration.loading import load_params
from pipeline.datasets.store.prepared import Prepared
from pipeline.evaluation.answers.models import load_models, predictor
from pipeline.ground.files import read_json, write_csv, write_json
from pipeline.ground.paths import DATASET, VERDICT
from pipeline.models.archive import read_model, write_model
from pipeline.models.classical import compute_features, fit_classical
from pipeline.operations.enrol import sentence
from pipeline.operations.labelling import committee
from pipeline.operations.retraining import decision
from pipeline.operations.retraining.contenders import ReigningChampion, judge_challenger
from pipeline.operations.retraining.intake.acceptance import Intake
from pipeline.operations.retraining.outcome import Outcome
from pipeline.operations.retraining.shortlist import Challenge
from pipeline.params.schema.classical import ClassicalModel
from pipeline.trials import Trial, evaluation_folder, model_path, read_trial, results_folder
from tests.operations.conftest import COLOURS, SIDE, paint

NEAR, FAR = "classical-near", "classical-far"
SEEDS, GREEDY = f"ensemble-seeds-{NEAR}", "ensemble-greedy"
NAMES = list(COLOURS)
LABELS = np.arange(12) % 3
PHOTOS = {
    split: np.stack([paint(NAMES[label], start + place, spread=90) for place, label in enumerate(LABELS)])
    for split, start in (("train", 0), ("val", 100), ("test", 200))
}


@pytest.fixture
def compared(checkout: Path) -> None:
    """Two candidates of two seeds that know colours, and a comparison that advises the mean of the seeds of one."""
    for name, neighbours in ((NEAR, 1), (FAR, 5)):
        write_candidate(name, neighbours)
    split = {"development": "d", "test": "t"}
    dataset = {"task": "multiclass", "class_names": NAMES, "image_size": SIDE, "hashes": split, "kind": "images"}
    write_json(DATASET, dataset)
    parts = [Part(NEAR, seed, 0.5) for seed in (0, 1)]
    mixed = [Part(FAR, 1, 0.75), Part(NEAR, 1, 0.25)]
    records = [
        record("seeds", SEEDS, {NEAR: 1.0}, parts),
        record("greedy", GREEDY, {FAR: 0.75, NEAR: 0.25}, mixed),
    ]
    ranking = [
        {"candidate": name, "test_accuracy": 0.8, "low": 0.6, "high": 0.95} for name in (SEEDS, GREEDY, NEAR, FAR)
    ]
    write_csv(Path("comparison/ranking.csv"), pd.DataFrame(ranking))
    told = {"winner": SEEDS, "recommended": SEEDS, "interval": [0.55, 0.9], "ensembles": {"ensembles": records}}
    write_json(VERDICT, {"answer": "Average them.", "score": {"name": "accuracy"}, **told})


def record(kind: Any, name: str, members: dict[str, float], parts: list[Part]) -> dict[str, Any]:
    prints = {member: read_trial(member).fingerprint for member in members}
    models = [vars(part) for part in parts]
    return {
        "candidate": name,
        "kind": kind,
        "members": members,
        "models": models,
        "fingerprint": fingerprint_of(kind, parts, prints),
    }


def write_candidate(name: str, neighbours: int) -> None:
    row = ClassicalModel(features="pixels", estimator="KNeighborsClassifier", settings={"n_neighbors": neighbours})
    frames = []
    for seed in (0, 1):
        random = np.random.default_rng(seed)
        learnt = PHOTOS["train"] ^ random.integers(0, 64, PHOTOS["train"].shape, dtype=np.uint8)
        fitted = fit_classical(name, row, compute_features(row, learnt), LABELS, folds=2, seed=seed)
        write_model(model_path(name, seed, ".skops"), fitted.model)
        answer = predictor(read_model(model_path(name, seed, ".skops")))
        for split, photos in PHOTOS.items():
            probabilities = answer(photos)
            columns = {f"p_{k}": probabilities[:, k] for k in range(3)}
            examples = [f"{split}/{place}" for place in range(len(LABELS))]
            table = pd.DataFrame({"seed": seed, "split": split, "example": examples, "label": LABELS})
            frames.append(table.assign(predicted=probabilities.argmax(axis=1), **columns))
    evaluation_folder(name).mkdir(parents=True)
    pd.concat(frames).to_parquet(evaluation_folder(name) / "predictions.parquet", index=False)
    losses = [{"seed": 0, "val_loss": 0.9}, {"seed": 1, "val_loss": 0.4}]
    trial = Trial(
        name, "classical", None, None, "multiclass", f"print of {name}", {}, {"total": 9, "trainable": 9}, [], losses
    )
    write_json(results_folder(name) / "trial.json", vars(trial))
    write_json(
        results_folder(name) / "cost.json", {"versions": {"numpy": np.__version__}, "commit": "abc", "dirty": False}
    )
    metrics = {"test_accuracy": 0.8}
    write_json(evaluation_folder(name) / "metrics.json", {"mean": metrics, "seeds": {"0": metrics, "1": metrics}})


def asked(name: str, seed: int) -> np.ndarray:
    """What one model answers on the test photos."""
    (model,) = load_models([model_path(name, seed, ".skops")], read_model)
    return predictor(model)(PHOTOS["test"]).astype(np.float64)


@pytest.mark.usefixtures("compared")
def test_what_is_advised_is_registered_with_all_its_models_and_answers_with_their_mean() -> None:
    assert obstacle() is None
    champion = register_advised()
    assert champion and (champion.candidate, champion.family, champion.interval) == (SEEDS, "ensemble", [0.55, 0.9])
    assert champion.candidates == [NEAR] and len(champion.ensemble["models"]) == 2
    assert sentence(champion) == f"champions: registered {SEEDS}, 2 models, as version 1, the champion"
    assert obstacle() == f"{SEEDS} was registered, or decided on, before"
    files = sorted(path.name for path in answering_folder(1).iterdir())
    assert files == ["model-1.skops", "model-2.skops", "served.json"]
    served = load_champion().predict(list_of(PHOTOS["test"]))
    expected = (asked(NEAR, 0) + asked(NEAR, 1)) / 2
    assert served[[f"p_{name}" for name in NAMES]].to_numpy() == pytest.approx(expected, abs=1e-6)
    by_mlflow = mlflow.pyfunc.load_model(str(model_folder(1))).predict(PHOTOS["test"])
    pd.testing.assert_frame_equal(by_mlflow, served)
    accuracy = (expected.argmax(axis=1) == LABELS).mean()
    assert champion.metrics["test_accuracy"] == pytest.approx(accuracy)
    kept = pd.read_parquet(folder_of(1) / "predictions.parquet")
    assert set(kept["split"]) == {"train", "val", "test"}, "drift and fairness look at what it learned from"


def list_of(photos: np.ndarray) -> list[np.ndarray]:
    return list(photos)


@pytest.mark.usefixtures("compared")
def test_a_person_promotes_it_by_name_and_goes_back() -> None:
    assert version_of(NEAR) == 1 and version_of(GREEDY) == 2 and version_of(GREEDY) == 2
    assert current_champion().candidate == NEAR
    promote_by_hand(2)
    assert current_champion().name == f"{GREEDY}, 2 models"
    expected = 0.75 * asked(FAR, 1) + 0.25 * asked(NEAR, 1)
    found = load(answering_folder(2)).probabilities(PHOTOS["test"])
    assert found == pytest.approx(expected, abs=1e-6)
    roll_back()
    assert current_champion().candidate == NEAR


@pytest.mark.usefixtures("compared")
def test_other_results_than_those_that_it_was_put_together_from_register_nothing() -> None:
    trial = read_json(results_folder(FAR) / "trial.json")
    write_json(results_folder(FAR) / "trial.json", trial | {"fingerprint": "another"})
    with pytest.raises(ChampionError, match="put together from other results than those on disk; `dvc repro` first"):
        version_of(GREEDY)
    model_path(NEAR, 1, ".skops").unlink()
    missing = re.escape(f"{model_path(NEAR, 1, '.skops').as_posix()}, a part of it, is not here; `dvc repro` first")
    assert re.fullmatch(missing, str(obstacle()))
    write_json(VERDICT, read_json(VERDICT) | {"ensembles": None})
    with pytest.raises(ChampionError, match=f"does not say which models {GREEDY} holds"):
        deployed_of(GREEDY)


@pytest.mark.usefixtures("compared")
def test_members_that_were_measured_again_since_the_comparison_register_nothing() -> None:
    assert obstacle() is None
    metrics = {"test_accuracy": 0.7}
    write_json(evaluation_folder(NEAR) / "metrics.json", {"mean": metrics, "seeds": {"0": metrics, "1": metrics}})
    told = f"the comparison is not of the results of {NEAR} on disk, a part of it; `dvc repro` first"
    assert obstacle() == told
    with pytest.raises(ChampionError, match=re.escape(told)):
        version_of(GREEDY)


SOUP = f"ensemble-soup-{NEAR}"


@pytest.fixture
def souped(compared: None) -> Path:
    """The comparison advises a soup of both seeds of a candidate; its trial.json."""
    of = read_trial(NEAR)
    made = {"soup": {"of": NEAR, "fingerprint": of.fingerprint, "seeds": [0, 1]}}
    seeds, counts = [{"seed": 0}], of.parameter_counts
    write_soup(Trial(SOUP, "ensemble", None, None, of.task, "of two seeds", made, counts, [], seeds))
    prints = {NEAR: of.fingerprint, SOUP: "of two seeds"}
    part = Part(SOUP, 0, 1.0)
    told = {"candidate": SOUP, "kind": "soup", "members": {NEAR: 1.0}, "models": [vars(part)]}
    told["fingerprint"] = fingerprint_of("soup", [part], prints)
    verdict = {"winner": SOUP, "recommended": SOUP, "ensembles": {"ensembles": [told]}}
    write_json(VERDICT, read_json(VERDICT) | verdict)
    ranking = pd.read_csv("comparison/ranking.csv")
    write_csv(Path("comparison/ranking.csv"), pd.concat([ranking, ranking.head(1).assign(candidate=SOUP)]))
    return results_folder(SOUP) / "trial.json"


def write_soup(trial: Trial) -> None:
    write_json(results_folder(SOUP) / "trial.json", vars(trial))
    model_path(SOUP, 0, ".keras").parent.mkdir()
    model_path(SOUP, 0, ".keras").touch()
    shutil.copytree(evaluation_folder(NEAR), evaluation_folder(SOUP))


def test_a_soup_of_one_seed_more_is_not_the_one_that_was_compared(souped: Path) -> None:
    assert obstacle() is None
    write_json(souped, read_json(souped) | {"fingerprint": "of three seeds"})
    assert obstacle() == "it was put together from other results than those on disk; `dvc repro` first"


def test_a_soup_that_was_measured_again_since_the_comparison_registers_nothing(souped: Path) -> None:
    write_json(evaluation_folder(SOUP) / "metrics.json", {"mean": {"test_accuracy": 0.7}})
    assert obstacle() == f"the comparison is not of the results of {SOUP} on disk, a part of it; `dvc repro` first"


@pytest.mark.usefixtures("souped")
def test_a_soup_is_not_asked_what_to_label_beside_the_candidate_that_it_is_of() -> None:
    ranking = pd.read_csv("comparison/ranking.csv").assign(relation_to_best="equivalent")
    write_csv(Path("comparison/ranking.csv"), ranking)
    assert [trial.candidate for trial in committee._standing()] == [NEAR, FAR]


@pytest.mark.parametrize(("of_second", "ending"), [("promote", "promoted"), ("keep", "asked"), ("ask", "asked")])
@pytest.mark.usefixtures("compared")
def test_where_an_ensemble_is_too_slow_the_candidate_behind_it_may_be_promoted(
    monkeypatch: pytest.MonkeyPatch, of_second: Any, ending: str
) -> None:
    version_of(FAR)
    outcomes: dict[str, Any] = {GREEDY: "ask", NEAR: of_second}
    judged: list[str] = []

    def judge(_: Any, __: Any, challenge: Challenge, ___: Any) -> tuple[decision.Decision, dict[str, Any]]:
        judged.append(challenge.candidate)
        return decision.Decision(outcomes[challenge.candidate], [f"About {challenge.candidate}."]), {}

    monkeypatch.setattr(decision, "judge", judge)
    scores = {GREEDY: 0.8, NEAR: 0.8}
    behind = Challenge(NEAR, [0.5, 0.9], 3, True, "guessing", scores)
    record = read_json(VERDICT)["ensembles"]["ensembles"][1]
    challenge = Challenge(GREEDY, [0.5, 0.9], 3, True, "guessing", scores, record, (behind,))
    outcome = decision.decide_and_record(
        load_params(), ReigningChampion(read_champion(1)), challenge, Intake("nothing", [])
    )
    assert judged == [GREEDY, NEAR] and outcome.ending == ending
    assert read_champion(2).candidate == (NEAR if ending == "promoted" else GREEDY)
    if ending == "promoted":
        passed = f"{GREEDY} ranks above {NEAR} and was not promoted: About {GREEDY}."
        assert outcome.reasons == [f"About {NEAR}.", passed]


@pytest.mark.usefixtures("compared")
def test_a_retraining_judges_it_as_one_model_and_promotes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record is what the retraining has put together itself: the comparison on disk knows nothing of it."""
    entries = {entry["candidate"]: entry for entry in read_json(VERDICT)["ensembles"]["ensembles"]}
    version_of(FAR)
    write_json(VERDICT, read_json(VERDICT) | {"ensembles": None})
    ids = np.array([f"test/{place}" for place in range(len(LABELS))])
    test = Prepared(PHOTOS["test"], LABELS, ids, "images", "multiclass", NAMES, SIDE, None, None, "")
    deployed = deployed_of(GREEDY, entries[GREEDY])
    judged = judge_challenger(deployed, test, timed=2)
    assert judged.probabilities == pytest.approx(0.75 * asked(FAR, 1) + 0.25 * asked(NEAR, 1), abs=1e-6)
    assert judged.latency_ms > 0 and len(predictions_of(deployed)) == 36
    monkeypatch.setattr(decision, "load_prepared", lambda _: test)
    monkeypatch.setattr(decision, "decide", lambda *_: decision.Decision("promote", ["It is better."]))
    challenge = Challenge(GREEDY, [0.5, 0.9], 3, True, "guessing", {GREEDY: 0.8}, entries[GREEDY])
    outcome = decision.decide_and_record(
        load_params(), ReigningChampion(read_champion(1)), challenge, Intake("nothing", [])
    )
    assert outcome.ending == "promoted" and current(read_log()) == 2
    assert read_champion(2).ensemble["members"] == {FAR: 0.75, NEAR: 0.25}


@pytest.mark.usefixtures("compared")
def test_by_another_score_the_champion_is_challenged_by_its_own_model_with_another_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, first = evaluation_folder(FAR) / "predictions.parquet", NAMES[0]
    table = pd.read_parquet(file)
    table.loc[(table["split"] == "val") & (table["label"] == 0), ["p_0", "p_1", "p_2"]] = [0.3, 0.6, 0.1]
    table.to_parquet(file, index=False)
    version_of(FAR)
    yaml, params_yaml = YAML(typ="safe"), Path("params.yaml")
    content = yaml.load(params_yaml.read_text(encoding="utf-8"))
    content["compare"] |= {"resamples": 100, "score": "cost", "costs": {first: {"*": 50.0}, "*": {"*": 1.0}}}
    yaml.dump(content, params_yaml)
    ids = np.array([f"test/{place}" for place in range(len(LABELS))])
    test = Prepared(PHOTOS["test"], LABELS, ids, "images", "multiclass", NAMES, SIDE, None, None, "")
    monkeypatch.setattr(decision, "load_prepared", lambda _: test)
    monkeypatch.setattr(decision, "decide", lambda *_: decision.Decision("promote", ["It is better."]))
    challenge = Challenge(FAR, [0.5, 0.9], 3, True, "guessing", {FAR: 0.8})

    def decide() -> Outcome:
        return decision.decide_and_record(
            load_params(), ReigningChampion(current_champion()), challenge, Intake("nothing", [])
        )

    outcome = decide()
    costs = [[0.0, 50.0, 50.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    assert outcome.ending == "promoted" and outcome.version == 2 and outcome.numbers["score"] == "cost"
    assert outcome.numbers["ranked_by"] == {"name": "cost", "costs": costs}
    before, champion = read_champion(1), current_champion()
    assert (champion.version, champion.score, champion.decision) == (2, "cost", {"costs": costs})
    assert before.decision == {} and before.fingerprint == champion.fingerprint
    again = decide()
    assert again.ending == "kept" and again.reasons == [f"The best of the shortlist, {FAR}, is the champion itself."]
