"""The command as a scheduler sees it: an exit code, JSON alone on stdout, a log file, a webhook, one at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.operations.retraining.lock import one_at_a_time
from tests.operations.retraining.test_outcome import Receiver, address  # noqa: F401


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "KIYAS_WEBHOOK", "KIYAS_DEBUG", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


def test_a_failure_ends_with_1_and_leaves_its_reason_in_json_log_and_webhook(
    checkout: Path,
    address: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The miniature checkout is no DVC repository, so `dvc repro prepare` fails."""
    monkeypatch.setenv("KIYAS_WEBHOOK", address)
    assert main(["retrain", "--json"]) == 1
    summary = json.loads(capsys.readouterr().out)
    assert (summary["ending"], summary["exit_code"]) == ("failed", 1)
    assert "`dvc repro prepare` failed" in summary["reasons"][0]
    assert "retrain: failed. `dvc repro prepare` failed" in Path(summary["log"]).read_text(encoding="utf-8")
    assert [body for _, body in Receiver.received] == [summary]


def test_a_second_one_fails_by_the_name_of_the_first(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with one_at_a_time("rollback"):
        assert main(["retrain", "--json"]) == 1
    assert "`rollback` (process" in json.loads(capsys.readouterr().out)["reasons"][0]


def test_on_a_github_runner_that_keeps_nothing_it_refuses_to_start(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["retrain", "--json"]) == 1
    assert "this runner keeps nothing" in json.loads(capsys.readouterr().out)["reasons"][0]
