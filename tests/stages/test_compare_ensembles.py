"""Ensembles in a comparison: made of predictions on disk, ranked, paid for and told like any candidate."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
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
from pipeline.comparison.tables.ensembles.building import make_ensembles
from pipeline.comparison.tables.ensembles.library import SPLITS
from pipeline.comparison.tables.ensembles.verdict_entry import describe_soups
from pipeline.comparison.tables.measurements import ComparisonError, Measured, read_measurements
from pipeline.comparison.tables.studies.label_suspects import judges_among
from pipeline.ground.files import read_json, write_json
from pipeline.ground.paths import DATASET, VERDICT
from pipeline.params.compare import Ensembles
from pipeline.params.competing import read_candidates
from pipeline.scores.classes import ACCURACY, BALANCED_ACCURACY
from pipeline.stages import compare
from tests.stages.test_compare import ROOT, simulation

SEEDS_OF = ["ensemble-seeds-classical-svm_hog", "ensemble-seeds-cnn-lecture", "ensemble-seeds-finetune-resnet50-full"]
ON = {"kinds": ["seeds", "greedy"], "of": None, "soups": [], "members": 3}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Four candidates and their ensembles, compared once."""
    folder = tmp_path_factory.mktemp("ensembles")
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, folder / file)
    (folder / "pipeline").symlink_to(ROOT / "pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yaml = YAML(typ="safe")
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
    return read_measurements(read_candidates(), SPLITS)


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


SOUPED, SOUP = "finetune-resnet50-full", "ensemble-soup-finetune-resnet50-full"
WITH_SOUP = Ensembles(kinds=["soup"], soups=[SOUPED])


@pytest.fixture
def souped(compared: Path, trained: list[Measured]) -> Iterator[Measured]:
    """What the stage `soup` would leave, were a soup's logits the mean of its seeds'; and the candidate it is of."""
    of = next(one for one in trained if one.name == SOUPED)
    rows = pd.read_parquet(f"evaluation/{SOUPED}/predictions.parquet")
    names = [name for name in rows if name.startswith("p_")]
    write_soup(of, rows, names)
    yield of
    for folder in ("results", "evaluation"):
        shutil.rmtree(Path(folder, SOUP))


def mixed(rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """One row an example: the geometric mean, which is the mean of logits."""
    logits = np.log(rows[names].clip(1e-6)).assign(example=rows["example"], label=rows["label"])
    mean = logits.groupby("example").mean()
    probable = np.exp(mean[names].to_numpy())
    table = pd.DataFrame(probable / probable.sum(axis=1, keepdims=True), columns=names).astype(np.float32)
    table.insert(0, "example", mean.index.to_numpy())
    table.insert(1, "label", mean["label"].to_numpy(np.int64))
    table.insert(2, "predicted", table[names].to_numpy().argmax(axis=1))
    return table


def write_soup(of: Measured, rows: pd.DataFrame, names: list[str], worse: float = 0.0) -> None:
    """
    Args:
        worse: share of probability that soups of two seeds take from the right class of validation examples.
    """
    seeds, subsets = of.seeds, []
    for one, other in ((0, 1), (0, 2), (1, 2)):
        pair = rows[rows["seed"].isin([seeds[one], seeds[other]])]
        for split in ("val", "test"):
            told = pair[(pair["split"] == split) & pair.duplicated(["split", "example"], keep=False)]
            table = mixed(told, names)
            if split == "val" and worse:
                right = table["label"].to_numpy()
                values = table[names].to_numpy(copy=True)
                values[np.arange(len(values)), right] *= 1 - worse
                table[names] = values
            subsets.append(table.assign(seeds=f"{seeds[one]} {seeds[other]}", split=split))
    splits = [mixed(part, names).assign(split=split, seed=seeds[0]) for split, part in rows.groupby("split")]
    folder = Path("evaluation", SOUP)
    folder.mkdir(parents=True, exist_ok=True)
    pd.concat(splits, ignore_index=True).to_parquet(folder / "predictions.parquet", index=False)
    pd.concat(subsets, ignore_index=True).to_parquet(folder / "subsets.parquet", index=False)
    write_json(folder / "cost.json", {"latency_ms_per_image": {"median": 12.0, "p95": 13.0}})
    write_json(folder / "metrics.json", {"size": dict(of.metrics["size"])})
    trial = replace(
        of.trial,
        candidate=SOUP,
        family="ensemble",
        backbone=None,
        technique=None,
        fingerprint="a soup",
        parameters={"soup": {"of": of.name, "fingerprint": of.trial.fingerprint, "seeds": seeds}},
        seeds=[{"seed": seeds[0]}],
    )
    write_json(Path("results", SOUP, "trial.json"), asdict(trial))


def test_a_soup_costs_the_training_of_its_seeds_and_the_answer_of_one(
    souped: Measured, trained: list[Measured]
) -> None:
    (soup,) = make_ensembles(trained, WITH_SOUP, ACCURACY)
    assert soup.name == SOUP and soup.cost_seconds == pytest.approx(3 * souped.cost_seconds)
    assert soup.latency["latency_ms_per_image"]["median"] == 12.0
    assert soup.parameters == souped.parameters
    work = measure_work([*trained, soup], read_json(DATASET))
    assert (work[SOUP].training, work[SOUP].answer) == (3 * work[SOUPED].training, work[SOUPED].answer)
    assert [(part.candidate, part.weight) for part in soup.parts] == [(SOUP, 1.0)] and dict(soup.members) == {SOUPED: 1}


def test_a_soup_of_one_seed_more_is_another_model_though_its_number_is_the_same(
    souped: Measured, trained: list[Measured]
) -> None:
    (before,) = make_ensembles(trained, WITH_SOUP, ACCURACY)
    file = Path("results", SOUP, "trial.json")
    write_json(file, read_json(file) | {"fingerprint": "a soup of one seed more"})
    (after,) = make_ensembles(trained, WITH_SOUP, ACCURACY)
    assert after.parts == before.parts and after.trial.fingerprint != before.trial.fingerprint


def test_other_seeds_would_make_another_soup_and_its_interval_knows(souped: Measured, trained: list[Measured]) -> None:
    (soup,) = make_ensembles(trained, WITH_SOUP, ACCURACY)
    outcomes = align([*trained, soup])
    subsets = pd.read_parquet(f"evaluation/{SOUP}/subsets.parquet").query("split == 'test'")
    right = (subsets["label"] == subsets["predicted"]).groupby(subsets["seeds"]).mean()
    without = np.array([right["1 2"], right["0 2"], right["0 1"]])
    told = outcomes.contributions[-1].mean(axis=1)
    assert told == pytest.approx(told.mean() - 2 * (without - without.mean())) and np.ptp(told) > 0


def test_validation_that_neither_of_two_seeds_learned_from_says_whether_a_soup_competes(
    souped: Measured, trained: list[Measured], caplog: pytest.LogCaptureFixture
) -> None:
    (told,) = describe_soups(trained, WITH_SOUP)
    assert told["competes"] and told["loss"] <= told["members_loss"] and told["examples"] > 10
    own = pd.read_parquet(f"evaluation/{SOUPED}/predictions.parquet").query("split == 'val'")
    assert told["examples"] == sum(math.comb(count, 2) for count in own.groupby("example").size())
    rows = pd.read_parquet(f"evaluation/{SOUPED}/predictions.parquet")
    write_soup(souped, rows, [name for name in rows if name.startswith("p_")], worse=0.9)
    with caplog.at_level("INFO", "kiyas"):
        assert make_ensembles(trained, WITH_SOUP, ACCURACY) == []
    assert f"{SOUP} does not compete: on {told['examples']} validation examples that neither of two" in caplog.text
    assert describe_soups(trained, WITH_SOUP)[0]["sentence"] in caplog.text


def test_soups_that_no_example_judges_do_not_compete(souped: Measured, trained: list[Measured]) -> None:
    file = Path("evaluation", SOUP, "subsets.parquet")
    pd.read_parquet(file).query("split == 'test'").to_parquet(file, index=False)
    assert make_ensembles(trained, WITH_SOUP, ACCURACY) == []
    (told,) = describe_soups(trained, WITH_SOUP)
    assert (told["competes"], told["examples"], told["loss"]) == (False, 0, None)
    assert "no two seeds" in told["sentence"]


def test_a_soup_of_other_models_or_none_is_refused_with_the_command(souped: Measured, trained: list[Measured]) -> None:
    described = read_json(Path("results", SOUP, "trial.json"))
    described["parameters"]["soup"]["fingerprint"] = "of an earlier training"
    write_json(Path("results", SOUP, "trial.json"), described)
    with pytest.raises(ComparisonError, match=rf"is of other models .*`dvc repro evaluate-soup@{SOUPED}`"):
        make_ensembles(trained, WITH_SOUP, ACCURACY)
    Path("evaluation", SOUP, "subsets.parquet").unlink()
    with pytest.raises(ComparisonError, match=r"subsets.parquet: is missing.*compare.ensembles.soups in params.yaml"):
        make_ensembles(trained, WITH_SOUP, ACCURACY)


def test_the_report_tells_of_soups_that_compete_and_of_those_that_do_not(
    souped: Measured, trained: list[Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_a_copy_of_params({"kinds": ["soup"], "of": None, "soups": [SOUPED], "members": 3}):
        compare.run()
        verdict, page = read_json(VERDICT), Path("comparison/report.html").read_text(encoding="utf-8")
        assert verdict["soups"][0]["competes"] and verdict["ensembles"]["ensembles"][0]["kind"] == "soup"
        assert "A soup is one network with the mean of its seeds" in page
        ranking = pd.read_csv("comparison/ranking.csv").set_index("candidate")
        assert ranking.loc[SOUP, "family"] == "ensemble"
        rows = pd.read_parquet(f"evaluation/{SOUPED}/predictions.parquet")
        write_soup(souped, rows, [name for name in rows if name.startswith("p_")], worse=0.9)
        compare.run()
        verdict, page = read_json(VERDICT), Path("comparison/report.html").read_text(encoding="utf-8")
        assert verdict["ensembles"] is None and not verdict["soups"][0]["competes"]
        assert "does not compete: on" in page


@contextmanager
def in_a_copy_of_params(ensembles: dict[str, Any]) -> Iterator[None]:
    yaml, file = YAML(typ="safe"), Path("params.yaml")
    before = file.read_text(encoding="utf-8")
    content = yaml.load(before)
    content["compare"] |= {"ensembles": ensembles, "resamples": 200}
    yaml.dump(content, file)
    yield
    file.write_text(before, encoding="utf-8")
