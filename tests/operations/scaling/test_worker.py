"""What a worker makes of DVC's exit statuses and of what a stage printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.operations.scaling.on_nodes import worker

ORDER = {"stage": "train", "lock": {"train": {"cmd": "python train.py"}}, "inputs": ["data.txt"]}


def answer(statuses: list[int], monkeypatch: pytest.MonkeyPatch, log: Path) -> tuple[dict[str, Any], list[str]]:
    """Of an order where DVC ends with these statuses, and its commands."""
    commands: list[str] = []

    def dvc(*arguments: str) -> int:
        commands.append(arguments[0])
        return statuses.pop(0) if statuses else 0

    monkeypatch.chdir(log.parent)
    monkeypatch.setattr(worker, "WAITS", (0.0, 0.0))
    monkeypatch.setattr(worker, "_dvc", dvc)
    return worker.run_order(ORDER, log), commands


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_text("ERROR: failed to pull data: the remote does not answer\n")
    return path


def test_a_remote_that_answers_the_third_time_is_good_enough(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, commands = answer([1, 1, 0, 0, 1], monkeypatch, log)
    assert outcome == {"state": "done", "lock": {"cmd": "python train.py"}}
    assert commands == ["pull", "pull", "pull", "repro", "push", "push"]


def test_a_remote_that_does_not_answer_is_no_fault_of_the_stage(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, commands = answer([1, 1, 1], monkeypatch, log)
    assert outcome["state"] == "broken" and commands == ["pull"] * 3
    assert outcome["reason"] == "`dvc pull` ended with 1: failed to pull data: the remote does not answer"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("ERROR: failed to reproduce 'train': failed to run: python train.py, exited with 1", "failed"),
        ("ERROR: failed to reproduce 'train': failed to run: python train.py, exited with -9", "broken"),
        ("ERROR: failed to reproduce 'train': failed to run: python train.py, exited with 137", "broken"),
        ("ERROR: failed to reproduce 'train': failed to run: python train.py, exited with 143", "broken"),
        ("ERROR: failed to reproduce 'train': failed to run: python train.py, exited with -15", "broken"),
        ("ERROR: failed to reproduce 'train': output 'model.txt' does not exist", "failed"),
        ("ERROR: unexpected error - [Errno 28] No space left on device", "broken"),
    ],
)
def test_a_stage_has_failed_where_its_own_command_did_or_left_an_out_unwritten(
    log: Path, text: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text(f"training\n{text}\n")
    outcome, _ = answer([0, 1], monkeypatch, log)
    assert outcome == {"state": state, "reason": text.removeprefix("ERROR: ")}
