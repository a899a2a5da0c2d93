"""A study of photo sizes: paired differences between the sizes of each candidate, on one page."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.comparison.tables.measurements import ComparisonError
from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.operations import study
from pipeline.operations.study import StudyError, load_study
from pipeline.operations.studying.photo_sizes import COLUMNS, compare_sizes, read_sizes, smallest_sufficient
from pipeline.operations.studying.size_page import render, sentences
from pipeline.params.compare import Compare
from tests.accessibility import serious_findings
from tests.comparison.conftest import default_truths, write_comparison_inputs

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=400)
HEAD, SVM = "finetune-resnet50-feature_extractor", "classical-svm_hog"
ACCURACY = {48: 0.35, 96: 0.64, 160: 0.645}  # of the head, whose network sees more in more pixels; the SVM's stays


def write_workspace(folder: Path, size: int, test: int = 400) -> None:
    """The graph as it stands after it ran with photos of one size."""
    truths = {truth.candidate.name: truth for truth in default_truths()}
    head = replace(truths[HEAD], test=ACCURACY[size], seconds=size**2 / 100, spread=0.0)
    chosen = [truths["classical-majority"], replace(truths[SVM], spread=0.0), head]
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "params.yaml", folder / "params.yaml")
    text = (folder / "params.yaml").read_text(encoding="utf-8")
    for before, after in {
        "models: [majority, logistic_pixels, forest_pixels, logistic_hog, svm_hog, knn_hog, boosting_hog]": "models: "
        "[majority, svm_hog]",
        "probes: [logistic]": "probes: []",
        "cnn: [lecture]": "cnn: []",
        "backbones: [vgg16, resnet50, inceptionv3]": "backbones: [resnet50]",
        "[feature_extractor, full, frozen_layers, gradual_unfreezing]": "[feature_extractor]",
    }.items():
        assert before in text
        text = text.replace(before, after)
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    with contextlib.chdir(folder):
        write_comparison_inputs(chosen, seeds=(0, 1), test=test, development=200)


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    root = tmp_path_factory.mktemp("sizes")
    for size in ACCURACY:
        write_workspace(root / str(size), size)
    return {size: root / str(size) for size in ACCURACY}


@pytest.fixture(scope="module")
def table(workspaces: dict[int, Path]) -> pd.DataFrame:
    return compare_sizes(read_sizes(workspaces), SETTINGS)


def test_each_candidate_has_a_row_for_each_size_and_the_floor_has_none(table: pd.DataFrame) -> None:
    assert list(table.columns) == COLUMNS
    assert {name: list(rows["image_size"]) for name, rows in table.groupby("candidate")} == {
        SVM: [48, 96, 160],
        HEAD: [48, 96, 160],
    }
    assert (table["low"] <= table["test_accuracy"]).all() and (table["test_accuracy"] <= table["high"]).all()


def test_a_size_is_shown_to_be_worse_only_where_the_difference_is_large(table: pd.DataFrame) -> None:
    head = table[table["candidate"] == HEAD].set_index("image_size")
    assert head["shown"].to_dict() == {48: True, 96: False, 160: False}
    assert head.loc[48, "behind_best"] == pytest.approx(
        head["test_accuracy"].max() - head.loc[48, "test_accuracy"], abs=1e-4
    )
    assert smallest_sufficient(table[table["candidate"] == HEAD]) == 96
    assert smallest_sufficient(table[table["candidate"] == SVM]) == 48


def test_the_best_size_of_a_candidate_is_not_behind_itself(table: pd.DataFrame) -> None:
    for _, rows in table.groupby("candidate"):
        best = rows.loc[rows["test_accuracy"].idxmax()]
        assert (best["behind_best"], best["behind_low"], best["behind_high"], best["shown"]) == (0, 0, 0, False)


def test_the_page_says_which_size_suffices_and_draws_size_and_time(table: pd.DataFrame) -> None:
    page = render(table, "image_size", 0.95)
    said = next(sentence for sentence in sentences(table) if sentence.startswith("resnet50 "))
    assert said in page
    assert " at 160 pixels; 96 is not shown to be worse" in said and "takes 1/2.8 of the training time" in said
    assert "Sizes are compared by test accuracy, whatever compare.score names" in page
    assert page.count("<svg") == 2 and "pixels a side" in page and "seconds of one training alone" in page


def test_a_smaller_size_that_took_longer_is_told_so(table: pd.DataFrame) -> None:
    slow = table.assign(training_seconds=table["training_seconds"].where(table["image_size"] != 96, 512.0))
    said = next(sentence for sentence in sentences(slow) if sentence.startswith("resnet50 "))
    assert "; 96 is not shown to be worse" in said
    assert said.endswith(" and took 2.0 times as long to train here, which fewer pixels do not explain.")


def test_the_page_can_be_read_on_a_phone_in_the_dark_and_with_a_screen_reader(
    table: pd.DataFrame, tmp_path: Path, browser: Any
) -> None:
    (tmp_path / "report.html").write_text(render(table, "image_size", 0.95), encoding="utf-8")
    assert serious_findings(browser, tmp_path / "report.html") == []


def test_sizes_with_other_test_photos_are_refused(workspaces: dict[int, Path], tmp_path: Path) -> None:
    write_workspace(tmp_path / "96", 96, test=300)
    with pytest.raises(ComparisonError, match=r"test examples are not the"):
        compare_sizes(read_sizes({48: workspaces[48], 96: tmp_path / "96"}), SETTINGS)


def test_a_study_runs_each_size_in_a_workspace_of_its_own_and_writes_one_page(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("studies").mkdir()
    text = "description: How large?\nphoto_sizes: [48, 96]\nparams: {data: {limit: 400}}\nexpected: It is 96.\n"
    Path("studies/sizes.yaml").write_text(text, encoding="utf-8")
    ran = []

    def run_in(workspace: Path, name: str, one: study.Study, content: dict[str, Any], experiment: str) -> Params:
        ran.append((workspace.as_posix(), one.params, one.photo_sizes, experiment))
        write_workspace(workspace, one.params["data"]["image_size"])
        return load_params()

    monkeypatch.setattr(study, "_run_in", run_in)
    study.run("sizes")
    assert ran == [
        (f"workspaces/sizes/{size}", {"data": {"limit": 400, "image_size": size}}, [], f"kiyas-sizes-{size}")
        for size in (48, 96)
    ]
    said = capsys.readouterr().out
    assert "The page: workspaces/sizes/report.html\n\nExpected, by a run of an earlier version" in said
    assert "\nIt is 96." in said
    assert Path("workspaces/sizes/report.html").is_file()
    assert list(pd.read_csv("workspaces/sizes/photo_sizes.csv").columns) == COLUMNS


def test_sizes_are_compared_by_what_the_whole_graph_measures(checkout: Path) -> None:
    Path("studies").mkdir()
    Path("studies/half.yaml").write_text("description: x\ntargets: [cnn]\nphoto_sizes: [64]\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"photo_sizes: .*leave out targets"):
        load_study("half")
