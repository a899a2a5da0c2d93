"""The compare stage: from the files of all candidates in params.yaml to comparison/."""

from __future__ import annotations

import html
import importlib.util
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.champions.enrolment import version_of
from pipeline.champions.log import read_log
from pipeline.champions.versions import read_champion
from pipeline.comparison.tables.measurements import ComparisonError
from pipeline.configuration.loading import load_params
from pipeline.datasets.store.prepared import Prepared
from pipeline.ground.files import DamagedFileError, read_json, write_json
from pipeline.ground.paths import DATASET
from pipeline.models.archive import write_model
from pipeline.models.classical import compute_features, fit_classical
from pipeline.operations.retraining import decision
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.shortlist import Challenge
from pipeline.params.schema.classical import ClassicalModel
from pipeline.params.training.candidates import Candidate
from pipeline.scores.score_for_task import ScoreError
from pipeline.stages import compare
from pipeline.trials import model_path, read_trial, results_folder

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    "claims.csv",
    "growth.csv",
    "label_suspects.csv",
    "pairwise.csv",
    "paradigms.csv",
    "permutation.csv",
    "plots.csv",
    "properties.csv",
    "ranking.csv",
    "report.html",
]
LEFT_OUT = [f"classical-{name}" for name in ("a", "b", "svm_hog", "c", "d", "e", "f")] + ["seed 2", "seed 3"]
LEFT_OUT += ["trying settings of every network (tuning.search)", "photos of 64 pixels"]
FILES += ["summary.json", "techniques.csv", "verdict.json"]


def simulation() -> ModuleType:
    """The made-up results of tests/comparison."""
    path = Path(__file__).parents[1] / "comparison" / "conftest.py"
    spec = importlib.util.spec_from_file_location("simulated_comparison", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Candidate]]:
    """A checkout with four candidates, one of them on shares of the data too, compared."""
    folder = tmp_path_factory.mktemp("compared")
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, folder / file)
    (folder / "pipeline").symlink_to(ROOT / "pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, compare_simulated()


@pytest.fixture
def compared(made: tuple[Path, list[Candidate]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Candidate]:
    """The same, for each test to change."""
    folder, candidates = made
    copied = shutil.copytree(folder, tmp_path / "copied", symlinks=True)
    monkeypatch.chdir(copied)
    return candidates


def compare_simulated() -> list[Candidate]:
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["baseline"]["models"] = ["majority", "svm_hog"]
    content["baseline"]["probes"] = []
    content["finetune"] = {"backbones": ["resnet50"], "strategies": ["full"]}
    content["compare"]["resamples"] = 300
    content["study"] = {"candidates": ["finetune-resnet50-full"], "fractions": [0.1, 0.4], "left_out": LEFT_OUT}
    content["tracking"]["enabled"] = False
    yaml.dump(content, Path("params.yaml"))
    simulated = simulation()
    names = {"classical-majority", "classical-svm_hog", "cnn-lecture", "finetune-resnet50-full"}
    truths = [truth for truth in simulated.default_truths() if truth.candidate.name in names]
    points = simulated.on_shares(truths[-1], [0.1, 0.4], exponent=0.3)
    candidates: list[Candidate] = simulated.write_comparison_inputs([*truths, *points], test=150, development=200)
    compare.run()
    return candidates[:4]


def test_it_writes_the_files_of_the_contract_and_nothing_else(compared: list[Candidate]) -> None:
    assert sorted(path.name for path in Path("comparison").iterdir()) == FILES


def test_the_report_opens_with_the_verdict_that_is_on_disk(compared: list[Candidate]) -> None:
    answer = read_json(Path("comparison/verdict.json"))["answer"]
    assert f'content="{answer}"' in Path("comparison/report.html").read_text(encoding="utf-8")


def test_what_was_left_out_for_lack_of_time_stands_under_the_answer_without_what_competes_by_now(
    compared: list[Candidate],
) -> None:
    named = "classical-a, classical-b, classical-c, classical-d, classical-e"
    sentence = f"Left out for lack of time: {named} and 3 more (study.left_out in params.yaml)."
    verdict = read_json(Path("comparison/verdict.json"))
    assert verdict["left_out"] == sentence and sentence not in verdict["answer"]
    head = Path("comparison/report.html").read_text(encoding="utf-8").partition("</header>")[0]
    assert f'<p class="lead">{sentence}</p>' in head


def test_a_second_run_writes_the_same_bytes_whatever_else_lies_about(compared: list[Candidate]) -> None:
    """Candidates come from the parameters."""
    before = {path.name: path.read_bytes() for path in Path("comparison").iterdir()}
    for folder in ("results", "evaluation"):
        shutil.copytree(f"{folder}/cnn-lecture", f"{folder}/cnn-left_behind")
    compare.run()
    assert {path.name: path.read_bytes() for path in Path("comparison").iterdir()} == before
    assert set(pd.read_csv("comparison/ranking.csv")["candidate"]) == {one.name for one in compared}


def test_points_of_the_study_have_a_table_of_their_own_and_a_place_in_the_answer(compared: list[Candidate]) -> None:
    table = pd.read_csv("comparison/growth.csv")
    assert set(table["candidate"]) == {"finetune-resnet50-full"}
    assert table.loc[table["kind"] == "measured", "fraction"].tolist() == [0.1, 0.4, 1.0]
    verdict = read_json(Path("comparison/verdict.json"))
    assert verdict["answer"].endswith(verdict["more_data"]["short"])
    assert '<section id="growth">' in Path("comparison/report.html").read_text(encoding="utf-8")


def test_what_other_scores_advise_stands_in_the_verdict_and_in_the_report(compared: list[Candidate]) -> None:
    others = read_json(Path("comparison/verdict.json"))["other_scores"]
    assert {"balanced_accuracy", "log_loss", "auroc"} <= {one["score"] for one in others["scores"]}
    page = Path("comparison/report.html").read_text(encoding="utf-8")
    assert '<section id="scores">' in page and others["sentence"] in html.unescape(page)


def test_what_another_score_ranks_is_registered_with_its_rule_and_judged_by_it(
    compared: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = read_json(DATASET)["class_names"]
    rank_by(score="cost", costs={names[0]: {"*": 60.0}, "*": {"*": 1.0}})
    miss_the_first_class("classical-svm_hog")
    compare.run()
    ranking = pd.read_csv("comparison/ranking.csv")
    assert ranking["test_cost"].is_monotonic_increasing and ranking.columns[-1] == "test_accuracy"
    test = photos_to_test_on(names)
    write_classical_models(names)

    assert version_of("classical-svm_hog") == 1
    champion = read_champion(1)
    costs = read_json(Path("comparison/verdict.json"))["score"]["costs"]
    assert champion.score == "cost" and champion.decision == {"costs": costs}
    assert costs[0] == [0.0, *[60.0] * (len(names) - 1)]

    monkeypatch.setattr(decision, "load_prepared", lambda _: test)
    challenge = Challenge("classical-majority", [0.1, 0.2], 2, True, "guessing", {})
    _, numbers = decision.judge(load_params(), ReigningChampion(champion), challenge, read_log())
    assert numbers["score"] == "cost" and numbers["challenger_score"] > 0 and "champion_accuracy" in numbers


def miss_the_first_class(candidate: str) -> None:
    """On validation examples it is narrowly taken for the second, so that the rule of least expected cost is chosen."""
    file = Path(f"evaluation/{candidate}/predictions.parquet")
    table = pd.read_parquet(file)
    missed = (table["split"] == "val") & (table["label"] == 0)
    table.loc[missed, [name for name in table if str(name).startswith("p_")]] = 0.0
    table.loc[missed, ["p_0", "p_1", "predicted"]] = [0.4, 0.6, 1]
    table.to_parquet(file, index=False)


def photos_to_test_on(names: list[str]) -> Prepared:
    rows = pd.read_parquet("evaluation/classical-svm_hog/predictions.parquet")
    rows = rows[(rows["split"] == "test") & (rows["seed"] == 0)]
    photos = np.random.default_rng(0).integers(0, 256, (len(rows), 96, 96, 3), dtype=np.uint8)
    ids, labels = rows["example"].to_numpy(str), rows["label"].to_numpy(np.int64)
    return Prepared(photos, labels, ids, "images", "multiclass", names, 96, None, None, "")


def write_classical_models(names: list[str]) -> None:
    """The nearest neighbour among two photos a class, in place of what was simulated."""
    photos = np.random.default_rng(1).integers(0, 256, (2 * len(names), 96, 96, 3), dtype=np.uint8)
    row = ClassicalModel(features="pixels", estimator="KNeighborsClassifier", settings={"n_neighbors": 1})
    features, labels = compute_features(row, photos), np.arange(len(photos)) % len(names)
    model = fit_classical("knn", row, features, labels, folds=2, seed=0).model
    for name in ("classical-svm_hog", "classical-majority"):
        for seed in read_trial(name).seeds:
            write_model(model_path(name, seed["seed"], ".skops"), model)


def test_every_sentence_of_the_evidence_leads_to_its_number_on_disk(compared: list[Candidate]) -> None:
    evidence = read_json(Path("comparison/verdict.json"))["evidence"]
    assert {entry["file"] for entry in evidence} >= {"comparison/ranking.csv", "comparison/growth.csv"}
    for entry in evidence:
        if "key" in entry:
            found = read_json(Path(entry["file"]))
            for key in entry["key"]:
                found = found[key]
        else:
            table = pd.read_csv(entry["file"])
            (found,) = table[(table[list(entry["row"])] == pd.Series(entry["row"])).all(axis=1)][entry["column"]]
        assert found == pytest.approx(entry["value"]), entry["sentence"]


def test_the_score_that_dvc_plots_draw_has_one_name_whatever_it_is() -> None:
    row = {"rank": 1, "candidate": "classical-ridge", "test_rmse": 0.4, "gap": 0.1, "cost_seconds": 2.0}
    drawn = compare.drawn_by_dvc(pd.DataFrame([row]), "test_rmse")
    assert drawn.to_dict("records") == [{"candidate": "classical-ridge", "score": 0.4, "gap": 0.1, "cost_seconds": 2.0}]


def test_a_missing_candidate_is_named_and_the_old_comparison_stays(compared: list[Candidate]) -> None:
    before = Path("comparison/report.html").read_bytes()
    shutil.rmtree("evaluation/cnn-lecture")
    with pytest.raises(ComparisonError, match=r"cnn-lecture.*`dvc repro evaluate-cnn@lecture`"):
        compare.run()
    assert Path("comparison/report.html").read_bytes() == before


def test_costs_of_a_class_that_there_is_not_are_refused_and_the_old_comparison_stays(compared: list[Candidate]) -> None:
    before = Path("comparison/report.html").read_bytes()
    rank_by(score="cost", costs={"no_such_class": {"*": 1.0}, "*": {"*": 1.0}})
    with pytest.raises(ScoreError, match=r"^params\.yaml: compare\.costs: 'no_such_class' is no class of the data"):
        compare.run()
    assert Path("comparison/report.html").read_bytes() == before


def test_within_dvc_results_that_are_not_what_it_recorded_are_not_compared(
    compared: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = (results_folder(compared[0].name) / "trial.json").as_posix()
    YAML(typ="safe").dump({"stages": {"train": {"outs": [{"path": trial, "md5": "0" * 32}]}}}, Path("dvc.lock"))
    monkeypatch.setenv("DVC_STAGE", "compare")
    with pytest.raises(DamagedFileError, match=re.escape(f"{trial}: is not what its stage wrote")):
        compare.run()


def rank_by(**keys: object) -> None:
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["compare"] |= keys
    yaml.dump(content, Path("params.yaml"))


def test_the_advice_does_not_flip_with_the_clock(compared: list[Candidate]) -> None:
    """All measured times move by half, the advised one's up and the others' down: seconds would flip it."""
    rank_by(tolerance=0.5)
    before = verdict_with_times({candidate.name: 60.0 for candidate in compared})
    times = {candidate.name: 90.0 if candidate.name == before["recommended"] else 30.0 for candidate in compared}
    after = verdict_with_times(times)
    assert before["recommended"] not in (None, "classical-majority")
    assert {key: after[key] for key in after if key != "evidence"} == {
        key: before[key] for key in before if key != "evidence"
    }
    ranking = pd.read_csv("comparison/ranking.csv", index_col="candidate")
    assert ranking["cost_seconds"].to_dict() == times


def verdict_with_times(times: dict[str, float]) -> dict[str, Any]:
    """The verdict where candidates took this many seconds to train, and as many milliseconds to answer."""
    for name, seconds in times.items():
        cost = read_json(Path(f"results/{name}/cost.json"))
        cost["seeds"] = {seed: {"cost_seconds": seconds} for seed in cost["seeds"]}
        write_json(Path(f"results/{name}/cost.json"), cost)
        latency = {"latency_ms_per_image": {"median": seconds, "p95": seconds}, "evaluation_seconds": seconds}
        write_json(Path(f"evaluation/{name}/cost.json"), latency)
    compare.run()
    return dict(read_json(Path("comparison/verdict.json")))
