"""Registering is a step that is asked for and says what it did; `track` takes it and reports it, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.champions import enrolment
from pipeline.champions.log import LOCK, current, read_log
from pipeline.configuration.whole import Params
from pipeline.ground.files import read_json, write_json
from pipeline.ground.locks import hold_at_once
from pipeline.operations import enrol, promote, track
from pipeline.trials import results_folder
from tests.tracking.simulated import say, simulate, small_params, write_winner

WINNER = "classical-majority"


@pytest.fixture
def compared(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Two candidates, compared; DVC, which is no part of this checkout in miniature, is not asked to keep anything."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(enrolment, "FLOORS", ("classical-none_of_these",))
    for module in (enrol, track):
        monkeypatch.setattr(module, "keep_champions", lambda: None)
    params = small_params()
    simulate(params)
    assert write_winner(params) == WINNER
    return params


def test_the_winner_is_registered_once_and_each_call_says_what_it_did(
    compared: Params, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["enrol"]) == 0
    assert capsys.readouterr().out == f"champions: registered {WINNER}, seed 0, as version 1, the champion\n"
    assert main(["enrol"]) == 0
    assert capsys.readouterr().out == f"champions: nothing registered: {WINNER} was registered, or decided on, before\n"
    assert [entry.event for entry in read_log()] == ["promoted"]


def test_a_person_promotes_a_candidate_by_its_name_or_a_version_by_its_number(
    compared: Params, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promote, "publish", lambda params: None)
    assert main(["enrol"]) == 0
    trial = read_json(results_folder(WINNER) / "trial.json")
    write_json(results_folder(WINNER) / "trial.json", trial | {"fingerprint": "trained again"})
    assert main(["promote", WINNER]) == 0
    assert capsys.readouterr().out.endswith(f"A person promoted version 2 ({WINNER}).\n")
    assert [f"{entry.event} {entry.champion}" for entry in read_log()] == ["promoted 1", "registered 1", "promoted 2"]
    assert main(["promote", "1"]) == 0
    assert current(read_log()) == 1
    assert main(["promote", "majority"]) == 1
    assert f"did you mean '{WINNER}'?" in capsys.readouterr().err


def test_where_nothing_beats_guessing_the_reason_is_given(compared: Params, capsys: pytest.CaptureFixture[str]) -> None:
    say(winner=WINNER, recommended=None)
    assert main(["enrol"]) == 0
    assert "nothing is shown to beat always guessing" in capsys.readouterr().out
    assert read_log() == []


def test_track_registers_too_and_says_so_before_it_shows_it(
    compared: Params, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["track"]) == 0
    registered, shown, _ = capsys.readouterr().out.splitlines()
    assert registered == f"champions: registered {WINNER}, seed 0, as version 1, the champion"
    assert shown.startswith("MLflow, experiment kiyas: 8 added")


def test_while_a_retraining_runs_track_shows_but_does_not_register(
    compared: Params, capsys: pytest.CaptureFixture[str]
) -> None:
    with hold_at_once(LOCK, "retrain"):
        assert main(["track"]) == 0
        assert main(["enrol"]) == 1
    output = capsys.readouterr()
    assert "champions: left alone" in output.out and "`retrain` (process" in output.out
    assert "7 added" in output.out
    assert "`retrain` (process" in output.err
    assert read_log() == []


def test_a_candidate_that_is_promoted_where_there_is_no_champion_becomes_the_first(
    compared: Params, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[Params] = []
    monkeypatch.setattr(promote, "publish", published.append)
    assert main(["promote", WINNER]) == 0
    assert "Version 1 is classical-majority, seed 0. It is the first, so it is the champion." in capsys.readouterr().out
    assert [entry.event for entry in read_log()] == ["promoted"] and len(published) == 1
    assert main(["promote", WINNER]) == 1
    assert "version 1 is the champion already" in capsys.readouterr().err
