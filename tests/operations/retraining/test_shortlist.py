"""Which candidates are trained anew: from the last full comparison, few and never without the champion's recipe."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.ground.files import write_csv, write_json
from pipeline.operations.retraining.shortlist import choose_shortlist, contenders, evaluate_targets

RELATIONS = {
    "finetune-resnet50-full": "best",
    "finetune-vgg16-full": "indistinguishable",
    "finetune-resnet50-feature_extractor": "equivalent",
    "cnn-lecture": "indistinguishable",
    "classical-svm_hog": "indistinguishable",
    "classical-knn_hog": "worse",
}


@pytest.fixture
def params(checkout: Path) -> Params:
    return load_params()


@pytest.fixture
def compared(checkout: Path) -> None:
    rows = [{"candidate": name, "relation_to_best": relation} for name, relation in RELATIONS.items()]
    write_csv(Path("comparison/ranking.csv"), pd.DataFrame(rows))
    write_json(Path("comparison/verdict.json"), {"recommended": "classical-svm_hog"})


@pytest.mark.usefixtures("compared")
def test_of_an_ensemble_its_members_are_trained(params: Params) -> None:
    members = {"finetune-vgg16-full": 0.75, "classical-knn_hog": 0.25}
    entry = {"candidate": "ensemble-greedy", "members": members}
    write_json(Path("comparison/verdict.json"), {"recommended": "ensemble-greedy", "ensembles": {"ensembles": [entry]}})
    names = [one.name for one in choose_shortlist(params, ["cnn-lecture"])]
    assert names == ["cnn-lecture", "finetune-vgg16-full", "classical-knn_hog", "finetune-resnet50-full"]


@pytest.mark.parametrize(
    ("ranked", "challenge"),
    [
        (["a", "ensemble-greedy", "b"], ["a"]),
        (["ensemble-seeds-a", "ensemble-greedy", "a", "b"], ["ensemble-seeds-a", "ensemble-greedy", "a"]),
    ],
)
def test_behind_an_ensemble_the_best_trained_candidate_challenges_too(ranked: list[str], challenge: list[str]) -> None:
    assert contenders(ranked, ["ensemble-seeds-a", "ensemble-greedy"]) == challenge


@pytest.mark.usefixtures("compared")
def test_the_champions_recipe_comes_first_then_the_recommended_then_the_best_by_rank(params: Params) -> None:
    names = [one.name for one in choose_shortlist(params, ["classical-knn_hog"])]
    assert names == ["classical-knn_hog", "classical-svm_hog", "finetune-resnet50-full", "finetune-vgg16-full"]


@pytest.mark.usefixtures("compared")
def test_what_is_shown_to_be_worse_is_left_out(params: Params) -> None:
    roomy = params.model_copy(update={"retrain": params.retrain.model_copy(update={"shortlist": 9})})
    names = {one.name for one in choose_shortlist(roomy, ["finetune-resnet50-full"])}
    assert names == set(RELATIONS) - {"classical-knn_hog"}


@pytest.mark.usefixtures("compared")
def test_what_waits_for_a_decision_is_trained_however_short_the_list(params: Params) -> None:
    short = params.model_copy(update={"retrain": params.retrain.model_copy(update={"shortlist": 1})})
    names = [one.name for one in choose_shortlist(short, ["classical-knn_hog"], ["finetune-vgg16-full"])]
    assert names == ["classical-knn_hog", "finetune-vgg16-full"]


def test_without_a_comparison_there_is_the_champions_recipe_alone_and_without_a_champion_everything(
    params: Params,
) -> None:
    assert [one.name for one in choose_shortlist(params, ["cnn-lecture"])] == ["cnn-lecture"]
    assert choose_shortlist(params) == params.candidates()
    assert choose_shortlist(params, ["cnn-that_left"]) == params.candidates()


@pytest.mark.usefixtures("compared")
def test_of_a_series_the_last_value_is_trained_besides_since_it_is_the_floor(params: Params) -> None:
    series = {"kind": "series", "target": "level", "time": "month", "window": 12}
    names = ["classical-naive", "classical-ridge", "classical-svm_hog"]
    candidates = {name: SimpleNamespace(name=name) for name in names}
    given: Any = SimpleNamespace(
        candidates=candidates.values, retrain=SimpleNamespace(shortlist=1), data=SimpleNamespace(**series)
    )
    assert [one.name for one in choose_shortlist(given, ["classical-ridge"])] == ["classical-ridge", "classical-naive"]
    given.data.kind = "table"
    assert [one.name for one in choose_shortlist(given, ["classical-ridge"])] == ["classical-ridge"]


def test_their_evaluations_are_named_as_dvc_takes_them(params: Params) -> None:
    wanted = {"classical-svm_hog", "cnn-lecture", "finetune-vgg16-full"}
    chosen = [one for one in params.candidates() if one.name in wanted]
    assert evaluate_targets(chosen) == [
        "evaluate-classical@svm_hog",
        "evaluate-cnn@lecture",
        "evaluate-finetune@vgg16-full",
    ]
