"""What DVC brings back, from its cache, from an older commit or from a remote, MLflow shows after one `sync`.

A graph in miniature with real DVC and git: stages that write simulated results, depending on params.yaml.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.tracking.store import open_store
from pipeline.tracking.sync import Summary, sync
from tests.tracking.simulated import small_params, write_comparison, write_dataset, write_evaluation, write_results

RUNS = 7
ROOT = Path(__file__).resolve().parents[2]
ACCURACIES = {8: 0.8, 3: 0.6}  # by training.patience
# A stage puts its results in their place, which were made beforehand for each patience: that takes it no imports.
WRITE = """
import re, shutil, sys
(patience,) = re.findall(r"patience: ([0-9]+)", open("params.yaml").read())
shutil.copytree(f"made/{patience}/{sys.argv[1]}", ".", dirs_exist_ok=True)
"""
STAGES = """
stages:
  prepare:
    cmd: cp fruit.json data/prepared/dataset.json
    deps: [fruit.json]
    outs: [data/prepared/dataset.json]
  baseline-majority:
    cmd: {python} -S -E write.py classical-majority
    deps: [data/prepared/dataset.json]
    outs: [{classical}]
  finetune-resnet50-full:
    cmd: {python} -S -E write.py finetune-resnet50-full
    deps: [data/prepared/dataset.json]
    params: [training]
    outs: [{finetuned}]
  compare:
    cmd: {python} -S -E write.py compare
    deps: [results/finetune-resnet50-full/trial.json]
    params: [compare]
    outs: [comparison/ranking.csv, comparison/verdict.json, comparison/report.html]
"""


CANDIDATES = {"classical": "classical-majority", "finetuned": "finetune-resnet50-full"}
IGNORED = ["mlflow.db*", "mlartifacts", ".kiyas", "remote", "results", "evaluation", "comparison", "data", "made"]


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A git checkout whose graph has run once."""
    folder = tmp_path_factory.mktemp("graph") / "checkout"
    folder.mkdir()
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, folder / file)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        params = small_params()
        write_dataset()
        Path("data/prepared/dataset.json").rename("fruit.json")
        write_what_stages_write(params)
        Path("write.py").write_text(WRITE)
        outs = {name: _outs(candidate) for name, candidate in CANDIDATES.items()}
        Path("dvc.yaml").write_text(STAGES.format(python=sys.executable, **outs))
        Path(".gitignore").write_text("".join(f"/{name}\n" for name in IGNORED))
        _git("init", "--quiet", ".")
        _dvc("init", "--quiet")
        _dvc("repro", "--quiet")
        _commit("first")
    yield folder


def write_what_stages_write(params: Params) -> None:
    """made/<patience>/<stage>: what a stage leaves in the checkout."""
    for patience, accuracy in ACCURACIES.items():
        for candidate in params.candidates():
            with made_by(f"{patience}/{candidate.name}"):
                write_results(candidate, params.seeds, fingerprint=f"patience {patience}")
                write_evaluation(candidate, params.seeds, accuracy)
        with made_by(f"{patience}/compare"):
            write_comparison(params)


def made_by(stage: str) -> contextlib.chdir[str]:
    folder = Path("made", stage)
    folder.mkdir(parents=True)
    return contextlib.chdir(str(folder))


@pytest.fixture
def graph(committed: Path, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, with an empty store."""
    place = tmp_path / "copy"
    shutil.copytree(committed, place, symlinks=True)
    shutil.copy(database, place / "mlflow.db")
    monkeypatch.chdir(place)
    return place


def test_a_stage_that_is_restored_from_the_cache_is_shown_though_none_of_its_code_ran(graph: Path) -> None:
    assert sync(_params()) == Summary(added=RUNS)
    first = _current()
    _set_patience(3)
    _dvc("repro", "--quiet")
    assert sync(_params()).added == 3
    _set_patience(8)
    _dvc("repro", "--quiet")  # from the run cache
    assert sync(_params()).added == 0
    assert _current() == first
    assert sync(_params()) == Summary(unchanged=RUNS)


def test_an_older_commit_shows_its_own_runs_again(graph: Path) -> None:
    sync(_params())
    first = _current()
    _set_patience(3)
    _dvc("repro", "--quiet")
    _commit("second")
    sync(_params())
    assert _fingerprints()["finetune-resnet50-full"] == "patience 3"
    _git("checkout", "--quiet", "HEAD~1")
    _dvc("checkout", "--quiet")
    sync(_params())
    assert _current() == first
    assert sync(_params()) == Summary(unchanged=RUNS)


def test_an_emptied_store_is_as_it_was(graph: Path, empty_store: Path) -> None:
    sync(_params())
    first = _current()
    shutil.rmtree("mlartifacts")
    shutil.copy(empty_store, "mlflow.db")
    assert sync(_params()) == Summary(added=RUNS)
    assert [one[1:] for one in _current()] == [one[1:] for one in first]


def test_a_fresh_clone_after_dvc_pull_shows_the_same_as_where_it_was_trained(
    graph: Path, tmp_path_factory: pytest.TempPathFactory, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(_params())
    first = _current()
    _dvc("remote", "add", "--quiet", "--default", "shared", str(graph / "remote"))
    _dvc("push", "--quiet")
    _commit("with a remote")
    clone = tmp_path_factory.mktemp("clone") / "checkout"
    _git("clone", "--quiet", str(graph), str(clone))
    monkeypatch.chdir(clone)
    shutil.copy(empty_store, "mlflow.db")
    assert sync(_params()) == Summary()
    _dvc("pull", "--quiet")
    assert sync(_params()) == Summary(added=RUNS)
    assert [one[1:] for one in _current()] == [one[1:] for one in first]


def test_runs_say_which_stage_made_them_with_the_hash_of_its_entry_in_the_lock(graph: Path) -> None:
    sync(_params())
    tags = {run.info.run_name: run.data.tags for run in _runs()}
    trial, candidate = tags["finetune-resnet50-full seed 1"], tags["finetune-resnet50-full"]
    assert trial["kiyas.dvc_stage"] == candidate["kiyas.dvc_stage"] == "finetune-resnet50-full"
    assert tags["comparison"]["kiyas.dvc_stage"] == "compare"
    before = trial["kiyas.dvc_lock"]
    _set_patience(3)
    _dvc("repro", "--quiet")
    sync(_params())
    tags = {run.info.run_name: run.data.tags for run in _runs()}
    assert tags["finetune-resnet50-full seed 1"]["kiyas.dvc_lock"] != before


def test_what_the_lock_does_not_speak_of_gets_no_stage(graph: Path) -> None:
    file = Path("results/finetune-resnet50-full/trial.json")
    file.unlink()  # it may be a link into DVC's cache
    file.write_text(
        (Path("results/classical-majority/trial.json")).read_text().replace("classical-majority", file.parent.name)
    )
    sync(_params())
    tags = {run.info.run_name: run.data.tags for run in _runs()}
    assert "kiyas.dvc_stage" not in tags["finetune-resnet50-full seed 1"]
    assert "kiyas.dvc_stage" in tags["classical-majority seed 1"]


def _outs(candidate: str) -> str:
    results = [f"results/{candidate}/{name}" for name in ("trial.json", "history.csv", "cost.json")]
    evaluation = [f"evaluation/{candidate}/{name}" for name in ("metrics.json", "cost.json", "figures")]
    return ", ".join([*results, *evaluation])


def _params() -> Params:
    return load_params()


def _set_patience(epochs: int) -> None:
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["training"]["patience"] = epochs
    yaml.dump(content, Path("params.yaml"))


def _dvc(*arguments: str) -> None:
    from dvc.cli import main

    assert main(list(arguments)) == 0


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True)


def _commit(message: str) -> None:
    _git("add", "--all")
    author = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    _git(*author, "commit", "--quiet", "--message", message)


def _runs() -> list[Run]:
    """Those that stand for what is on disk."""
    store = open_store(_params().tracking.experiment)
    runs = store.client.search_runs([store.experiment_id])
    return [run for run in runs if run.data.tags["kiyas.superseded"] == "false"]


def _current() -> list[Any]:
    """All that these show, their ids first."""
    shown = []
    for run in _runs():
        info, data = run.info, run.data
        told = [sorted(data.metrics.items()), sorted(data.params.items()), _told(data.tags)]
        shown.append([info.run_id, info.run_name, info.start_time, info.end_time, *told])
    return sorted(shown, key=lambda one: one[1])


def _told(tags: dict[str, str]) -> list[tuple[str, str]]:
    """Without the parent's id, which is another in every store."""
    return sorted((key, value) for key, value in tags.items() if key not in ("kiyas.checkout", "mlflow.parentRunId"))


def _fingerprints() -> dict[str, str]:
    return {run.info.run_name: run.data.tags["kiyas.fingerprint"] for run in _runs()}
