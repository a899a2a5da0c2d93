"""What a comparison advises is registered once, by an explicit step, and only where that is right."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.champions import enrolment
from pipeline.champions.enrolment import obstacle, register_advised, version_of
from pipeline.champions.log import CHAMPIONS, ChampionError, Entry, append
from pipeline.champions.versions import read_champion, registered_versions
from pipeline.configuration.whole import Params
from pipeline.ground.files import read_json, write_csv, write_json
from pipeline.ground.paths import DATASET, VERDICT, WORKSPACE_MARK
from pipeline.scores.probabilities import FREQUENCIES
from pipeline.trials import evaluation_folder, read_trial
from tests.tracking.simulated import say, simulate, small_params, write_results, write_winner

WINNER = "classical-majority"


@pytest.fixture
def compared(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Two candidates, compared; the winner is a small model that is really there."""
    monkeypatch.setattr(enrolment, "FLOORS", ("classical-none_of_these",))
    params = small_params()
    simulate(params)
    assert write_winner(params) == WINNER
    return params


def test_what_is_advised_becomes_the_first_version_and_is_not_registered_twice(compared: Params) -> None:
    champion = register_advised()
    assert champion and (champion.version, champion.candidate, champion.seed) == (1, WINNER, 0)
    assert champion.interval == read_json(VERDICT)["winner_interval"], "the one that holds after picking"
    assert register_advised() is None
    assert obstacle() == f"{WINNER} was registered, or decided on, before"


def test_the_advised_candidate_is_registered_and_not_the_highest_score(compared: Params) -> None:
    say(winner="finetune-resnet50-full", recommended=WINNER, interval=[0.4, 0.9])
    champion = register_advised()
    assert champion and (champion.candidate, champion.interval) == (WINNER, [0.4, 0.9])


def test_a_champion_keeps_what_is_to_be_expected_of_its_one_model(compared: Params) -> None:
    deployed = {"seed": 0, "test_accuracy": 0.625, "low": 0.45, "high": 0.85}
    say(winner=WINNER, recommended=WINNER, interval=[0.4, 0.9], deployed={WINNER: deployed})
    champion = register_advised()
    assert champion and (champion.interval, champion.model_interval) == ([0.4, 0.9], [0.45, 0.85])
    assert champion.shown_score == champion.model_score == 0.625 != champion.metrics["test_accuracy"]
    assert read_champion(1) == champion


def test_a_score_by_another_rule_does_not_stand_beside_the_interval_of_a_model_that_goes_by_its_own(
    compared: Params,
) -> None:
    champion = register_advised()
    assert champion and champion.model_score is None
    assert champion.shown_score == champion.metrics["test_accuracy"]
    assert replace(champion, decision={"threshold": 0.25}).shown_score is None


def test_a_candidate_is_registered_by_its_name_once(compared: Params) -> None:
    assert (version_of(WINNER), version_of(WINNER)) == (1, 1)
    assert [entry.candidate for entry in registered_versions()] == [WINNER]


@pytest.mark.parametrize(
    ("candidate", "refusal"),
    [
        ("cnn-deep", "cnn-deep: comparison/ranking.csv has no such candidate; `dvc repro`"),
        (
            "finetune-resnet50-full",
            "finetune-resnet50-full: cannot be registered: the comparison is not of the results",
        ),
    ],
)
def test_what_is_not_in_the_comparison_or_not_on_disk_is_not_registered(
    compared: Params, candidate: str, refusal: str
) -> None:
    with pytest.raises(ChampionError, match=re.escape(refusal)):
        version_of(candidate)
    assert not CHAMPIONS.exists()


def test_a_workspace_registers_no_candidate_by_name_either(compared: Params) -> None:
    WORKSPACE_MARK.parent.mkdir(exist_ok=True)
    WORKSPACE_MARK.write_text("quick\n", encoding="utf-8")
    with pytest.raises(ChampionError, match="this is a study's workspace"):
        version_of(WINNER)


@pytest.mark.parametrize("recommended", [None, "classical-none_of_these"])
def test_what_does_not_beat_the_floor_is_not_registered(compared: Params, recommended: str | None) -> None:
    say(winner=WINNER, recommended=recommended)
    assert register_advised() is None
    assert not CHAMPIONS.exists()


def test_a_workspace_never_registers(compared: Params) -> None:
    WORKSPACE_MARK.parent.mkdir(exist_ok=True)
    WORKSPACE_MARK.write_text("quick\n", encoding="utf-8")
    assert register_advised() is None


def test_where_champions_are_not_pulled_no_second_history_begins(
    compared: Params, caplog: pytest.LogCaptureFixture
) -> None:
    Path("champions.dvc").touch()
    assert register_advised() is None
    assert "dvc pull champions" in caplog.text


def test_a_comparison_of_older_results_registers_nothing(compared: Params) -> None:
    ranking = pd.read_csv("comparison/ranking.csv")
    write_csv(Path("comparison/ranking.csv"), ranking.assign(test_accuracy=ranking["test_accuracy"] - 0.1))
    assert register_advised() is None


def test_a_trial_that_is_as_good_as_the_one_compared_is_not_that_one(compared: Params) -> None:
    """A retraining that was killed before its decision leaves such a one: all test examples right before, and after."""
    told = {"winner": WINNER, "winner_interval": [0.4, 0.9], "recommended": WINNER}
    say(**told, trials={WINNER: "an earlier one"})
    assert str(obstacle()).startswith("the comparison is not of the results of classical-majority on disk")
    assert register_advised() is None
    say(**told, trials={WINNER: read_trial(WINNER).fingerprint})
    assert register_advised()


def test_what_was_decided_on_is_not_registered_again(compared: Params) -> None:
    trial = write_results(compared.candidates()[0], compared.seeds, "refused")
    append(Entry("2026-03-02T03:00:00+00:00", "kept", None, None, "data", ["No better."], trial.fingerprint))
    assert register_advised() is None


def test_a_comparison_by_another_score_than_that_of_params_yaml_registers_nothing(compared: Params) -> None:
    """Else the candidate and its interval would be of one score, and the score and rule kept with it of the other."""
    told = {"winner": WINNER, "winner_interval": [0.4, 0.9], "recommended": WINNER}
    say(**told, score={"name": "balanced_accuracy"})
    expected = (
        "params.yaml ranks by accuracy, and the comparison on disk by balanced_accuracy (compare.score); `dvc repro`"
    )
    assert str(obstacle()).startswith(expected) and register_advised() is None
    with pytest.raises(ChampionError, match=re.escape(expected)):
        version_of(WINNER)
    say(**told, score={"name": "accuracy"})
    assert register_advised()


def rank_by(**compare: Any) -> None:
    """Other keys of `compare` in params.yaml."""
    yaml, params_yaml = YAML(typ="safe"), Path("params.yaml")
    content = yaml.load(params_yaml.read_text(encoding="utf-8"))
    content["compare"] |= compare
    yaml.dump(content, params_yaml)


def test_costs_other_than_those_of_the_comparison_register_nothing(compared: Params) -> None:
    rank_by(score="cost", costs={"a": {"b": 5.0}, "b": {"a": 1.0}})
    told = {"winner": WINNER, "winner_interval": [0.4, 0.9], "recommended": WINNER}
    say(**told, score={"name": "cost", "costs": [[0.0, 2.0], [1.0, 0.0]]})
    assert obstacle() == (
        "compare.costs in params.yaml is not what the comparison on disk was made with; `dvc repro` first"
    )
    say(**told, score={"name": "cost", "costs": [[0.0, 5.0], [1.0, 0.0]]})
    assert obstacle() is None


def test_another_quantile_than_that_of_the_comparison_registers_nothing(compared: Params) -> None:
    rank_by(score="pinball", quantile=0.9)
    write_json(DATASET, read_json(DATASET) | {"task": "regression", "class_names": []})
    say(score={"name": "pinball", "quantile": 0.5})
    assert str(enrolment._other_score("regression")).startswith("compare.quantile in params.yaml is not what")
    say(score={"name": "pinball", "quantile": 0.9})
    assert enrolment._other_score("regression") is None


@pytest.fixture
def unsure(compared: Params) -> Params:
    """The winner gives the second class little, and its own examples most of that: a low threshold parts them."""
    second = [0.1, 0.2, 0.3, 0.4]
    table = pd.DataFrame({"seed": 0, "split": "val", "example": list("wxyz"), "label": [0, 0, 1, 1], "predicted": 0})
    table = table.assign(p_0=[1 - one for one in second], p_1=second)
    both = pd.concat([table, table.assign(split="test")])
    both.to_parquet(evaluation_folder(WINNER) / "predictions.parquet")
    return compared


def test_the_rule_of_another_score_is_registered_as_another_version(unsure: Params) -> None:
    told = {"winner": WINNER, "winner_interval": [0.4, 0.9], "recommended": WINNER}
    before, known = register_advised(), f"{WINNER} was registered, or decided on, before"
    assert before and before.decision == {} and obstacle() == known
    rank_by(score="auroc")
    say(**told, score={"name": "auroc"})
    assert obstacle() == known and version_of(WINNER) == 1, "a score without a threshold leaves the rule as it is"
    rank_by(score="balanced_accuracy")
    say(**told, score={"name": "balanced_accuracy"})
    registered = register_advised()
    assert registered and (registered.version, registered.score) == (2, "balanced_accuracy")
    assert read_json(CHAMPIONS / "2" / "champion.json")["decision"] == {"threshold": pytest.approx(0.25)}
    assert obstacle() == known and version_of(WINNER) == 2
    rank_by(score=None)
    say(**told)
    assert version_of(WINNER) == 1, "whose rule it is again"


def test_where_the_files_of_a_candidate_are_gone_its_name_means_the_version_of_its_training(unsure: Params) -> None:
    assert version_of(WINNER) == 1
    rank_by(score="balanced_accuracy")
    (evaluation_folder(WINNER) / "predictions.parquet").unlink()
    assert version_of(WINNER) == 1


def test_a_candidate_is_promoted_by_its_name_with_the_rule_of_another_score(unsure: Params) -> None:
    assert version_of(WINNER) == 1
    rank_by(score="cost", costs={"a": {"b": 1.0}, "b": {"a": 1.0}})
    say(score={"name": "cost", "costs": [[0.0, 1.0], [1.0, 0.0]]})
    assert version_of(WINNER) == 2
    shutil.rmtree(CHAMPIONS / "2")
    assert version_of(WINNER) == 2, "which may be this one: it is not here to be compared"


@pytest.mark.parametrize(
    ("numbers", "again"),
    [
        ({}, False),
        ({"score": "accuracy"}, True),
        ({"score": "cost", "ranked_by": {"name": "cost", "costs": [[0.0, 5.0], [1.0, 0.0]]}}, False),
        ({"score": "cost", "ranked_by": {"name": "cost", "costs": [[0.0, 2.0], [1.0, 0.0]]}}, True),
    ],
)
def test_what_was_kept_out_by_another_score_may_be_registered(
    compared: Params, numbers: dict[str, Any], again: bool
) -> None:
    print_of = read_trial(WINNER).fingerprint
    append(Entry("2026-03-02T03:00:00+00:00", "kept", None, None, "data", ["No better."], print_of, numbers))
    rank_by(score="cost", costs={"a": {"b": 5.0}, "b": {"a": 1.0}})
    told = {"winner": WINNER, "winner_interval": [0.4, 0.9], "recommended": WINNER}
    say(**told, score={"name": "cost", "costs": [[0.0, 5.0], [1.0, 0.0]]})
    assert (obstacle() is None) == again


def test_a_refusal_names_the_floor_of_the_score_that_candidates_are_ranked_by(compared: Params) -> None:
    say(winner=WINNER, recommended=None)
    write_json(DATASET, read_json(DATASET) | {"task": "binary"})
    assert obstacle() == "nothing is shown to beat always guessing the most common class"
    params_yaml = Path("params.yaml")
    params_yaml.write_text(re.sub(r"(?m)^  score:.*$", "  score: log_loss", params_yaml.read_text()))
    assert obstacle() == f"nothing is shown to beat {FREQUENCIES.name}"
