"""A study runs the graph of this checkout with other values, in a workspace of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.ground.locks import LockError, hold_at_once
from pipeline.operations import study
from pipeline.operations.study import Study, StudyError, best_epochs, load_study, merge, run, shares_data, write_params
from pipeline.ownership import ForeignFilesError
from pipeline.params.schema.reading import PARAMS_FILE, read_yaml
from pipeline.trials import HISTORY_COLUMNS
from tests.starts import dvc

ROOT = Path(__file__).resolve().parents[2]

# Two stages stand in for the graph; `make` leaves a line in runs.txt each time that it runs.
GRAPH = """
stages:
  make:
    cmd: python make.py
    deps: [make.py]
    params: [data.limit]
    outs: [out.txt]
  other:
    cmd: python -c "open('other.txt', 'w').write('made')"
    deps: [data/accepted]
    outs: [other.txt]
"""
MAKE = """
import pathlib
with open("runs.txt", "a") as runs:
    runs.write("run\\n")
limit = next(line for line in pathlib.Path("params.yaml").read_text().splitlines() if "limit:" in line)
pathlib.Path("out.txt").write_text(limit.strip())
"""
COMMANDS = """
import json, os, pathlib, subprocess, sys
if sys.argv[1] == "repro":
    sys.exit(subprocess.call([sys.executable, "-m", "dvc", *sys.argv[1:]]))
told = {"arguments": sys.argv[1:], "store": os.environ["MLFLOW_TRACKING_URI"], "interpreter": sys.executable}
pathlib.Path("tracked.json").write_text(json.dumps(told))
"""
STUDIES = {
    "small": "description: Fewer photos.\nparams: {data: {limit: 40}, seeds: [3]}\nexpected: The best was 0.6.\n",
    "same": "description: Nothing that a stage reads differs.\ntargets: [make]\n",
    "elsewhere": "description: Others.\ntargets: [other]\nparams: {data: {fetch: [fashion_mnist], path: data/raw}}\n",
    "failing": "description: A stage that there is not.\ntargets: [nothing]\n",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A git checkout with a trivial graph, as the current folder."""
    folder = tmp_path_factory.mktemp("checkout")
    write(folder, ".gitignore", "/workspaces\n/results\n/data/accepted/?*/\n/*.txt\n/tracked.json\n__pycache__\n")
    write(folder, ".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
    write(folder, ".dvc/config", "[core]\n    analytics = false\n")
    write(folder, "dvc.yaml", GRAPH)
    write(folder, "make.py", MAKE)
    write(folder, "pipeline/__main__.py", COMMANDS)
    for name, text in STUDIES.items():
        write(folder, f"studies/{name}.yaml", text)
    write_own_params(folder)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    write(folder, "data/accepted/first/photos/train/cat/1.png", "a photo taken in later")
    dvc(folder, "add", "-q", "data/accepted/first")
    with contextlib.chdir(folder):
        yield folder


@pytest.fixture(scope="module")
def workspace(checkout: Path) -> Path:
    """Where the study `small` has run, once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        run("small")
    return checkout / "workspaces/small"


def test_a_study_runs_the_graph_with_its_own_values(checkout: Path, workspace: Path) -> None:
    assert (workspace / "out.txt").read_text() == "limit: 40"
    assert (workspace / "other.txt").exists()
    assert not (checkout / "out.txt").exists()


def test_a_study_has_the_accepted_batches_which_git_ignores(workspace: Path) -> None:
    assert (workspace / "data/accepted/first/photos/train/cat/1.png").read_text() == "a photo taken in later"


def test_a_study_of_other_data_has_no_batch_that_was_accepted_for_these(checkout: Path, workspace: Path) -> None:
    elsewhere = checkout / "workspaces/elsewhere"
    shutil.copytree(workspace / "data", elsewhere / "data")  # as it stood when the study was still about these data
    run("elsewhere")
    assert not list((elsewhere / "data/accepted").glob("*"))
    assert (checkout / "data/accepted/first.dvc").is_file()


def test_what_somebody_has_laid_into_a_workspace_stops_the_study_before_dvc_deletes_it(workspace: Path) -> None:
    mine = workspace / "results/cnn-lecture/models/my best.keras"
    write(workspace, str(mine.relative_to(workspace)), "irreplaceable")
    before = (workspace / "runs.txt").read_text()
    with pytest.raises(ForeignFilesError, match=r"^results/cnn-lecture/models/my best\.keras: not written"):
        run("small")
    assert mine.read_text() == "irreplaceable" and (workspace / "runs.txt").read_text() == before
    shutil.rmtree(workspace / "results")


def test_a_workspace_in_which_a_run_goes_on_is_left_as_it_is(
    checkout: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC hashes parameters and code again when a stage ends: what changed meanwhile would count as what it ran by."""
    monkeypatch.setattr(study, "what_runs", lambda folder: "make (process 42)" if folder.name == "small" else None)
    before = {name: (workspace / name).read_bytes() for name in ("params.yaml", "make.py")}
    write(checkout, "studies/small.yaml", STUDIES["small"].replace("40", "30"))
    write(checkout, "make.py", f"{MAKE}# changed\n")
    with pytest.raises(StudyError, match=r"workspaces/small: make \(process 42\) is at work there"):
        run("small")
    with hold_at_once(study.LOCKS / "small.lock", "study small"), pytest.raises(LockError, match="study small"):
        run("small")
    write(checkout, "studies/small.yaml", STUDIES["small"])
    write(checkout, "make.py", MAKE)
    assert {name: (workspace / name).read_bytes() for name in before} == before


@pytest.mark.parametrize(
    ("overlay", "same"),
    [
        ({"data": {"limit": 9, "image_size": 32, "seed": 3}, "seeds": [1]}, True),
        ({"data": {"fetch": ["groceries"], "path": "data/raw"}}, True),
        ({"data": {"fetch": ["pneumonia"]}}, False),
        ({"data": {"fetch": [], "path": "photos"}}, False),
        ({"data": {"labels": {"file": "labels.csv", "path": "path", "label": "label"}}}, False),
        ({"data": {"target": "price"}}, False),
    ],
)
def test_a_study_is_about_the_same_data_when_source_labels_and_target_are(overlay: Any, same: bool) -> None:
    content = {"data": {"fetch": ["groceries"], "path": "data/raw", "limit": None}}
    assert shares_data(content, Study(description="", params=overlay)) is same


def test_a_study_keeps_what_it_does_not_name(checkout: Path, workspace: Path) -> None:
    own, parent = load_params(workspace / "params.yaml"), load_params(checkout / "params.yaml")
    assert (own.data.limit, own.seeds) == (40, [3])
    assert own.training == parent.training
    assert own.data.image_size == parent.data.image_size


@pytest.mark.parametrize(
    ("named", "overlay", "left"),
    [
        ("finetune-vgg16-full", {}, {"kinds": ["seeds", "soup"], "soups": ["finetune-vgg16-full"], "of": None}),
        ("finetune-resnet50-full", {}, {"kinds": ["seeds"], "soups": [], "of": None}),
        ("finetune-vgg16-full", {"seeds": [3]}, {"kinds": [], "soups": [], "of": None}),
    ],
)
def test_ensembles_of_whom_a_study_leaves_out_are_left_out_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, overlay: dict[str, Any], left: dict[str, Any]
) -> None:
    content = read_yaml(ROOT / "params.yaml")
    content["compare"]["ensembles"] = {"kinds": ["seeds", "soup"], "soups": [named], "of": None}
    monkeypatch.chdir(tmp_path)
    YAML(typ="safe").dump(content, Path("params.yaml"))
    finetune = {"backbones": ["vgg16"], "strategies": ["full"]}
    params = write_params(
        Path("own.yaml"), "x", Study(description="", params={"finetune": finetune, **overlay}), read_yaml(PARAMS_FILE)
    )
    assert params.compare.ensembles.model_dump(include=set(left)) == left


def test_an_ensemble_that_a_study_names_itself_has_to_be_of_its_candidates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    ensembles = {"kinds": ["soup"], "soups": ["finetune-vgg16-ful"]}
    study = Study(description="", params={"compare": {"ensembles": ensembles}})
    with pytest.raises(StudyError, match="'finetune-vgg16-ful' does not compete"):
        write_params(Path("own.yaml"), "x", study, read_yaml(PARAMS_FILE))


def test_what_lack_of_time_left_out_of_the_checkout_is_not_said_of_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = read_yaml(ROOT / "params.yaml")
    content["study"]["left_out"] = ["cnn-wide"]
    assert write_params(Path("own.yaml"), "x", Study(description=""), content).study.left_out == []


def test_a_study_has_an_experiment_of_its_own(workspace: Path) -> None:
    assert load_params(workspace / "params.yaml").tracking.experiment == "kiyas-small"


def test_own_photos_are_read_where_they_are(checkout: Path, workspace: Path) -> None:
    assert load_params(workspace / "params.yaml").data.path == str(checkout / "photos")
    assert not (workspace / "photos").exists()


def test_a_study_is_tracked_in_the_store_of_the_checkout_by_the_same_interpreter(
    checkout: Path, workspace: Path
) -> None:
    store = f"sqlite:///{checkout / 'mlflow.db'}"
    told = json.loads((workspace / "tracked.json").read_text())
    assert told == {"arguments": ["track"], "store": store, "interpreter": sys.executable}


def test_running_a_study_again_runs_no_stage_and_says_where_the_answer_is(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("small")
    assert (workspace / "runs.txt").read_text().splitlines() == ["run"]
    shown = capsys.readouterr().out
    assert "workspaces/small/comparison/report.html" in shown
    assert "The best was 0.6." not in shown, "that was found on other data than one's own"


def test_what_a_study_once_found_is_shown_where_it_is_about_the_same_source(checkout: Path) -> None:
    own, small = load_params(), load_study("small")
    fetched = own.model_copy(update={"data": own.data.model_copy(update={"fetch": ["groceries"]})})
    assert not own.data.fetch and study._with_expected("found", small, own) == "found"
    found = study._with_expected("found", small, fetched)
    assert found == "found\n\nExpected, by a run of an earlier version on another machine:\nThe best was 0.6."


def test_a_study_of_some_targets_takes_from_the_cache_and_shows_the_best_epochs(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "repro"], check=True, capture_output=True)
    write_history(checkout / "workspaces/same", "cnn-lecture", [(0, 1, 1.5, 0.4), (0, 2, 1.25, 0.5), (0, 3, 1.3, 0.6)])
    run("same")
    same = checkout / "workspaces/same"
    assert (same / "out.txt").read_text() == (checkout / "out.txt").read_text()
    assert not (same / "runs.txt").exists()
    assert not (same / "other.txt").exists()
    shown = capsys.readouterr().out
    assert "1.2500" in shown
    assert "1.3000" not in shown


def test_a_run_that_fails_is_not_tracked(checkout: Path) -> None:
    with pytest.raises(StudyError, match=r"workspaces/failing: `pipeline repro nothing` ended with exit status"):
        run("failing")
    assert not (checkout / "workspaces/failing/tracked.json").exists()


def test_a_run_that_is_stopped_ends_the_study_even_where_it_ended_well(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(study, "run_command", lambda *given: begun.append(given) or (0, True))
    with pytest.raises(KeyboardInterrupt):
        run("small")
    assert len(begun) == 1, "nothing is tracked"
    assert "workspaces/small: `pipeline repro` was stopped; run the study again to go on from there" in caplog.text


def test_the_best_epoch_is_that_of_the_lowest_validation_loss_of_each_seed(checkout: Path, tmp_path: Path) -> None:
    epochs = [(0, 1, 0.9, 0.5), (0, 2, 0.7, 0.6), (1, 1, 0.8, 0.7), (1, 2, float("nan"), 0.0)]
    write_history(tmp_path, "cnn-lecture", epochs)
    write_history(tmp_path, "cnn-of_earlier_parameters", epochs)
    table = best_epochs(tmp_path, load_params(checkout / "params.yaml"))
    assert table[["candidate", "seed", "epoch", "val_loss"]].values.tolist() == [
        ["cnn-lecture", 0, 2, 0.7],
        ["cnn-lecture", 1, 1, 0.8],
    ]


def test_an_unknown_study_names_those_that_there_are(checkout: Path) -> None:
    message = r"studies/large\.yaml: there is no such study; studies: elsewhere, failing, same, small"
    with pytest.raises(StudyError, match=message):
        run("large")


def test_an_unknown_key_in_a_study_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "studies/typo.yaml", "description: Typo.\nparam: {}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match=r"studies/typo\.yaml: param: "):
        load_study("typo")


def test_a_study_that_makes_params_invalid_is_refused_before_anything_runs(checkout: Path) -> None:
    write(checkout, "studies/tiny.yaml", "description: Too few.\nparams: {data: {limit: 1}}\n")
    with pytest.raises(StudyError, match=r"data\.limit = 1(.|\n)*studies/tiny\.yaml"):
        run("tiny")
    assert [path.name for path in (checkout / "workspaces/tiny").iterdir()] == ["params.yaml"]


def test_sizes_are_compared_by_accuracy_and_so_of_classes_alone(checkout: Path) -> None:
    text = "description: Numbers.\nphoto_sizes: [32, 64]\nparams: {data: {task: regression}}\n"
    write(checkout, "studies/sizes.yaml", text)
    with pytest.raises(StudyError, match=r"studies/sizes\.yaml: photo_sizes = \[32, 64\]: sizes are compared by acc"):
        run("sizes")
    assert not (checkout / "workspaces/sizes").exists()


def test_merging_goes_into_mappings_and_replaces_lists() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 1e-5}
    assert merge(base, {"a": {"c": [3]}, "e": 2}) == {"a": {"b": 1, "c": [3]}, "d": 1e-5, "e": 2}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 1e-5}


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "studies").glob("*.yaml")))
def test_each_study_of_the_project_has_valid_parameters(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = params_of(name, tmp_path / "params.yaml", monkeypatch)
    assert params.tracking.experiment == f"kiyas-{name}"


def test_the_quick_study_keeps_every_candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = params_of("quick", tmp_path / "params.yaml", monkeypatch)
    assert quick.candidates() == load_params().candidates()
    assert len(quick.seeds) == 2


def params_of(name: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    monkeypatch.chdir(ROOT)
    return write_params(path, name, load_study(name), read_yaml(PARAMS_FILE))


def write_own_params(folder: Path) -> None:
    """The project's own params.yaml, with photos of one's own and a CNN as the only candidate."""
    for label in ("cat", "dog"):
        write(folder, f"photos/{label}/1.jpg", "not read here")
    own = {
        "data": {"fetch": [], "path": "photos"},
        "baseline": {"models": [], "probes": []},
        "finetune": {"backbones": [], "strategies": []},
    }
    with (folder / "params.yaml").open("w") as stream:
        YAML(typ="safe").dump(merge(read_yaml(ROOT / "params.yaml"), own), stream)


def write_history(folder: Path, candidate: str, epochs: list[tuple[int, int, float, float]]) -> None:
    columns = ["seed", "epoch", "val_loss", "val_accuracy"]
    table = pd.DataFrame(epochs, columns=columns).reindex(columns=HISTORY_COLUMNS, fill_value=1)
    path = folder / "results" / candidate / "history.csv"
    path.parent.mkdir(parents=True)
    table.to_csv(path, index=False)


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
