"""The ranking of those that are evaluated so far: the numbers of `compare`, and gone when all of them are there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pandas as pd
import psutil
import pytest
from ruamel.yaml import YAML

from pipeline import __main__ as command_line
from pipeline.ground.files import write_json
from pipeline.operations.following import preliminary
from pipeline.operations.following.running import run_of
from pipeline.params.compare import Compare
from pipeline.stages import compare
from tests.accessibility import serious_findings

NAMES = ["classical-majority", "classical-svm_hog", "cnn-lecture"]


@pytest.fixture
def evaluated(checkout: Path, simulation: ModuleType) -> Path:
    """A checkout with results of three candidates, of which params.yaml names a fourth."""
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["baseline"].update(models=["majority", "svm_hog", "knn_hog"], probes=[])
    content["finetune"] = {"backbones": [], "strategies": []}
    content["compare"]["resamples"] = 300
    content["tracking"]["enabled"] = False
    yaml.dump(content, Path("params.yaml"))
    truths = [truth for truth in simulation.default_truths() if truth.candidate.name in NAMES]
    simulation.write_comparison_inputs(truths, test=150, development=200)
    unchanged(*NAMES)
    return checkout


def unchanged(*names: str) -> None:
    """Note that DVC called their evaluations up to date when this run began."""
    write_json(preliminary.NOTE, {"run": run_of(psutil.Process()).since, "unchanged": list(names)})


def page() -> str:
    return preliminary.PRELIMINARY.read_text(encoding="utf-8")


def test_it_ranks_those_that_are_evaluated_and_names_what_is_to_come(evaluated: Path) -> None:
    preliminary.update_preliminary("cnn-lecture")
    assert "3 of 4 candidates" in " ".join(page().split())
    assert "<li>classical-knn_hog</li>" in page()
    assert "Preliminary" in page()


@pytest.mark.parametrize(
    ("scale", "value", "interval"), [(1.0, "16,665", "15,000 to 18,000"), (1e-8, "0.000167", "0.00015 to 0.00018")]
)
def test_numbers_of_any_size_are_written_as_in_the_final_answer(scale: float, value: str, interval: str) -> None:
    row = {"rank": 1, "candidate": "classical-ridge", "test_rmse": 16665 * scale, "low": 15e3 * scale}
    ranking = pd.DataFrame([row | {"high": 18e3 * scale, "relation_to_best": "best"}])
    outcomes: Any = SimpleNamespace(examples=[1, 2], seeds=[0])
    settings = Compare(confidence=0.95, margin=0.01, resamples=300)
    written = preliminary._page(ranking, outcomes, [], settings)
    assert f'<td class="number">{value}<small>{interval}</small></td>' in written
    assert f"test rmse {value} ({interval})" in preliminary.summary(ranking, 2)


def test_the_page_can_be_read_on_a_phone_in_the_dark_and_with_a_screen_reader(evaluated: Path, browser: Any) -> None:
    preliminary.update_preliminary("cnn-lecture")
    assert serious_findings(browser, preliminary.PRELIMINARY.resolve()) == []


def test_its_numbers_are_those_of_compare(evaluated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[pd.DataFrame] = []
    summary = preliminary.summary
    monkeypatch.setattr(preliminary, "summary", lambda ranking, n: (shown.append(ranking), summary(ranking, n))[1])
    preliminary.update_preliminary("cnn-lecture")
    candidates = [one for one in preliminary.read_candidates() if one.name in NAMES]
    monkeypatch.setattr(compare, "read_candidates", lambda: candidates)
    monkeypatch.setattr(compare, "write_report", lambda material: None)
    compare.run()
    final = pd.read_csv("comparison/ranking.csv")
    columns: list[Any] = ["candidate", "test_accuracy", "low", "high", "relation_to_best"]
    pd.testing.assert_frame_equal(shown[0][columns].reset_index(drop=True), final[columns], rtol=1e-4)


def test_a_single_candidate_is_no_ranking_and_a_complete_one_is_not_preliminary(evaluated: Path) -> None:
    for name in NAMES[1:]:
        shutil.rmtree(f"evaluation/{name}")
    unchanged(NAMES[0])
    preliminary.update_preliminary(NAMES[0])
    assert not preliminary.PRELIMINARY.exists()


def test_what_was_evaluated_before_this_run_and_is_due_again_is_left_out(
    evaluated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preliminary, "_placed_since", lambda since, candidate: False)
    unchanged("classical-majority")
    preliminary.update_preliminary("cnn-lecture")
    assert "2 of 4 candidates" in " ".join(page().split())
    assert "<li>classical-svm_hog</li>" in page()


def test_the_comparison_ends_it_and_its_failure_fails_no_stage(
    evaluated: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    preliminary.update_preliminary("cnn-lecture")
    command_line._renew_preliminary_ranking(None)
    assert not preliminary.PRELIMINARY.exists()
    monkeypatch.setattr(command_line.sys, "executable", "/nowhere/python")
    command_line._renew_preliminary_ranking("cnn-lecture")
    assert not preliminary.PRELIMINARY.exists()


def test_a_run_that_nobody_watches_makes_none(evaluated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    done = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(command_line.subprocess, "run", lambda command, **_: started.append(command) or done)
    command_line._renew_preliminary_ranking("cnn-lecture")
    assert len(started) == 1
    monkeypatch.setenv("KIYAS_UNWATCHED", "1")
    command_line._renew_preliminary_ranking("cnn-lecture")
    assert len(started) == 1
