"""The answer in the terminal, and the status where no run goes on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.ground.files import read_json, write_csv, write_json
from pipeline.ground.paths import RANKING, VERDICT
from pipeline.operations import status
from pipeline.operations.following.answer import print_answer
from pipeline.operations.planning.plan import Plan

ANSWER = "Use svm_hog: it is right on 57.2 % of unseen examples (95 % interval 53.1 to 61.3 %)."
ROW = {"family": "classical", "low": 0.53, "high": 0.61, "relation_to_best": "indistinguishable"}


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evidence = [{"sentence": f"Reason {number}."} for number in range(1, 6)]
    write_json(VERDICT, {"answer": ANSWER, "summary": [ANSWER], "shown": "Nothing is shown.", "evidence": evidence})
    rows = [{**ROW, "rank": rank, "candidate": f"classical-{rank}", "test_accuracy": 0.6} for rank in range(1, 9)]
    write_csv(RANKING, pd.DataFrame(rows))


def test_it_has_headline_first_reasons_the_leading_candidates_and_the_paths(
    answered: None, capsys: pytest.CaptureFixture[str]
) -> None:
    print_answer()
    told = capsys.readouterr().out
    assert ANSWER in " ".join(told.split())
    assert "- Reason 3." in told and "Reason 4." not in told
    assert "classical-5" in told and "classical-6" not in told
    assert "0.600 (0.530 to 0.610)" in told and "comparison/report.html" in told
    assert "undecided" in told and "indistinguishable" not in told, "the word of the sentences above it"
    assert max(map(len, told.splitlines())) <= 80


def test_what_was_left_out_for_lack_of_time_stands_under_the_answer(
    answered: None, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(VERDICT, {**read_json(VERDICT), "left_out": "Left out for lack of time: cnn-lecture."})
    print_answer()
    told = capsys.readouterr().out
    assert told.index("Nothing is shown.") < told.index("Left out for lack of time: cnn-lecture.") < told.index("- Rea")


def test_errors_of_a_target_in_small_units_are_told_apart(answered: None, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {**ROW, "rank": rank, "candidate": f"classical-{rank}", "test_rmse": error, "low": error / 2, "high": 2 * error}
        for rank, error in enumerate([0.0004, 0.0006], start=1)
    ]
    write_csv(RANKING, pd.DataFrame(rows))
    print_answer()
    told = capsys.readouterr().out
    assert "0.0004 (0.0002 to 0.0008)" in told and "0.0006 (0.0003 to 0.001)" in told


def test_without_a_comparison_there_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    print_answer()


def test_where_nothing_is_due_the_status_is_the_answer(answered: None, capsys: pytest.CaptureFixture[str]) -> None:
    status._print_rest(Plan([], ["compare"]))
    assert ANSWER in capsys.readouterr().out
