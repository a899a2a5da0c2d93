"""The graph itself, shrunk, on real photos and ImageNet weights: what it finds, what MLflow shows, what repeats."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.__main__ import main
from pipeline.champions.versions import current_champion
from pipeline.dvc_command import UNWATCHED
from pipeline.ground.files import read_json, write_json
from pipeline.operations import plan
from pipeline.operations.planning.speeds import Speeds
from pipeline.operations.study import merge
from pipeline.operations.workspace import sync_workspace
from pipeline.ownership import RECORD
from pipeline.params.schema.reading import read_yaml
from pipeline.trials import HISTORY_COLUMNS
from publishing import notes, runs
from publishing.reference.files import File, files
from tests.documented import PHOTOS, blocks, of_place, run_elsewhere
from tests.starts import call

pytestmark = [pytest.mark.e2e, pytest.mark.network]

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = (  # the graph here makes none of these
    "champions/",
    "label-next/",
    "workspaces/",
    "evaluation/ensemble-soup-",
    "evaluation/<candidate>/figures/furthest_off.csv",
)
OF_THE_GRAPH = [file for file in files() if file.keys and not file.path.startswith(ELSEWHERE)]
CANDIDATES = [
    "classical-majority",
    "classical-logistic_hog",
    "classical-logistic-resnet50",
    "cnn-lecture",
    "finetune-resnet50-feature_extractor",
    "finetune-resnet50-frozen_layers",
]
POINT = "finetune-resnet50-feature_extractor-0.5"  # of the data-size study
REPEATED = {  # one candidate of every kind that is trained → the command that trains it
    "classical-logistic_hog": "baseline --model logistic_hog",
    "classical-logistic-resnet50": "probe --model logistic --backbone resnet50",
    "cnn-lecture": "cnn --architecture lecture",
    "finetune-resnet50-frozen_layers": "finetune --backbone resnet50 --strategy frozen_layers",
    POINT: "growth --candidate finetune-resnet50-feature_extractor --fraction 0.5",
}

ASKED = ["photo.jpg", "foto.jpg", "apple.jpg", "shelf/1.jpg", "shelf/2.jpg"]  # photos that the pages speak of
BEFORE_TRAINING = {"fetch", "prepare", "backbone", "weights"}
IN_ONE_PROCESS = """
import sys
from pipeline.__main__ import main
sys.exit(any(main(command.split()) for command in sys.argv[1:]))
"""


class Workspace:
    """A clone with its own parameters, DVC cache, kept trials and MLflow store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sync_workspace(ROOT, folder)
        self.set_params({})

    def set_params(self, overlay: dict[str, Any]) -> None:
        params = merge(
            merge(read_yaml(ROOT / "params.yaml"), read_yaml(ROOT / "tests/params/end_to_end.yaml")), overlay
        )
        with (self.folder / "params.yaml").open("w", encoding="utf-8") as stream:
            YAML(typ="safe", pure=True).dump(params, stream)

    def track(self) -> str:
        tracked = call(self.folder, self.environment, "track")
        assert tracked.returncode == 0, tracked.stderr
        return tracked.stdout

    def dvc(self, *arguments: str) -> str:
        log = self.folder / "dvc.log"
        code = self.start(log, *arguments).wait()
        output = log.read_text(encoding="utf-8")
        assert code == 0, f"dvc {' '.join(arguments)}:\n{output[-9000:]}"
        return output

    def repro(self) -> str:
        """`python -m pipeline repro`, which runs `dvc repro`."""
        command = [sys.executable, "-m", "pipeline", "repro"]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-9000:] + done.stderr
        return done.stdout

    def run(self, *commands: str) -> None:
        """Stages without DVC, one after another in one process."""
        command = [sys.executable, "-c", IN_ONE_PROCESS, *commands]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-9000:] + done.stderr

    def start(self, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """`dvc …` in a process group of its own, stages and all; what it says goes to a file."""
        with log.open("w") as stream:
            command, environment = [sys.executable, "-m", "dvc", *arguments], self.environment | {UNWATCHED: "1"}
            return subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=stream, stderr=stream, start_new_session=True
            )

    def prepare_as(self, other: Workspace) -> None:
        """What that one has prepared is prepared here too, and nothing is trained."""
        self.dvc("repro", "folders", "folders-foreign")
        own = read_yaml(self.folder / "dvc.lock")
        links = shutil.ignore_patterns(".filled")  # they are made here already
        shutil.copytree(other.folder / "data", self.folder / "data", ignore=links, dirs_exist_ok=True)
        cache = Path(".dvc/cache/files")  # by which the pipeline knows its own files; results are not in dvc.lock here
        shutil.copytree(other.folder / cache, self.folder / cache, dirs_exist_ok=True)
        theirs = read_yaml(other.folder / "dvc.lock")["stages"]
        own["stages"] |= {name: entry for name, entry in theirs.items() if name.split("@")[0] in BEFORE_TRAINING}
        with (self.folder / "dvc.lock").open("w", encoding="utf-8") as stream:
            YAML(typ="safe", pure=True).dump(own, stream)

    def download_as(self, other: Workspace) -> None:
        """What that one has downloaded lies here too."""
        for folder in ("data/raw", "data/weights"):
            shutil.copytree(other.folder / folder, self.folder / folder, dirs_exist_ok=True)
        write_json(self.folder / RECORD, read_json(other.folder / RECORD))

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
        return kept | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder.resolve()}/mlflow.db",
        }

    def csv(self, path: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / path)

    def json(self, path: str) -> Any:
        return read_json(self.folder / path)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("first"))
    (workspace.folder / "repro.log").write_text(workspace.repro(), encoding="utf-8")
    return workspace


@pytest.fixture(scope="module")
def second(first: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One of each kind from photos and weights alone, with tracking off: stages that share a process, and no DVC."""
    workspace = Workspace(tmp_path_factory.mktemp("second"))
    workspace.download_as(first)
    workspace.set_params({"tracking": {"enabled": False}})
    steps = [[command, f"evaluate --candidate {candidate}"] for candidate, command in REPEATED.items()]
    workspace.run("prepare", *chain.from_iterable(steps))
    return workspace


def stages_run(output: str) -> set[str]:
    return set(re.findall(r"Running stage '([^']+)'", output))


def test_pretrained_features_beat_the_majority_class_by_more_than_their_intervals(first: Workspace) -> None:
    ranking = first.csv("comparison/ranking.csv").set_index("candidate")
    assert set(ranking.index) == set(CANDIDATES)
    assert ranking.loc["finetune-resnet50-feature_extractor", "low"] > ranking.loc["classical-majority", "high"]
    assert ranking.loc["finetune-resnet50-feature_extractor", "test_accuracy"] > 0.35
    verdict = first.json("comparison/verdict.json")
    assert verdict["winner"] == ranking.index[0]
    assert verdict["answer"] in (first.folder / "comparison/report.html").read_text(encoding="utf-8")


def test_a_run_says_where_it_is_ranks_what_is_evaluated_so_far_and_ends_with_the_answer(first: Workspace) -> None:
    log = (first.folder / "repro.log").read_text(encoding="utf-8")
    steps = re.findall(r"^\[(\d+)/(\d+)\] (\S+): ", log, flags=re.MULTILINE)
    assert [int(step) for step, _, _ in steps] == list(range(1, len(steps) + 1))
    assert {int(total) for _, total, _ in steps} == {len(steps)}
    stages = [stage for _, _, stage in steps]
    for training, evaluation in (("baseline@logistic_hog", "classical@logistic_hog"), ("cnn@lecture", "cnn@lecture")):
        assert stages.index(f"evaluate-{evaluation}") == stages.index(training) + 1
    assert [stage for stage in stages if re.match("evaluate-(?!growth)", stage)] == [
        "evaluate-classical@majority",
        "evaluate-classical@logistic_hog",
        "evaluate-probe@logistic-resnet50",
        "evaluate-cnn@lecture",
        "evaluate-finetune@resnet50-feature_extractor",
        "evaluate-finetune@resnet50-frozen_layers",
    ]
    leaders = re.findall(r"^so far (\S+) leads, with (\d) of 6 evaluated: ", log, flags=re.MULTILINE)
    assert [int(count) for _, count in leaders] == [2, 3, 4, 5]
    assert not (first.folder / "comparison/preliminary.html").exists()
    told = " ".join(log.rpartition("[")[2].split())
    for sentence in first.json("comparison/verdict.json")["summary"]:
        assert sentence in told


def test_once_the_libraries_are_imported_stages_are_forked(first: Workspace) -> None:
    notes = (first.folder / ".kiyas/forked.log").read_text(encoding="utf-8")
    assert "refused" not in notes and "gave up" not in notes, notes
    of_kinds = [name for name in CANDIDATES if name.startswith("finetune")]
    for stage in ["compare", *(f"evaluate --candidate {name}" for name in of_kinds)]:
        assert f": pipeline {stage}\n" in notes, notes
    assert ": pipeline.operations.following.preliminary finetune-" in notes


@pytest.mark.parametrize("candidate", [*CANDIDATES, POINT])
def test_every_candidate_leaves_what_the_contract_says(first: Workspace, candidate: str) -> None:
    history = first.csv(f"results/{candidate}/history.csv")
    assert list(history.columns) == HISTORY_COLUMNS
    assert set(history["seed"]) == {0, 1}
    predictions = pd.read_parquet(first.folder / f"evaluation/{candidate}/predictions.parquet")
    assert set(predictions["split"]) == {"train", "val", "test"}
    test = predictions[predictions["split"] == "test"]
    metrics = first.json(f"evaluation/{candidate}/metrics.json")
    for seed in (0, 1):
        mine = test[test["seed"] == seed]
        assert metrics["seeds"][str(seed)]["test_accuracy"] == pytest.approx((mine.label == mine.predicted).mean())
    probabilities = predictions.filter(regex=r"^p_\d+$").to_numpy()
    assert probabilities.shape[1] == 14
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)


@pytest.mark.parametrize("file", OF_THE_GRAPH, ids=lambda one: one.path)
def test_the_reference_of_files_names_the_columns_and_keys_that_there_are(first: Workspace, file: File) -> None:
    path = first.folder / file.path.replace("<candidate>", "finetune-resnet50-feature_extractor")
    if path.suffix == ".csv":
        found = list(pd.read_csv(path, nrows=0).columns)
    elif path.suffix == ".parquet":
        found = [re.sub(r"^p_\d+$", "p_<n>", column) for column in pd.read_parquet(path).columns]
    else:
        found = list(read_json(path))
    assert list(dict.fromkeys(found)) == list(file.keys)


def test_the_accuracy_that_training_saw_is_the_one_that_evaluation_measures(first: Workspace) -> None:
    for candidate in CANDIDATES:
        trial = first.json(f"results/{candidate}/trial.json")
        metrics = first.json(f"evaluation/{candidate}/metrics.json")
        for seed in trial["seeds"]:
            measured = metrics["seeds"][str(seed["seed"])]["val_accuracy"]
            assert measured == pytest.approx(seed["val_accuracy"], abs=1e-6)


def test_no_test_photo_was_seen_in_training(first: Workspace) -> None:
    predictions = pd.read_parquet(first.folder / "evaluation/cnn-lecture/predictions.parquet")
    ids = {split: set(part["example"]) for split, part in predictions.groupby("split")}
    assert ids["test"].isdisjoint(ids["train"] | ids["val"])
    one = predictions[predictions["seed"] == 0]
    assert set(one[one["split"] == "train"]["example"]).isdisjoint(one[one["split"] == "val"]["example"])


def test_mlflow_shows_every_trial_with_its_curves_and_the_ranking(first: Workspace) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{first.folder.resolve()}/mlflow.db")
    experiment = client.get_experiment_by_name("end-to-end")
    assert experiment is not None
    assert not (first.folder / "champions").exists()  # `dvc repro` alone registers nothing
    assert "as version 1, the champion" in first.track()
    runs = client.search_runs([experiment.experiment_id], "tags.`kiyas.superseded` = 'false'", max_results=1000)
    kinds = pd.Series([run.data.tags["kiyas.kind"] for run in runs]).value_counts().to_dict()
    assert kinds == {"trial": 14, "candidate": 6, "comparison": 1, "decision": 1}  # the first winner is champion
    ranking = first.csv("comparison/ranking.csv").set_index("candidate")
    for run in runs:
        candidate = run.data.tags.get("kiyas.candidate")
        if run.data.tags["kiyas.kind"] == "candidate":
            assert run.data.metrics["test_accuracy"] == pytest.approx(ranking.loc[candidate, "test_accuracy"])
        if run.data.tags["kiyas.kind"] == "trial":
            trial = first.json(f"results/{candidate}/trial.json")
            assert run.data.tags["kiyas.fingerprint"] == trial["fingerprint"]
            history = first.csv(f"results/{candidate}/history.csv")
            mine = history[history["seed"] == int(run.data.tags["kiyas.seed"])]
            curve = sorted(client.get_metric_history(run.info.run_id, "curve/val_loss"), key=lambda point: point.step)
            assert [point.step for point in curve] == list(mine["epoch"])
            np.testing.assert_allclose([point.value for point in curve], mine["val_loss"])


def test_another_learning_rate_runs_that_network_its_evaluation_and_compare_and_what_was_there_comes_back(
    first: Workspace,
) -> None:
    first.set_params({"architectures": {"lecture": {"learning_rate": 2e-3}}})
    assert stages_run(first.dvc("repro")) == {"cnn@lecture", "evaluate-cnn@lecture", "compare"}
    first.set_params({})
    assert not stages_run(first.dvc("repro"))  # nor would a second run without a change run anything


@pytest.mark.parametrize("candidate", REPEATED)
def test_an_untracked_run_of_the_stages_in_one_process_repeats_bit_for_bit(
    first: Workspace, second: Workspace, candidate: str
) -> None:
    files = [
        f"results/{candidate}/trial.json",
        f"results/{candidate}/history.csv",
        f"evaluation/{candidate}/metrics.json",
        f"evaluation/{candidate}/predictions.parquet",
    ]
    for file in files:
        assert (first.folder / file).read_bytes() == (second.folder / file).read_bytes(), file


def test_saved_networks_repeat_weight_for_weight(first: Workspace, second: Workspace) -> None:
    assert_same_weights(first, second, "results/finetune-resnet50-frozen_layers/models/seed-1.keras")


def test_prepared_data_repeat_byte_for_byte(first: Workspace, second: Workspace) -> None:
    for file in ("development/images.npy", "test/images.npy", "test/labels.npy", "dataset.json", "quarantine.csv"):
        path = Path("data/prepared") / file
        assert (first.folder / path).read_bytes() == (second.folder / path).read_bytes(), file


def test_a_finished_run_can_be_kept_for_the_pages(first: Workspace) -> None:
    run = runs.collect(first.folder)
    assert run["ranking"][0]["candidate"] == first.csv("comparison/ranking.csv")["candidate"][0]
    tables = notes.tables_of(run)
    assert "feature_extractor | " in tables[", techniques"] and "Deep learning suits images." in tables[", claims"]


def test_what_the_pages_type_after_a_comparison_of_photos_can_be_typed(
    first: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In their order, on photos that are made here; `rollback` needs a champion before the present one."""
    monkeypatch.chdir(first.folder)
    for name, value in first.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(plan, "measure_speeds", lambda *_, **__: Speeds())  # which takes longer than all the rest
    for place, photo in zip(ASKED, sorted(Path("data/raw").rglob("*.jpg")), strict=False):
        Path(place).parent.mkdir(exist_ok=True)
        shutil.copy(photo, place)
    Path("photos.csv").write_text("file\nphoto.jpg\nshelf/1.jpg\n", encoding="utf-8")
    assert main(["enrol"]) == 0
    other = next(name for name in REPEATED if name != current_champion().candidate)
    assert main(["promote", other]) == 0
    assert len(of_place(PHOTOS)) > 8
    for command in of_place(PHOTOS):
        capsys.readouterr()
        here = command.replace("finetune-resnet50-full", other)
        here = here.replace("resnet50-full", "resnet50-frozen_layers")  # the candidates that there are
        assert main(shlex.split(here)[3:]) == 0, command
        assert capsys.readouterr().out.strip(), command
    (python,) = [block.source for block in blocks("python") if block.page == "docs/how-to/mlflow.md"]
    exec(compile(python.replace("models:/m-…", "champions/1/model"), "mlflow.md", "exec"), {})
    assert list(run_elsewhere(Path("comparison/report.html"))["predicted"])


def test_a_killed_repro_loses_nothing_and_ends_with_the_same_bits(first: Workspace, tmp_path: Path) -> None:
    """DVC is killed and leaves its stage training; the next repro waits for that one, until it is killed too."""
    workspace = Workspace(tmp_path / "killed")
    workspace.prepare_as(first)
    killed = workspace.start(tmp_path / "killed.log", "repro", "cnn@lecture")
    await_that(lambda: any((workspace.folder / ".kiyas/trials").glob("*/seed-0.unfinished/epoch.npz")), killed)
    os.kill(killed.pid, signal.SIGKILL)
    os.killpg(killed.pid, signal.SIGSTOP)  # the orphan keeps its lock and gets no further
    killed.wait()
    log = tmp_path / "next.log"
    following = workspace.start(log, "repro", "cnn@lecture")
    await_that(lambda: "of an earlier run is still at work" in log.read_text(encoding="utf-8"), following)
    os.killpg(killed.pid, signal.SIGKILL)
    assert following.wait() == 0, log.read_text(encoding="utf-8")[-9000:]
    assert re.search(r"seed 0 goes on after epoch [123],", log.read_text(encoding="utf-8"))
    for file in ("trial.json", "history.csv"):
        path = f"results/cnn-lecture/{file}"
        assert (workspace.folder / path).read_bytes() == (first.folder / path).read_bytes(), file
    assert_same_weights(workspace, first, "results/cnn-lecture/models/seed-0.keras")
    assert not list((workspace.folder / ".kiyas/trials").glob("*/*.unfinished"))


def await_that(condition: Callable[[], bool], process: subprocess.Popen[bytes], patience: float = 600) -> None:
    """
    Args:
        patience: seconds.
    """
    end = time.monotonic() + patience
    while not condition():
        assert process.poll() is None, "it ended before that"
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def assert_same_weights(one: Workspace, other: Workspace, path: str) -> None:
    import keras

    models = [keras.models.load_model(workspace.folder / path) for workspace in (one, other)]
    for mine, theirs in zip(models[0].weights, models[1].weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
