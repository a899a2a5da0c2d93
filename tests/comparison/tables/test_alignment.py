"""Candidates are aligned by seed and example, and what does not belong together is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.measurements import ComparisonError, read_measurements
from pipeline.ground.files import read_json, write_json
from pipeline.params.training.candidates import Candidate

SVM = Path("evaluation/classical-svm_hog/predictions.parquet")


def change(edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    edit(pd.read_parquet(SVM)).to_parquet(SVM, index=False)


def test_the_order_of_rows_on_disk_does_not_matter(small: list[Candidate]) -> None:
    before = align(read_measurements(small))
    change(lambda table: table.sample(frac=1, random_state=1))
    after = align(read_measurements(small))
    assert np.array_equal(before.contributions, after.contributions)
    assert np.array_equal(before.train, after.train, equal_nan=True)
    assert np.array_equal(before.validation, after.validation, equal_nan=True)


def test_contributions_are_candidates_by_seeds_by_examples(small: list[Candidate]) -> None:
    outcomes = align(read_measurements(small))
    assert outcomes.contributions.shape == (5, 2, 120)
    one = pd.read_parquet(SVM).query("split == 'test' and seed == 1").set_index("example").loc[outcomes.examples]
    assert np.array_equal(outcomes.contributions[1, 1], (one["label"] == one["predicted"]).to_numpy())


def test_train_accuracy_counts_only_what_the_seed_was_trained_on(small: list[Candidate]) -> None:
    outcomes, rows = align(read_measurements(small)), pd.read_parquet(SVM).query("split == 'train'")
    assert np.isfinite(outcomes.train[1]).sum() == len(rows)
    assert np.nansum(outcomes.train[1]) == (rows["label"] == rows["predicted"]).sum()
    assert outcomes.train_scores[1].mean() == pytest.approx((rows["label"] == rows["predicted"]).mean())


def test_the_floor_guesses_the_most_common_class_of_development(small: list[Candidate]) -> None:
    outcomes = align(read_measurements(small))
    assert outcomes.majority_label == 0
    assert outcomes.floor_contributions.mean() == np.mean(outcomes.labels == 0)


def test_a_candidate_without_evaluation_is_named_with_the_command_to_run(small: list[Candidate]) -> None:
    SVM.unlink()
    with pytest.raises(ComparisonError, match=r"svm_hog/predictions.*classical-svm_hog.*evaluate-classical@svm_hog`"):
        read_measurements(small)


def test_a_candidate_that_was_never_trained_is_named_too(small: list[Candidate]) -> None:
    stranger = Candidate("finetune", "vgg16-lp_ft", "vgg16", "lp_ft")
    with pytest.raises(
        ComparisonError, match=r"results/finetune-vgg16-lp_ft/trial.json.*evaluate-finetune@vgg16-lp_ft"
    ):
        read_measurements([*small, stranger])


def other_example(table: pd.DataFrame) -> pd.DataFrame:
    first = table.loc[table["split"] == "test", "example"].iloc[0]
    return table.replace({"example": {first: "test/Apple/other.jpg"}})


def without_a_row(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(table.index[table["split"] == "test"][0])


def twice_the_same(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table[table["split"] == "test"].head(1)])


def other_labels(table: pd.DataFrame) -> pd.DataFrame:
    first = table.loc[table["split"] == "test", "example"].iloc[0]
    return table.assign(label=table["label"].where(table["example"] != first, 5))


def without_a_seed(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["seed"] == 0]


def without_training(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["split"] != "train") | (table["seed"] == 0)]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (other_example, r"are not the 120 of classical-majority.*'test/Apple/"),
        (without_a_row, r"'test/Apple/0000.jpg' is missing for a seed"),
        (twice_the_same, r"'test/Apple/0000.jpg' stands twice"),
        (other_labels, r"labels differ from those of classical-majority"),
        (without_a_seed, r"holds seeds \[0\].*trial.json \[0, 1\]"),
        (without_training, r"train predictions for seeds \[0\] only"),
    ],
)
def test_predictions_that_cannot_be_aligned_are_refused(
    small: list[Candidate], edit: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    change(edit)
    with pytest.raises(ComparisonError, match=message) as caught:
        align(read_measurements(small))
    assert str(caught.value).startswith("evaluation/classical-svm_hog/predictions.parquet")


def test_candidates_of_other_seeds_are_refused(small: list[Candidate]) -> None:
    path = Path("results/classical-svm_hog/trial.json")
    trial = read_json(path)
    write_json(path, trial | {"seeds": trial["seeds"][:1]})
    with pytest.raises(ComparisonError, match=r"trained with seeds \[0\], but classical-majority with \[0, 1\]"):
        align(read_measurements(small))


def test_the_cost_of_a_candidate_is_the_mean_over_its_seeds(small: list[Candidate]) -> None:
    costs = read_json(Path("results/cnn-lecture/cost.json"))["seeds"]
    one = next(one for one in read_measurements(small) if one.name == "cnn-lecture")
    assert one.cost_seconds == pytest.approx((costs["0"]["cost_seconds"] + costs["1"]["cost_seconds"]) / 2)


def test_validation_holds_each_seeds_own_validation_examples(small: list[Candidate]) -> None:
    outcomes, rows = align(read_measurements(small)), pd.read_parquet(SVM).query("split == 'val'")
    assert np.isfinite(outcomes.validation[1]).sum() == len(rows)
    assert np.nansum(outcomes.validation[1]) == (rows["label"] == rows["predicted"]).sum()
    assert not (np.isfinite(outcomes.validation) & np.isfinite(outcomes.train)).any()


def test_groups_and_order_follow_the_ids(small: list[Candidate]) -> None:
    rows = pd.read_parquet(SVM)
    numbers = {example: number for number, example in enumerate(reversed(sorted(rows["example"].unique())))}
    outcomes = align(read_measurements(small), groups=numbers, order=numbers)
    assert outcomes.groups is not None and outcomes.order is not None and outcomes.development_groups is not None
    assert outcomes.groups.tolist() == [numbers[example] for example in outcomes.examples]
    assert outcomes.order.tolist() == outcomes.groups.tolist()
    assert len(outcomes.development_groups) == outcomes.train.shape[2]
