"""Ensembles in a comparison: made of predictions on disk, ranked, paid for and told like any candidate."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.comparison.report.examples import mistakes
from pipeline.comparison.statistics.quantities import (
    gap_quantity,
    overfit_quantity,
    score_quantity,
    shift_quantity,
    units_of_test,
)
from pipeline.comparison.tables.alignment import align, answers_on_test, decided_left_out
from pipeline.comparison.tables.costs import measure_work
from pipeline.comparison.tables.ensembles.making import NEEDED_SPLITS, make_ensembles
from pipeline.comparison.tables.measurements import ComparisonError, Measured, read_measurements
from pipeline.comparison.tables.studies.label_suspects import judges_among
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET
from pipeline.params.compare import Ensembles
from pipeline.params.competing import read_candidates
from pipeline.scores.classes import ACCURACY, BALANCED_ACCURACY
from pipeline.stages import compare
from tests.stages.test_compare import ROOT, simulation

SEEDS_OF = ["ensemble-seeds-classical-svm_hog", "ensemble-seeds-cnn-lecture", "ensemble-seeds-finetune-resnet50-full"]
ON = {"kinds": ["seeds", "greedy"], "of": None, "members": 3}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Four candidates and their ensembles, compared once."""
    folder = tmp_path_factory.mktemp("ensembles")
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, folder / file)
    (folder / "pipeline").symlink_to(ROOT / "pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yaml = YAML()
        content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
        content["baseline"] |= {"models": ["majority", "svm_hog"], "probes": []}
        content["finetune"] = {"backbones": ["resnet50"], "strategies": ["full"]}
        content["compare"] |= {"resamples": 300, "ensembles": ON, "prefer": "accuracy"}
        content["tracking"]["enabled"] = False
        yaml.dump(content, Path("params.yaml"))
        simulated = simulation()
        names = {"classical-majority", "classical-svm_hog", "cnn-lecture", "finetune-resnet50-full"}
        truths = [truth for truth in simulated.default_truths() if truth.candidate.name in names]
        simulated.write_comparison_inputs(truths, test=150, development=200)
        compare.run()
        yield folder


@pytest.fixture
def trained(compared: Path) -> list[Measured]:
    return read_measurements(read_candidates(), NEEDED_SPLITS)


def test_they_stand_in_the_ranking_as_a_family_of_their_own(compared: Path) -> None:
    ranking = pd.read_csv("comparison/ranking.csv").set_index("candidate")
    ensembles = ranking[ranking["family"] == "ensemble"]
    assert sorted(ensembles.index) == sorted([*SEEDS_OF, "ensemble-greedy"]), "the floor has none"
    assert ensembles["backbone"].isna().all() and ensembles.notna()["overfit"].all()
    assert "ensemble" in set(pd.read_csv("comparison/paradigms.csv")["family"])
    pairs = pd.read_csv("comparison/pairwise.csv")
    assert len(pairs) == 8 * 7 / 2
    assert read_json(Path("comparison/summary.json"))["candidates"] == 8


def test_its_score_is_that_of_the_averaged_probabilities(compared: Path) -> None:
    rows = pd.read_parquet("evaluation/classical-svm_hog/predictions.parquet").query("split == 'test'")
    columns = [name for name in rows if name.startswith("p_")]
    mean = rows.groupby("example")[columns].mean().to_numpy()
    labels = rows.groupby("example")["label"].first().to_numpy()
    expected = (mean.round(6).argmax(axis=1) == labels).mean()  # where the seeds say three classes, these are equal
    ranking = pd.read_csv("comparison/ranking.csv").set_index("candidate")
    assert ranking.loc[SEEDS_OF[0], "test_accuracy"] == pytest.approx(expected, abs=1e-6)


def test_it_costs_what_its_models_cost(compared: Path, trained: list[Measured]) -> None:
    made = {one.name: one for one in make_ensembles(trained, Ensembles(**ON), ACCURACY)}
    costs = {one.name: one.cost_seconds for one in trained}
    ranking = pd.read_csv("comparison/ranking.csv").set_index("candidate")
    assert ranking.loc[SEEDS_OF[1], "cost_seconds"] == pytest.approx(3 * costs["cnn-lecture"], rel=1e-4)
    greedy = made["ensemble-greedy"]
    assert greedy.cost_seconds == pytest.approx(sum(costs[name] for name in greedy.members))
    assert greedy.latency["latency_ms_per_image"]["median"] == pytest.approx(12.5 * len(greedy.members))
    work = measure_work([*trained, *made.values()], read_json(DATASET))
    single = work["cnn-lecture"]
    assert (work[SEEDS_OF[1]].training, work[SEEDS_OF[1]].answer) == (3 * single.training, 3 * single.answer)
    assert work["ensemble-greedy"].answer == pytest.approx(sum(work[name].answer for name in greedy.members))


def test_the_verdict_says_what_averaging_brings_and_which_models_answer(compared: Path) -> None:
    told = read_json(Path("comparison/verdict.json"))["ensembles"]
    assert told["against"] == "finetune-resnet50-full"
    assert "the best single model" in told["sentence"] and "ms an answer" in told["sentence"]
    by_name = {entry["candidate"]: entry for entry in told["ensembles"]}
    seeds = by_name[SEEDS_OF[2]]
    assert [model["seed"] for model in seeds["models"]] == [0, 1, 2] and seeds["latency_ms"] == 37.5
    assert all(entry["low"] <= entry["difference"] <= entry["high"] for entry in told["ensembles"])
    greedy = by_name["ensemble-greedy"]
    assert sum(greedy["members"].values()) == pytest.approx(1) and len(greedy["members"]) >= 2
    assert {model["seed"] for model in greedy["models"]} <= {0, 1, 2}
    assert len({model["seed"] for model in greedy["models"]}) == 1, "one seed of each member answers"
    page = Path("comparison/report.html").read_text(encoding="utf-8")
    assert 'id="ensembles"' in page and "leaving out each in turn" in page


def test_other_seeds_would_change_it_and_its_interval_knows(compared: Path, trained: list[Measured]) -> None:
    (one,) = make_ensembles(trained, Ensembles(kinds=["seeds"], of=["cnn-lecture"]), ACCURACY)
    outcomes = align([*trained, one])
    told = outcomes.contributions[-1]  # (S, N)
    assert told.mean(axis=1).std() > 0, "though it answers alike whatever the seed"
    assert one.left_out is not None
    table = one.left_out.pivot(index="seed", columns="example", values="predicted")
    right = (table.to_numpy() == outcomes.labels).mean(axis=1)
    assert told.mean(axis=1) == pytest.approx(told.mean() - 2 * (right - right.mean()))


def test_the_others_are_as_sure_as_they_would_be_without_it(trained: list[Measured]) -> None:
    """It shares their seeds, so it is no further evidence of how far seeds differ."""
    with_them = align([*trained, *make_ensembles(trained, Ensembles(**ON), ACCURACY)])
    alone = align(trained)
    more, less = (
        score_quantity(of.contributions, 200, units_of_test(of), of.derived).first(len(trained))
        for of in (with_them, alone)
    )
    assert np.array_equal(more.seeds.draws, less.seeds.draws)
    assert np.array_equal(more.draws, less.draws)


def with_other_classes(measured: list[Measured], split: str) -> list[Measured]:
    """The best of them gives each class's probability to the next one on this split, and is wrong throughout."""

    def moved(table: pd.DataFrame) -> pd.DataFrame:
        names, rows = [name for name in table if str(name).startswith("p_")], table["split"] == split
        other = table.copy()
        other.loc[rows, names] = np.roll(table.loc[rows, names].to_numpy(), 1, axis=1)
        return other

    return [
        replace(one, probabilities=moved(one.probabilities))
        if one.name == "finetune-resnet50-full" and one.probabilities is not None
        else one
        for one in measured
    ]


def test_no_test_example_chooses_members(trained: list[Measured]) -> None:
    greedy = Ensembles(kinds=["greedy"])
    (seen,) = make_ensembles(trained, greedy, ACCURACY)
    assert "finetune-resnet50-full" in seen.members
    (blind,) = make_ensembles(with_other_classes(trained, "test"), greedy, ACCURACY)
    assert (blind.members, blind.parts) == (seen.members, seen.parts)
    others = make_ensembles(with_other_classes(trained, "val"), greedy, ACCURACY)
    assert all("finetune-resnet50-full" not in one.members for one in others), "validation examples do choose"


def of_two_classes(one: Measured) -> Measured:
    """It is right about each example if it takes 0.2 of the second class for enough, and not if it waits for a half.

    Each of three seeds validates on a third of 60 examples, learns from the others, and is tested on 30.
    """
    frames = []
    for seed in (0, 1, 2):
        development, test = np.arange(60), np.arange(100, 130)
        for split, examples in (
            ("train", development[development % 3 != seed]),
            ("val", development[development % 3 == seed]),
            ("test", test),
        ):
            label = (examples % 5 == 0).astype(np.int64)
            names = [f"{example:03}" for example in examples]
            table = pd.DataFrame({"seed": seed, "split": split, "example": names, "label": label, "predicted": 0})
            frames.append(table.assign(p_1=np.float32(0.05 + 0.3 * label + 0.02 * seed)))
    rows = pd.concat(frames, ignore_index=True)
    rows.insert(5, "p_0", 1 - rows["p_1"])
    return replace(
        one,
        trial=replace(one.trial, task="binary"),
        predictions=rows[["seed", "split", "example", "label", "predicted"]],
        probabilities=rows[["seed", "split", "example", "p_0", "p_1"]],
    )


def test_by_a_score_with_a_threshold_the_whole_ensemble_has_one_rule(trained: list[Measured]) -> None:
    one = of_two_classes(trained[1])
    (ensemble,) = make_ensembles([one], Ensembles(kinds=["seeds"]), BALANCED_ACCURACY)
    assert (ensemble.predictions["predicted"] == 0).all(), "the most probable class is always the first"
    outcomes = align([one, ensemble], score=BALANCED_ACCURACY)
    assert outcomes.contributions.mean(axis=2) == pytest.approx(1.0), "by its threshold it is right about each"
    answers = answers_on_test([one, ensemble], None, None, probable=True)
    left_out = decided_left_out(BALANCED_ACCURACY, answers.validation, answers.left_out)
    assert left_out is not None
    assert (left_out.answers.predicted == answers.test.labels).all(), "so it is without any of its seeds"


def test_its_overfitting_and_shift_move_with_seeds_as_its_candidates_do(trained: list[Measured]) -> None:
    """Its own answers are the same whatever the seed, which is no sign that other seeds would give the same."""
    one = next(one for one in trained if one.name == "cnn-lecture")
    (ensemble,) = make_ensembles([one], Ensembles(kinds=["seeds"]), ACCURACY)
    outcomes = align([one, ensemble])
    for own, moved in (
        (outcomes.train_scores, outcomes.train_by_seed),
        (outcomes.validation_scores, outcomes.validation_by_seed),
    ):
        assert np.ptp(own[1]) == 0 < np.ptp(moved[1])
        assert moved[1] - moved[1].mean() == pytest.approx(own[0] - own[0].mean())
        assert moved.mean(axis=1) == pytest.approx(own.mean(axis=1)) and np.array_equal(moved[0], own[0])
    score = score_quantity(outcomes.contributions, 200, units_of_test(outcomes), outcomes.derived)
    for quantity in (
        overfit_quantity(outcomes, 200),
        shift_quantity(outcomes, score),
        gap_quantity(outcomes, score),
    ):
        assert quantity.seeds.variance[1] > 0.2 * quantity.seeds.variance[0] > 0


def test_candidates_of_other_seeds_or_validation_examples_are_refused_in_a_sentence(trained: list[Measured]) -> None:
    first, second = trained[1], trained[3]
    fewer = replace(second, trial=replace(second.trial, seeds=second.trial.seeds[:2]))
    with pytest.raises(ComparisonError, match=r"trained with seeds \[0, 1\], but .* with \[0, 1, 2\]"):
        make_ensembles([first, fewer], Ensembles(kinds=["seeds"]), ACCURACY)
    validates = (second.predictions["split"] == "val") & (second.predictions["seed"] == 1)
    place = second.predictions.index[validates][0]
    rows, probable = second.predictions.copy(), second.probabilities
    assert probable is not None
    rows.loc[place, "label"] = (rows.loc[place, "label"] + 1) % 14
    with pytest.raises(ComparisonError, match=rf"{second.name}.*with seed 1 labels of validation examples differ"):
        make_ensembles([first, replace(second, predictions=rows)], Ensembles(kinds=["greedy"]), ACCURACY)
    named = second.predictions.loc[place, "example"]
    lacking = [
        table[~((table["example"] == named) & (table["split"] == "val") & (table["seed"] == 1))]
        for table in (second.predictions, probable)
    ]
    other = replace(second, predictions=lacking[0], probabilities=lacking[1])
    with pytest.raises(ComparisonError, match=rf"with seed 1 its \d+ validation examples are not .* '{named}', so no"):
        make_ensembles([first, other], Ensembles(kinds=["greedy"]), ACCURACY)


def test_the_mistakes_of_one_that_answers_alike_are_counted_once(trained: list[Measured]) -> None:
    (ensemble,) = make_ensembles(trained, Ensembles(kinds=["seeds"], of=["cnn-lecture"]), ACCURACY)
    facts = SimpleNamespace(score=ACCURACY, dataset=read_json(DATASET), kind="table")
    advised: Any = SimpleNamespace(
        facts=facts, verdict={"recommended": ensemble.name}, advised=ensemble.name, of=lambda _: ensemble
    )
    shown = mistakes.section(advised).data
    once = ensemble.predictions.query("split == 'test' and seed == 0 and label != predicted")
    assert shown["pairs"][0].times == once.groupby(["label", "predicted"]).size().max()
    assert shown["as_one"] and "each answered once by all models together" in shown["picture"].caption
    assert "over all seeds" not in shown["picture"].svg


def test_names_without_effect_stop_nothing(trained: list[Measured]) -> None:
    left = Ensembles(kinds=["greedy"], of=["cnn-that_left"])
    assert [one.name for one in make_ensembles(trained, left, ACCURACY)] == ["ensemble-greedy"]


def test_an_ensemble_above_all_trained_candidates_silences_no_judge(trained: list[Measured]) -> None:
    names = ["ensemble-greedy", "finetune-resnet50-full", "cnn-lecture", "classical-svm_hog"]
    relations = {("ensemble-greedy", name): "better" for name in names[1:]}
    relations |= {(names[1], names[2]): "indistinguishable", (names[1], names[3]): "better"}
    comparison = SimpleNamespace(
        ranking=pd.DataFrame({"candidate": names}),
        pairs=pd.DataFrame([{"a": a, "b": b, "relation": relation} for (a, b), relation in relations.items()]),
        floor=SimpleNamespace(beaten_by=tuple(names)),
    )
    judges: Any = judges_among(trained, comparison)  # type: ignore[arg-type]
    assert {one.name for one in judges} == {"finetune-resnet50-full", "cnn-lecture"}


def test_a_candidate_without_probabilities_is_refused_with_the_command_that_makes_them(
    trained: list[Measured],
) -> None:
    without = read_measurements(read_candidates())
    with pytest.raises(ComparisonError, match=r"holds no probabilities.*run `dvc repro evaluate-classical@svm_hog`"):
        make_ensembles(without, Ensembles(kinds=["greedy"]), ACCURACY)
    rows = trained[1].predictions
    rows.drop(rows[rows["split"] == "val"].index, inplace=True)
    with pytest.raises(ComparisonError, match=r"has no predictions of seed 0 on the split val"):
        make_ensembles(trained, Ensembles(kinds=["seeds"]), ACCURACY)


def test_seeds_that_are_one_model_are_no_ensemble(trained: list[Measured]) -> None:
    one = trained[2]
    assert one.probabilities is not None
    first = one.predictions["seed"] == 0
    rows, probable = (table[first.to_numpy()] for table in (one.predictions, one.probabilities))
    alike = replace(
        one,
        predictions=pd.concat([rows.assign(seed=seed) for seed in one.seeds], ignore_index=True),
        probabilities=pd.concat([probable.assign(seed=seed) for seed in one.seeds], ignore_index=True),
    )
    made = make_ensembles([trained[1], alike, trained[3]], Ensembles(kinds=["seeds"]), ACCURACY)
    assert [one.name for one in made] == [SEEDS_OF[0], SEEDS_OF[2]]


def test_off_there_are_none(trained: list[Measured]) -> None:
    assert make_ensembles(trained, Ensembles(), ACCURACY) == []
