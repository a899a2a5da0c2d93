"""Trials that other nodes have trained: carried by DVC's remote, found after a kill, and where their stage looks."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.operations.scaling.commit import clean_commit, pack_commit
from pipeline.operations.scaling.on_nodes import handover
from pipeline.operations.scaling.on_nodes.node import run_stage
from pipeline.operations.scaling.on_nodes.worker import read_lock
from pipeline.operations.scaling.orders import Trial
from pipeline.training.kept_trials import FOLDER
from tests.operations.scaling.conftest import Place
from tests.operations.scaling.graph import git, orders, tasks_of

# In place of the module that trains: it notes that it started, and writes what a kept trial has.
TRAIN = """
import os, pathlib, sys
candidate, seed, out = sys.argv[1:]
outside = pathlib.Path({outside!r})
(outside / f"started-{{candidate}}-{{seed}}-{{os.getpid()}}").touch()
folder = pathlib.Path(out, "a1b2c3")
folder.mkdir(parents=True)
for ending in ("keras", "json"):
    (folder / f"seed-{{seed}}.{{ending}}").write_text(f"{{candidate}} {{seed}} {{ending}}")
"""


def test_trials_are_trained_once_and_lie_on_another_node_where_their_stage_looks_for_them(place: Place) -> None:
    module = place.checkout / "pipeline/operations/scaling/on_nodes/trial.py"
    module.write_text(TRAIN.format(outside=str(place.outside)))
    git(place.checkout, "add", "-A")
    git(place.checkout, "commit", "-q", "-m", "trials")
    archive = pack_commit(place.checkout, clean_commit(place.checkout))
    (stage,) = tasks_of("train@quick")
    trials = {f"train@quick:seed-{seed}": Trial("train@quick", "cnn-quick", seed) for seed in (0, 1)}
    lock = read_lock()

    def run(node: str, task: Any) -> dict[str, Any]:
        order = orders(place.checkout, place.cache / node)(task, {name: lock[name] for name in task.waits_for})
        outcome: dict[str, Any] = run_stage(asdict(order), archive)
        assert outcome["state"] == "done", outcome
        return outcome

    for name, trial in trials.items():
        lock[name] = run("first", replace(stage, name=name, trial=trial))["lock"]
    assert place.starts("cnn-quick-0") == place.starts("cnn-quick-1") == 1
    first = replace(stage, name="train@quick:seed-0", trial=trials["train@quick:seed-0"])
    assert run("second", first)["lock"] == lock["train@quick:seed-0"]
    assert place.starts("cnn-quick-0") == 1  # as after a kill of the driver: found in the remote's run cache
    outcome = run("third", replace(stage, trials=trials))
    assert outcome["lock"]["cmd"] == "python train.py quick"
    kept = place.cache / "third/kept/trials/a1b2c3"
    assert {file.name: file.read_text() for file in kept.iterdir()} == {
        f"seed-{seed}.{ending}": f"cnn-quick {seed} {ending}" for seed in (0, 1) for ending in ("keras", "json")
    }
    for clone in (path for path in place.cache.glob("*/clones/*") if path.is_dir()):
        assert not (clone / handover.FOLDER).exists()


def test_what_is_laid_there_takes_the_place_of_what_a_kill_left_and_the_facts_come_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert handover.KEPT == FOLDER
    pulled = handover.out_of(asdict(Trial("cnn@x", "cnn-x", 3))) / "key"
    pulled.mkdir(parents=True)
    (pulled / "seed-3.json").write_text("facts")
    (pulled / "seed-3.keras").write_text("model")
    (FOLDER / "key").mkdir(parents=True)
    (FOLDER / "key/seed-3.keras").write_text("half")
    order: list[str] = []
    replace_file = os.replace
    monkeypatch.setattr(os, "replace", lambda one, to: (order.append(to.name), replace_file(one, to))[1])
    handover.keep_finished_trials([(asdict(Trial("cnn@x", "cnn-x", 3)), {})])
    assert order == ["seed-3.keras", "seed-3.json"]
    assert (FOLDER / "key/seed-3.keras").read_text() == "model"
    assert sorted(file.name for file in (FOLDER / "key").iterdir()) == ["seed-3.json", "seed-3.keras"]
