"""`status` says where a run is: which stage of how many, for how long, and how long still."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from pipeline.configuration.loading import load_params
from pipeline.ground.locks import hold_at_once
from pipeline.operations import status
from pipeline.operations.following import running
from pipeline.operations.following.running import Run, RunningStage
from pipeline.operations.planning import plan as planning
from pipeline.operations.planning.due import GraphState
from pipeline.operations.planning.expansion import Stage
from pipeline.operations.status import _ended_since
from pipeline.params.competing import read_candidates

SINCE = 1_000_000_000.0
STAGES = {
    "folders": "data/prepared/.folder",
    "folders-foreign": "data/.filled/README.txt",
    "fetch": "data/raw/train/Apple/1.jpg",
    "prepare": "data/prepared/dataset.json",
    "backbone@vgg16": "data/.backbones/vgg16",
    "weights": "data/weights/vgg16.weights.h5",
    "train": "results/finetune-vgg16-full/cost.json",
    "evaluate": "evaluation/finetune-vgg16-full/cost.json",
    "compare": "comparison/verdict.json",
}


@pytest.mark.parametrize("part", STAGES)
def test_a_stage_has_ended_once_its_last_file_came_into_its_place(checkout: Path, part: str) -> None:
    candidate = next(one for one in read_candidates() if one.name == "finetune-vgg16-full")
    stage = Stage(
        part,
        re.split("[-@]", part)[0],  # type: ignore[arg-type]
        candidate if part in ("train", "evaluate") else None,
        "vgg16" if part == "weights" else None,
    )
    assert not _ended_since(SINCE, stage)
    file = checkout / STAGES[part]
    file.parent.mkdir(parents=True)
    file.touch()
    assert _ended_since(SINCE, stage)
    assert not _ended_since(os.stat(file).st_ctime + 1, stage)


RUNNING = "evaluate-classical@svm_hog"


@pytest.fixture
def evaluating(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of 90 seconds: a candidate was trained, has been evaluated for 30 seconds, and is to be compared."""
    states = {"prepare": "unchanged", "baseline@svm_hog": "unchanged", RUNNING: "changed", "compare": "follows"}
    monkeypatch.setattr(planning, "graph_state", lambda targets, mends: GraphState(states))  # type: ignore[arg-type]
    now = time.time()
    stage = RunningStage(RUNNING, 4711, now - 30, Run(now - 90))
    monkeypatch.setattr(status, "running_stages", lambda checkout: [stage])
    file = Path("results/classical-svm_hog/cost.json")
    file.parent.mkdir(parents=True)
    file.write_text("{}", encoding="utf-8")


def test_it_says_which_stage_of_how_many_what_it_does_and_the_times(
    evaluating: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status.run() == 0
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"\[2/3\] evaluate-classical@svm_hog: evaluate, about .+; it has run for 3\d s \(process 4711\)", first
    )
    assert re.fullmatch(r"2 min so far, about .+ to go \(.+\)", second)


def test_programs_get_the_same_in_numbers(evaluating: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert status.run(as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["running"], told["position"], told["of"], told["at_work"]) == (RUNNING, 2, 3, True)
    assert told["elapsed"] == pytest.approx(90, abs=5)
    assert 0 < told["remaining_low"] <= told["remaining"] <= told["remaining_high"]


@pytest.mark.parametrize("process", [42, None])
def test_between_two_stages_a_program_sees_that_a_run_goes_on(
    process: int | None, evaluating: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(status, "running_stages", lambda checkout: [])
    monkeypatch.setattr(status, "process_of_run", lambda checkout: process)
    monkeypatch.setattr(running, "process_of_run", lambda checkout: process)
    assert status.run(as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["running"], told["process"], told["at_work"]) == (None, process, process is not None)


def test_what_dvc_brought_back_says_nothing_of_how_fast_this_machine_is(evaluating: None) -> None:
    """It is a link to what an earlier run wrote, so that its time of writing is that run's."""
    (running,) = status.running_stages(Path())
    params = load_params()
    assert status._progress(running, planning.make_plan(params), params).pace != 1
    os.utime("results/classical-svm_hog/cost.json", (SINCE, SINCE))
    progress = status._progress(running, planning.make_plan(params), params)
    assert (progress.restored, progress.pace, progress.position) == (["baseline@svm_hog"], 1, 2)


def test_a_retraining_between_two_stages_is_named(
    evaluating: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(status, "running_stages", lambda checkout: [])
    monkeypatch.setattr(status, "process_of_run", lambda checkout: None)
    with hold_at_once(status.LOCK, "retrain"):
        assert status.run() == 0
        note = status.LOCK.with_suffix(".owner.json")
        left = note.read_text(encoding="utf-8").replace(str(os.getpid()), "999999999")
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"`retrain` (process {os.getpid()} on ") and first.endswith("goes on, between two stages.")
    note.write_text(left, encoding="utf-8")  # as a kill leaves it
    assert status.run() == 0
    assert capsys.readouterr().out.startswith("No run goes on in this checkout.")
    taken = json.loads(left) | {"pid": os.getpid(), "started": "2020-01-01T00:00:00+00:00"}
    note.write_text(json.dumps(taken), encoding="utf-8")  # its number is another process' by now
    assert status.run() == 0
    assert capsys.readouterr().out.startswith("No run goes on in this checkout.")


@pytest.mark.parametrize("workspace", ["workspaces/quick", "workspaces/image_size/64"])
def test_a_run_of_a_study_is_named_from_the_checkout(
    evaluating: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workspace: str
) -> None:
    running = status.running_stages(Path())
    Path(workspace).mkdir(parents=True)
    monkeypatch.setattr(status, "running_stages", lambda checkout: running if checkout == Path(workspace) else [])
    monkeypatch.setattr(status, "process_of_run", lambda checkout: None)
    called, run = [], status.run
    monkeypatch.setattr(status, "run", lambda: called.append(Path.cwd()))
    assert run() == 0
    first, due, _, last = capsys.readouterr().out.splitlines()
    assert first == "No run goes on in this checkout." and due.startswith("2 stages are due")
    assert last == f"A study's run in {workspace}:" and called == [Path(workspace).resolve()]


@pytest.mark.parametrize(
    ("process", "said"), [(None, "No run goes on in this checkout."), (4711, "A run goes on (process 4711), and DVC")]
)
def test_between_two_stages_a_run_still_goes_on(
    evaluating: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    process: int | None,
    said: str,
) -> None:
    monkeypatch.setattr(status, "running_stages", lambda checkout: [])
    monkeypatch.setattr(status, "process_of_run", lambda checkout: process)
    assert status.run() == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(said) and second.startswith("2 stages are due")
