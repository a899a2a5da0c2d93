"""The verdict as a table of cases: which numbers lead to which answer."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pipeline.comparison.report.answer.tradeoff import describe_rule
from pipeline.comparison.tables.comparison import Comparison
from pipeline.comparison.tables.costs import Work
from pipeline.comparison.tables.design import SINGLE_EXAMPLES, ExampleDesign
from pipeline.comparison.tables.floor import AgainstFloor
from pipeline.comparison.tables.groups import PARADIGM_COLUMNS
from pipeline.comparison.tables.measurements import read_measurements
from pipeline.comparison.tables.prospects import PROSPECT_COLUMNS, Deployed
from pipeline.comparison.tables.ranking import RANKING_COLUMNS
from pipeline.comparison.tables.studies.other_scores import Advised
from pipeline.comparison.verdict.answer import describe, describe_deployed
from pipeline.comparison.verdict.evidence import _gap
from pipeline.comparison.verdict.facts import Facts, Known, state_facts
from pipeline.comparison.verdict.next_steps import _settle
from pipeline.comparison.verdict.overturning import describe_other_scores
from pipeline.comparison.verdict.recommendation import advise, choose, tolerable_regret
from pipeline.comparison.verdict.shown import of_groups
from pipeline.comparison.verdict.verdict import decide
from pipeline.ground.files import read_json, write_csv
from pipeline.params.compare import Compare, Prefer
from pipeline.scores.numbers import pinball_score
from pipeline.scores.probabilities import BRIER

ENDS = ("", "_low", "_high")
HALF = {"equivalent": 0.004, "indistinguishable": 0.04, "better": 0.01, "worse": 0.01}
LUCK = 0.002  # by which the expected regret of each candidate is more than its distance from the best
KEYS = "answer summary winner winner_interval equivalents recommended p_best expected_regret at_most_behind interval "
KEYS += "expected_regret_if_steady deployed alternative shown left_out provisional overfitting shift confidence "
KEYS += "over_time what_would_change_it more_data evidence "
KEYS += "score other_scores ensembles"
MAJORITY = "classical-majority"
SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=300)


@dataclass
class Made:
    """A candidate as the verdict sees it.

    Attributes:
        work: operations to train it; answer: to answer with it.
        relation: its relation to the first one.
    """

    name: str
    accuracy: float
    work: float
    relation: str = "indistinguishable"
    parameters: int = 1000
    beats_floor: bool = True
    answer: float = 1e6
    spread: float = 0.01


def facts(
    *made: Made,
    seeds: int = 3,
    train: dict[str, float] | None = None,
    design: ExampleDesign = SINGLE_EXAMPLES,
    settings: Compare = SETTINGS,
) -> Facts:
    """Facts in which pairs without the first candidate are indistinguishable."""
    made = (replace(made[0], relation="best"), *made[1:])
    ranking = pd.DataFrame([_ranked(rank, one, made) for rank, one in enumerate(made, 1)])
    beaten = tuple(one.name for one in made if one.beats_floor and one.name != MAJORITY)
    competing = tuple(one.name for one in made if one.name == MAJORITY)
    families = ranking.drop_duplicates("family").reindex(columns=PARADIGM_COLUMNS)
    train = train or {}
    return state_facts(
        comparison=Comparison(
            ranking=ranking[[*RANKING_COLUMNS, *PROSPECT_COLUMNS]],
            techniques=pd.DataFrame(),
            backbones=pd.DataFrame(),
            paradigms=families,
            pairs=_pairs(made),
            floor=AgainstFloor(0.12, 1, competing[0] if competing else None, beaten, competing),
            after_selection={one.name: (one.accuracy - 0.05, one.accuracy + 0.05) for one in made},
            power={0.02: 0.004, 0.05: 0.4, 0.1: 0.999},
            threshold=2.5,
            reach=2.5,
            permutation=pd.DataFrame(),
            ranks={},
            deployed={one.name: Deployed(1, one.accuracy + 0.01, 0.6, 0.7) for one in made},
            regret_if_steady={one.name: LUCK / 2 for one in made} if seeds == 1 else {},
        ),
        known={
            one.name: Known(one.parameters, Work(one.work, one.answer), train.get(one.name, 0.99), one.spread)
            for one in made
        },
        dataset={
            "sizes": {"test": 600},
            "task": "binary",
            "class_names": ["Apple", "Kiwi"],
            "counts": {"test": {"Apple": 528, "Kiwi": 72}},
        },
        seeds=seeds,
        settings=settings,
        design=design,
    )


def _ranked(rank: int, one: Made, made: tuple[Made, ...]) -> dict[str, Any]:
    family, _, model = one.name.partition("-")
    backbone, _, technique = model.partition("-") if family == "finetune" else ("", "", "")
    if family == "classical":
        backbone = model.partition("-")[2]
    low, high = one.accuracy - 0.03, one.accuracy + 0.03
    gap = {"gap": 0.99 - one.accuracy, "gap_low": 0.95 - one.accuracy, "gap_high": 1.03 - one.accuracy}
    parts = {f"overfit{end}": value for end, value in zip(ENDS, gap.values(), strict=True)}
    parts |= {"shift": 0.0, "shift_low": -0.03, "shift_high": 0.03}
    named = {"rank": rank, "candidate": one.name, "family": family, "backbone": backbone, "technique": technique}
    measured = {"test_accuracy": one.accuracy, "low": low, "high": high, **gap, "cost_seconds": 60.0}
    return named | measured | {"relation_to_best": one.relation} | _prospects(one, made) | parts


def _prospects(one: Made, made: tuple[Made, ...]) -> dict[str, float]:
    """The best is behind by what the others leave open, each other one by its difference and what that leaves open."""
    best = made[0]
    leads = [HALF[other.relation] - best.accuracy + other.accuracy for other in made[1:] if other.name != MAJORITY]
    behind = best.accuracy - one.accuracy + HALF[one.relation] if one is not best else max([2 * LUCK, *leads])
    return {"p_best": 0.5, "expected_regret": best.accuracy - one.accuracy + LUCK, "at_most_behind": behind}


def _pairs(made: tuple[Made, ...]) -> pd.DataFrame:
    rows = []
    for a, b in itertools.combinations(made, 2):
        relation = b.relation if a is made[0] else "indistinguishable"
        relation = {"worse": "better"}.get(relation, relation)
        difference, half = a.accuracy - b.accuracy, HALF[relation]
        rows.append((a.name, b.name, difference, difference - half, difference + half, 0.1, 0.5, relation, 1e-4, 1e-4))
    columns = [
        "a",
        "b",
        "difference",
        "low",
        "high",
        "p_value",
        "p_adjusted",
        "relation",
        "example_variance",
        "seed_variance",
    ]
    return pd.DataFrame(rows, columns=columns)


RESNET = Made("finetune-resnet50-full", 0.66, 200.0)
SVM = Made("classical-svm_hog", 0.655, 20.0)
CNN = Made("cnn-lecture", 0.654, 90.0)
FAR_CNN = Made("cnn-lecture", 0.4, 90.0, "worse")

BEST = "on average against whatever is truly best"
CASES: dict[str, tuple[Facts, str, bool, str]] = {
    "one candidate better than all others is used": (
        facts(RESNET, replace(SVM, accuracy=0.5, relation="worse"), FAR_CNN),
        "finetune-resnet50-full",
        False,
        "Use backbone resnet50 with technique full: it is right on 66.0 % of unseen examples (95 % interval "
        f"61.0 to 71.0 %). Choosing it costs 0.2 points {BEST}, at most 0.4. If training must be cheap: svm_hog, about "
        "10 times less work to train, costs 16.2 points on average, at most 17.0.",
    ),
    "a cheap classical equivalent suffices": (
        facts(RESNET, replace(SVM, accuracy=0.658, relation="equivalent"), FAR_CNN),
        "classical-svm_hog",
        False,
        "Classical machine learning suffices: svm_hog is right on 65.8 % of unseen examples (95 % interval 60.8 to "
        f"70.8 %). Choosing it costs 0.4 points {BEST}, at most 0.6.",
    ),
    "a cheap CNN that is equivalent suffices": (
        facts(RESNET, replace(CNN, accuracy=0.658, relation="equivalent")),
        "cnn-lecture",
        False,
        "A small CNN trained from scratch suffices: the CNN lecture is right on 65.8 % of unseen examples (95 % "
        f"interval 60.8 to 70.8 %). Choosing it costs 0.4 points {BEST}, at most 0.6.",
    ),
    "among undecided families the cheapest that is likely to cost little is advised, with its price": (
        facts(RESNET, replace(SVM, accuracy=0.656), CNN),
        "classical-svm_hog",
        True,
        "Use svm_hog: it is right on 65.6 % of unseen examples (95 % interval 60.6 to 70.6 %). Choosing it costs 0.6 "
        f"points {BEST}, at most 4.4.",
    ),
    "where the advice is the cheapest there is, what costs noticeably less on average is named too": (
        facts(RESNET, replace(SVM, accuracy=0.653)),
        "classical-svm_hog",
        True,
        "Use svm_hog: it is right on 65.3 % of unseen examples (95 % interval 60.3 to 70.3 %). Choosing it costs 0.9 "
        f"points {BEST}, at most 4.7. If the score alone counts: backbone resnet50 with technique full costs 0.2 "
        "points on average, at most 3.3.",
    ),
    "a cheaper candidate that is likely to cost more than is tolerated is not advised, though it is undecided": (
        facts(RESNET, replace(SVM, accuracy=0.64)),
        "finetune-resnet50-full",
        True,
        "Use backbone resnet50 with technique full: it is right on 66.0 % of unseen examples (95 % interval 61.0 to "
        f"71.0 %). Choosing it costs 0.2 points {BEST}, at most 2.0. If training must be cheap: svm_hog, about 10 "
        "times less work to train, costs 2.2 points on average, at most 6.0.",
    ),
    "a family can be settled while its member is not": (
        facts(
            RESNET, Made("finetune-vgg16-full", 0.655, 40.0), replace(SVM, accuracy=0.5, work=10.0, relation="worse")
        ),
        "finetune-vgg16-full",
        True,
        "Use backbone vgg16 with technique full: it is right on 65.5 % of unseen examples (95 % interval 60.5 to "
        f"70.5 %). Choosing it costs 0.7 points {BEST}, at most 4.5. If training must be cheap: svm_hog, about 4 times "
        "less work to train, costs 16.2 points on average, at most 17.0.",
    ),
    "the winner itself may be the cheapest of the undecided": (
        facts(replace(SVM, accuracy=0.67), CNN),
        "classical-svm_hog",
        True,
        "Use svm_hog: it is right on 67.0 % of unseen examples (95 % interval 62.0 to 72.0 %). Choosing it costs 0.2 "
        f"points {BEST}, at most 2.4.",
    ),
    "an undecided candidate that can be neither better nor cheaper leaves it settled": (
        facts(SVM, Made("cnn-lecture", 0.59, 90.0)),
        "classical-svm_hog",
        False,
        "Classical machine learning suffices: svm_hog is right on 65.5 % of unseen examples (95 % interval 60.5 to "
        f"70.5 %). Choosing it costs 0.2 points {BEST}, at most 0.4.",
    ),
    "a faster answer is worth a sentence where nothing is cheaper to train": (
        facts(RESNET, replace(SVM, accuracy=0.6, relation="worse", work=200.0, answer=25_000.0)),
        "finetune-resnet50-full",
        False,
        "Use backbone resnet50 with technique full: it is right on 66.0 % of unseen examples (95 % interval 61.0 to "
        f"71.0 %). Choosing it costs 0.2 points {BEST}, at most 0.4. If answers must be fast: svm_hog, about 40 times "
        "less to answer, costs 6.2 points on average, at most 7.0.",
    ),
    "one seed is provisional however far apart the candidates are": (
        facts(RESNET, replace(SVM, accuracy=0.3, work=300.0, relation="worse"), seeds=1),
        "finetune-resnet50-full",
        True,
        "Use backbone resnet50 with technique full: it is right on 66.0 % of unseen examples (95 % interval 61.0 to "
        f"71.0 %). Choosing it costs 0.1 to 0.2 points {BEST} (where seeds vary by 1.0 to 3.0 points; one seed does "
        "not tell), at most 0.4.",
    ),
    "the floor is not recommended though it is cheapest and within the tolerance": (
        facts(SVM, Made(MAJORITY, 0.65, 0.01)),
        "classical-svm_hog",
        False,
        "Use svm_hog: it is right on 65.5 % of unseen examples (95 % interval 60.5 to 70.5 %). Choosing it costs 0.2 "
        f"points {BEST}, at most 0.4.",
    ),
    "the floor is recommended when nothing beats it, and that is said": (
        facts(replace(CNN, accuracy=0.14, beats_floor=False), Made(MAJORITY, 0.12, 0.01)),
        MAJORITY,
        True,
        "Nothing here is shown to beat always guessing the most common class (Kiwi, right on 12.0 %): the best, "
        "cnn-lecture, is right on 14.0 % of unseen examples (95 % interval 9.0 to 19.0 %).",
    ),
    "a single candidate is advised with nothing to choose from": (
        facts(SVM),
        "classical-svm_hog",
        False,
        "Use svm_hog: it is right on 65.5 % of unseen examples (95 % interval 60.5 to 70.5 %). It is the only "
        "candidate, so there is nothing to choose from.",
    ),
}


def test_a_classical_model_on_a_backbone_is_called_so() -> None:
    given = facts(Made("classical-logistic-resnet50", 0.66, 20.0), FAR_CNN)
    assert describe(given, "classical-logistic-resnet50") == "logistic on resnet50"
    assert describe(facts(SVM, FAR_CNN), SVM.name) == "svm_hog"


@pytest.mark.parametrize("case", CASES)
def test_the_verdict(case: str) -> None:
    given, recommended, provisional, answer = CASES[case]
    verdict = decide(given)
    assert verdict["recommended"] == recommended
    assert verdict["provisional"] is provisional
    assert verdict["answer"] == answer
    assert " ".join(verdict) == KEYS
    json.dumps(verdict, allow_nan=False)


def test_a_little_less_work_to_train_is_no_reason_where_answers_must_be_fast() -> None:
    fast = replace(SVM, accuracy=0.6, relation="worse", work=160.0, answer=25_000.0)
    assert (
        "If answers must be fast: svm_hog, about 40 times less to answer, costs"
        in decide(facts(RESNET, fast))["answer"]
    )


def test_among_equals_no_other_would_be_advised_were_cost_of_no_matter() -> None:
    verdict = decide(facts(RESNET, replace(SVM, accuracy=RESNET.accuracy)))
    assert verdict["recommended"] == SVM.name
    assert "did not matter" not in verdict["what_would_change_it"]["sentence"]
    assert "If the score alone counts" not in verdict["answer"]


def test_a_soup_is_served_as_one_model() -> None:
    soup, mean = (Made(f"ensemble-{kind}-finetune-resnet50-full", 0.67, 300.0) for kind in ("soup", "seeds"))
    assert describe_deployed(facts(soup, SVM), soup.name).startswith("What is served is right on 68.0 %")
    assert "is served, all its models together, is" in describe_deployed(facts(mean, SVM), mean.name)


def test_what_is_served_is_told_with_its_own_interval() -> None:
    given = facts(RESNET, replace(SVM, accuracy=0.5, relation="worse"))
    assert describe_deployed(given, RESNET.name) == (
        "The model of seed 1, of the lowest validation loss, is right on 67.0 % of unseen examples (95 % interval 60.0 "
        "to 70.0 %)."
    )
    assert decide(given)["deployed"][SVM.name] == {"seed": 1, "test_accuracy": 0.51, "low": 0.6, "high": 0.7}


def test_without_the_floor_among_the_candidates_nothing_is_recommended_where_nothing_beats_it() -> None:
    verdict = decide(facts(replace(CNN, accuracy=0.14, beats_floor=False)))
    assert verdict["recommended"] is None
    assert verdict["winner"] == "cnn-lecture"
    assert verdict["confidence"]["reasons"] == ["No candidate is shown to beat always guessing the most common class."]
    assert verdict["confidence"]["word"] == "low"


def test_a_candidate_that_does_not_beat_the_floor_is_no_contender() -> None:
    assert choose(facts(RESNET, replace(SVM, beats_floor=False))).recommended == "finetune-resnet50-full"


@pytest.mark.parametrize(
    ("work", "parameters", "chosen"),
    [
        ({"a": 100.0, "b": 49.0}, {"a": 1, "b": 2}, "b"),
        ({"a": 100.0, "b": 51.0}, {"a": 1, "b": 2}, "a"),
        ({"a": 100.0, "b": 51.0}, {"a": 2, "b": 2}, "a"),
        ({"a": 0.0, "b": 0.0}, {"a": 2, "b": 1}, "b"),
        ({"a": 9.0, "b": 0.0}, {"a": 1, "b": 2}, "b"),
    ],
)
def test_cheaper_is_half_the_work_or_less_and_closer_ones_go_by_parameters_then_name(
    work: dict[str, float], parameters: dict[str, int], chosen: str
) -> None:
    made = [Made(f"cnn-{name}", 0.6, work[name], parameters=parameters[name]) for name in ("b", "a")]
    trained = SETTINGS.model_copy(update={"prefer": "cheap_training"})
    assert advise([one.name for one in made], facts(*made, settings=trained)) == f"cnn-{chosen}"


@pytest.mark.parametrize(
    ("prefer", "tolerance", "recommended"),
    [
        ("accuracy", None, "finetune-resnet50-full"),
        ("balanced", None, "finetune-resnet50-full"),
        ("balanced", 0.03, "classical-svm_hog"),
        ("cheap_training", 0.03, "classical-knn_hog"),
        ("fast_answers", 0.03, "cnn-lecture"),
        ("accuracy", 0.03, "finetune-resnet50-full"),
        ("cheap_training", 0.0, "finetune-resnet50-full"),
    ],
)
def test_the_advice_follows_what_the_user_prefers_and_tolerates(
    prefer: Prefer, tolerance: float | None, recommended: str
) -> None:
    settings = SETTINGS.model_copy(update={"prefer": prefer, "tolerance": tolerance})
    given = facts(
        RESNET,
        replace(SVM, accuracy=0.64, work=30.0, answer=1e4),
        Made("classical-knn_hog", 0.639, 5.0, answer=1e6),
        Made("cnn-lecture", 0.638, 150.0, answer=3e3),
        settings=settings,
    )
    assert choose(given).recommended == recommended


def test_between_equal_scores_cost_decides_whatever_is_tolerated() -> None:
    """Their regrets differ in the last digits, by the draws."""
    settings = SETTINGS.model_copy(update={"tolerance": 0.0})
    given = facts(RESNET, replace(SVM, accuracy=RESNET.accuracy), settings=settings)
    rows = {name: dict(row) for name, row in given.rows.items()}
    rows[SVM.name]["expected_regret"] += 0.0001
    assert choose(replace(given, rows=rows)).recommended == SVM.name


def test_what_would_be_advised_were_cost_of_no_matter_is_said() -> None:
    sentence = (
        "If cost did not matter (compare.prefer: accuracy), the advice would be finetune-resnet50-full, which costs"
    )
    assert sentence in decide(facts(RESNET, SVM))["what_would_change_it"]["sentence"]
    assert "did not matter" not in decide(facts(RESNET, FAR_CNN))["what_would_change_it"]["sentence"]


def test_a_candidate_that_is_shown_to_be_behind_may_be_advised_and_that_is_said() -> None:
    settings = SETTINGS.model_copy(update={"tolerance": 0.03})
    verdict = decide(facts(RESNET, replace(SVM, accuracy=0.635, relation="worse"), settings=settings))
    assert verdict["recommended"] == "classical-svm_hog"
    assert verdict["answer"].startswith("Use svm_hog: it is right on 63.5 %")
    sentences = [entry["sentence"] for entry in verdict["evidence"]]
    assert any("which is shown, and on average within the tolerance of 3.0 points" in one for one in sentences)
    assert "which is shown already" in verdict["what_would_change_it"]["sentence"]


def test_where_no_candidate_is_within_the_tolerance_what_is_tolerated_in_its_place_is_said() -> None:
    """All cost LUCK more than their distance from the best; with a tolerance below that no candidate is within it."""
    settings = SETTINGS.model_copy(update={"tolerance": 0.0015})
    given = facts(RESNET, replace(SVM, accuracy=0.6596, relation="worse"), settings=settings)
    verdict = decide(given)
    assert verdict["recommended"] == "classical-svm_hog"
    sentences = [entry["sentence"] for entry in verdict["evidence"]]
    assert any("which is shown, and on average hardly more than any candidate costs" in one for one in sentences)
    assert "at most 0.2 points on average; the least that any costs takes up the tolerance" in describe_rule(given)
    assert describe_rule(facts(RESNET, SVM)).endswith("of those that cost at most 1.0 points on average")
    assert tolerable_regret(given) == pytest.approx(LUCK + 0.3 * 0.0015)
    assert decide(facts(RESNET, replace(SVM, accuracy=0.659), settings=settings))["recommended"] == RESNET.name


def test_what_is_shown_stands_beside_the_advice() -> None:
    far = replace(FAR_CNN, name="cnn-deep")
    shown = {
        "2 worse than finetune-resnet50-full (the highest score)": facts(RESNET, far, FAR_CNN),
        "of 1 other: none worse than finetune-resnet50-full (the highest score) and 1 undecided.": facts(RESNET, SVM),
        "none worse than finetune-resnet50-full (the highest score), 1 equivalent to it within 1.0 points and 1 "
        "undecided.": (facts(RESNET, replace(SVM, accuracy=0.658, relation="equivalent"), CNN)),
        "A single candidate competes, so nothing is shown of any other.": facts(RESNET),
    }
    for sentence, given in shown.items():
        assert sentence in decide(given)["shown"]


def test_candidates_that_score_alike_are_said_to_and_only_weighed_cost_decides() -> None:
    alike = [RESNET, replace(SVM, accuracy=0.66)]
    right = [replace(one, accuracy=1.0) for one in alike]
    assert decide(facts(*alike))["shown"] == (
        "All 2 candidates score the same on these test examples, so cost decides between them."
    )
    indifferent = SETTINGS.model_copy(update={"prefer": "accuracy"})
    assert decide(facts(*alike, settings=indifferent))["shown"].endswith("the same on these test examples.")
    unfit = [replace(one, beats_floor=False) for one in alike]
    assert decide(facts(*unfit))["shown"].endswith("the same on these test examples.")
    assert decide(facts(*right))["shown"].startswith("All 2 candidates are right on every test example")
    assert decide(facts(*right))["recommended"] == "classical-svm_hog"


def test_groups_that_the_intervals_rest_on_are_counted_and_warned_of_below_ten() -> None:
    def reasons(count: int, of_class: dict[int, int] | None = None) -> str:
        groups = {f"{number}.jpg": number for number in range(count)}
        design = ExampleDesign(groups, None, tuple(groups), of_class or {})
        verdict = decide(facts(RESNET, FAR_CNN, design=design))
        return f"{verdict['confidence']['word']}: {' '.join(verdict['confidence']['reasons'])}"

    assert reasons(12).startswith("high") and "The intervals rest on 12 groups" in reasons(12)
    assert "few" not in reasons(12) and "one class only" not in reasons(12)
    assert reasons(9).startswith("moderate") and "That is few: take the intervals as rough" in reasons(9)
    assert "All test examples are of one group, so nothing is shown of other groups" in reasons(1)
    assert "a class is judged by its own groups alone: Kiwi has 2 groups, the fewest." in reasons(12, {0: 10, 1: 2})


def test_more_examples_are_asked_of_further_groups_where_they_come_in_groups() -> None:
    alone = facts(RESNET, FAR_CNN)
    grouped = replace(alone, groups=20)
    assert of_groups(alone, 2 * alone.examples) == ""
    assert of_groups(grouped, 2 * grouped.examples) == " of about 40 groups"
    assert of_groups(grouped, 2 * grouped.examples, further=True) == " of about 20 further groups"
    change = {"rival": "cnn-lecture", "seeds": None, "examples": 3 * grouped.examples, "both": None}
    asked = {
        "provisional": True,
        "recommended": "classical-svm_hog",
        "what_would_change_it": change | {"out_of_reach": False},
    }
    step = _settle(grouped, asked, [0, 1, 2])
    assert step and step.sentence.endswith(
        f"label {2 * grouped.examples:,} more test examples of about 40 further groups."
    )


def test_confidence_goes_by_how_far_the_advice_may_be_behind() -> None:
    def word(behind: float, seeds: int = 3) -> str:
        stated = facts(RESNET, SVM, seeds=seeds)
        for row in stated.rows.values():
            row["at_most_behind"] = behind
        return str(decide(stated)["confidence"]["word"])

    assert [word(behind) for behind in (0.01, 0.011, 0.05, 0.051)] == ["high", "moderate", "moderate", "low"]
    assert word(0.01, seeds=1) == "low"


def test_that_a_kind_of_model_suffices_is_said_only_where_another_kind_competes() -> None:
    rival = replace(SVM, name="classical-forest_hog", relation="worse", accuracy=0.4)
    assert decide(facts(SVM, rival))["answer"].startswith("Use svm_hog: it is right")
    other = replace(rival, name="cnn-lecture")
    assert decide(facts(SVM, other))["answer"].startswith("Classical machine learning suffices: svm_hog is right")


def test_what_would_change_it_names_the_rival_the_resolvable_margin_and_what_would_settle_it() -> None:
    change = decide(facts(RESNET, SVM))["what_would_change_it"]
    assert change["rival"] == "finetune-resnet50-full"
    assert change["resolvable_margin"] == pytest.approx(0.04)
    assert change["both"]["examples"] > 600
    assert "4.0 points" in change["sentence"]
    assert "would settle it" in change["sentence"]


def test_what_would_take_over_ten_times_as_much_is_called_out_of_reach() -> None:
    """A difference of half a point takes 93 seeds and 19,000 examples together, one of two points a few times more."""
    near, far = (decide(facts(RESNET, replace(CNN, accuracy=0.66 - apart))) for apart in (0.005, 0.02))
    assert near["what_would_change_it"]["out_of_reach"] and not far["what_would_change_it"]["out_of_reach"]
    assert "would settle it, which is out of reach." in near["what_would_change_it"]["sentence"]
    assert far["what_would_change_it"]["sentence"].count("would settle it.") == 1


def test_a_verdict_says_of_which_quantile_its_pinball_loss_is() -> None:
    by_loss = replace(facts(RESNET, CNN), score=pinball_score(0.9))
    assert decide(by_loss)["score"]["quantile"] == 0.9 and decide(facts(RESNET, CNN))["score"]["quantile"] is None


def test_other_scores_change_nothing_where_nothing_beats_the_floor_by_any() -> None:
    floor = Made(MAJORITY, 0.67, 1.0)
    none = facts(floor, replace(SVM, beats_floor=False))
    silent, other = (Advised(BRIER, name, value, MAJORITY) for name, value in ((None, None), (SVM.name, 0.4)))
    same, changed = (describe_other_scores(replace(none, others=[one]), choose(none)) for one in (silent, other))
    assert choose(none).recommended == MAJORITY, "which has to be taken, for want of better"
    assert same is not None and not same["scores"][0]["changes_the_advice"]
    assert same["sentence"].endswith("the same as by accuracy: nothing.")
    assert changed is not None and changed["scores"][0]["changes_the_advice"]


def test_every_candidate_gets_a_word_for_its_fit() -> None:
    low = facts(RESNET, SVM, train={"finetune-resnet50-full": 0.99, "classical-svm_hog": 0.5})
    assert decide(low)["overfitting"] == {"finetune-resnet50-full": "overfits", "classical-svm_hog": "underfits"}


def test_a_gap_below_zero_is_told_as_a_difference_and_not_as_more_often_by_minus() -> None:
    told = [_gap(facts(replace(RESNET, accuracy=value)), RESNET.name)["sentence"] for value in (0.9, 0.995)]
    assert "training examples are recognised more often than unseen ones by 9.0 points (5.0 to 13.0);" in told[0]
    assert ": training accuracy minus test accuracy is −0.5 points (−4.5 to 3.5);" in told[1]


def test_a_choice_is_settled_where_it_is_behind_by_no_more_than_is_tolerated() -> None:
    undecided = facts(RESNET, replace(SVM, accuracy=0.629))
    assert undecided.rows["finetune-resnet50-full"]["at_most_behind"] == pytest.approx(0.009)
    assert choose(undecided).settled
    assert not choose(facts(RESNET, replace(SVM, accuracy=0.631))).settled
    tolerant = SETTINGS.model_copy(update={"prefer": "accuracy", "tolerance": 0.02})
    assert choose(facts(RESNET, replace(SVM, accuracy=0.631), settings=tolerant)).settled


def test_every_evidence_row_resolves_to_its_value(workplace: Path, simulation: SimpleNamespace) -> None:
    measured = read_measurements(simulation.write(test=300))
    given = simulation.facts_of(measured, SETTINGS.model_copy(update={"tolerance": 0.05}))
    assert choose(given).recommended != next(iter(given.rows))
    for name in ("ranking", "pairwise", "paradigms"):
        write_csv(Path(f"comparison/{name}.csv"), getattr(given.comparison, name))
    evidence = decide(given)["evidence"]
    assert len({entry["file"] for entry in evidence}) == 4
    for entry in evidence:
        assert resolve(entry) == pytest.approx(entry["value"], abs=1e-12), entry["sentence"]


def resolve(entry: dict[str, Any]) -> float:
    """The number that an evidence row points to, read from its file."""
    path = Path(entry["file"])
    if path.suffix == ".json":
        value = read_json(path)
        for key in entry["key"]:
            value = value[key]
        return float(value)
    table = pd.read_csv(path)
    for column, value in entry["row"].items():
        table = table[table[column] == value]
    assert len(table) == 1
    return float(table[entry["column"]].iloc[0])


def test_it_says_what_differences_such_data_find() -> None:
    confidence = decide(facts(Made("cnn-a", 0.7, 10), Made("classical-b", 0.6, 1, "worse")))["confidence"]
    assert (
        "one of 2.0 points (under 1 %), one of 5.0 points (40 %) and one of 10.0 points (over 99 %)"
        in confidence["finds"]
    )
    assert [entry["difference"] for entry in confidence["power"]] == [0.02, 0.05, 0.1]


def varying(given: Facts, by_examples: float, by_seeds: float) -> Facts:
    """With these variances of every difference."""
    variances = {"example_variance": by_examples, "seed_variance": by_seeds}
    return replace(given, pairs={pair: row | variances for pair, row in given.pairs.items()})


def test_an_ensemble_of_seeds_is_told_apart_by_test_examples_alone() -> None:
    """With more seeds it would be another ensemble, and no surer of the one there is."""
    trained = decide(varying(facts(RESNET, SVM), 3e-6, 2e-6))["what_would_change_it"]
    assert trained["seeds"] and trained["both"] and "seeds in place of 3" in trained["sentence"]
    given = facts(replace(RESNET, name="ensemble-seeds-finetune-resnet50-full"), SVM)
    change = decide(varying(given, 3e-6, 2e-6))["what_would_change_it"]
    assert (change["seeds"], change["both"], change["examples"]) == (None, None, trained["examples"])
    assert "seeds in place of" not in change["sentence"] and "test examples in place of" in change["sentence"]
    change = decide(varying(given, 3e-6, 1.0))["what_would_change_it"]
    assert change["out_of_reach"] and change["examples"] is None
    assert "with more seeds the ensemble would be another" in change["sentence"]
    greedy = facts(replace(RESNET, name="ensemble-greedy"), SVM)
    change = decide(varying(greedy, 3e-6, 2e-6))["what_would_change_it"]
    assert change["seeds"] == trained["seeds"], "whose members have more seeds then"


def test_whether_all_candidates_shift_is_told_by_the_trained_ones() -> None:
    shifted = {"shift": 0.3, "shift_low": 0.25, "shift_high": 0.35}
    given = facts(RESNET, replace(RESNET, name="ensemble-seeds-finetune-resnet50-full"), SVM)
    assert given.ensembles == given.ensembles_of_seeds == {"ensemble-seeds-finetune-resnet50-full"}
    rows = {name: row if name == SVM.name else row | shifted for name, row in given.rows.items()}
    assert decide(replace(given, rows=rows))["shift"] is None, "one of two, though two of three with the ensemble"
    rows[SVM.name] = rows[SVM.name] | shifted
    assert "2 of 2 candidates" in decide(replace(given, rows=rows))["shift"]
