"""What drift is measured against: what the champion does on examples that neither taught it nor chose it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.champions.answering import Served
from pipeline.champions.versions import Champion, folder_of
from pipeline.datasets.store.prepared import Prepared
from pipeline.ground.files import write_json
from pipeline.ground.paths import DATASET
from pipeline.operations.retraining import contenders
from pipeline.operations.retraining.contenders import ContenderError, ReigningChampion, answered_classes, groups_of
from pipeline.operations.retraining.drift import Sample, measure_drift
from pipeline.scores.decisions import MOST_PROBABLE
from tests.operations.conftest import COLOURS, SIDE, paint

CLASSES = list(COLOURS)


def todays_test(ids: list[str]) -> Prepared:
    """The test split of today: blue photos with these ids."""
    photos = np.stack([paint("blue", 2000 + number) for number in range(len(ids))])
    labels = np.zeros(len(ids), np.int64)
    return Prepared(photos, labels, np.array(ids), "images", "multiclass", CLASSES, SIDE, None, None, "")


@pytest.fixture
def reigning(champion: Champion) -> ReigningChampion:
    """Right on all validation photos, since they chose its epoch and seed; on 13 of 20 test photos of each class."""
    path = folder_of(champion.version) / "predictions.parquet"
    rows = pd.read_parquet(path)
    number = rows["example"].str.partition("/")[2].astype(int)
    wrong = (rows["split"] == "test") & (number >= 13)
    sure = np.eye(3)[(rows["label"] + wrong) % 3] * 0.8 + 0.2 / 3
    rows[["p_0", "p_1", "p_2"]] = sure
    rows["example"] += "/" + rows["label"].astype(str)
    rows.to_parquet(path)
    return ReigningChampion(champion)


def test_a_step_that_it_learned_from_is_known_by_its_time_whatever_its_number_is_today(champion: Champion) -> None:
    reigning = ReigningChampion(champion)
    split = ["train", "val", "test"]
    reigning.predictions = pd.DataFrame({"example": ["01 at 8", "02 at 9", "03 at 10"], "split": split})
    ids = np.array(["005 at 9", "006 at 10", "007 at 11"])
    test = Prepared(np.zeros((3, 1)), np.zeros(3), ids, "series", "regression", [], None, [], None, "")
    assert reigning.unlearnt(test).tolist() == [False, True, True]


def test_a_row_that_it_learned_from_is_known_however_many_digits_its_number_has_today(champion: Champion) -> None:
    reigning = ReigningChampion(champion)
    split = ["train", "val", "test"]
    reigning.predictions = pd.DataFrame({"example": ["row 01", "row 10", "row 03"], "split": split})
    ids = np.array(["row 001", "row 003", "row 104", "accepted/first/new.csv row 01"])
    test = Prepared(np.zeros((4, 1)), np.zeros(4), ids, "table", "regression", [], None, [], None, "")
    assert reigning.unlearnt(test).tolist() == [False, True, True, True]
    grouped = replace(test, groups=np.array([5, 6, 6, 7]))
    assert groups_of(["row 1", "row 104", "row 7"], grouped).tolist()[:2] == [5, 6]


def test_photos_that_are_scaled_by_another_white_today_are_not_judged_by(reigning: ReigningChampion) -> None:
    test = todays_test(["new-0", "new-1"])
    write_json(DATASET, {"white": 16383})
    reigning.judge(test, 1)  # it learned from pictures of 8 bits
    reigning.served.white = 4095
    for look in (lambda: reigning.judge(test, 1), lambda: reigning.reference(test)):
        with pytest.raises(ContenderError, match=r"in which 4095 is white, .* some in which 16383 is now"):
            look()


def test_a_network_is_loaded_without_what_tensorflow_greets_with(
    champion: Champion, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(contenders, "import_keras_quietly", lambda: done.append("quietly"))
    monkeypatch.setattr(contenders, "load_version", lambda version: done.append(f"version {version}"))
    for candidate in ("cnn-lecture", "classical-svm_hog"):
        _ = ReigningChampion(replace(champion, candidate=candidate)).served
    assert done == ["quietly", "version 1", "version 1"]


def test_the_reference_is_test_photos_alone(reigning: ReigningChampion) -> None:
    reference = reigning.reference(todays_test(["test/3/0", "test/7/1"]))
    assert len(reference.labels) == 60
    assert reference.right == 39


def test_test_photos_that_arrived_since_are_part_of_the_reference(reigning: ReigningChampion) -> None:
    reference = reigning.reference(todays_test(["test/3/0", "later/1", "later/2"]))
    assert len(reference.labels) == 62
    assert reference.right == 41, "the two are blue, and the champion knows blue"


def test_examples_of_a_class_that_was_taken_out_are_no_part_of_the_reference(reigning: ReigningChampion) -> None:
    reference = reigning.reference(replace(todays_test(["test/3/0", "test/7/1"]), class_names=CLASSES[:2]))
    assert len(reference.labels) == 40 and set(reference.labels) == {0, 1}


def test_one_test_photo_of_each_group_counts_in_the_reference(reigning: ReigningChampion) -> None:
    """Those that are gone from the test split stay, each as a group of its own."""
    test = todays_test(["test/3/0", "test/7/1", "later/1", "later/2"])
    reference = reigning.reference(replace(test, groups=np.array([5, 5, 5, 6])))
    assert len(reference.labels) == 62
    assert len(reference.one_of_each_group.labels) == 60, "three of one group count once"
    assert reigning.reference(test).groups is None


def test_photos_like_those_of_the_test_split_are_not_called_worse(reigning: ReigningChampion) -> None:
    """With its validation photos in the reference, two in three such batches would be."""
    reference = reigning.reference(todays_test(["test/3/0"]))
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 100)
    right = random.random(300) < 0.65
    new = Sample(labels, np.eye(3)[(labels + ~right) % 3] * 0.8 + 0.2 / 3)
    assert not measure_drift(new, reference, CLASSES).loses_accuracy(0.05)
    all_rows = reigning.predictions[reigning.predictions["split"] != "train"]
    with_validation = Sample(all_rows["label"].to_numpy(), all_rows[["p_0", "p_1", "p_2"]].to_numpy())
    assert measure_drift(new, with_validation, CLASSES).loses_accuracy(0.05)


def test_a_champion_with_a_threshold_answers_by_it_among_todays_classes_too(reigning: ReigningChampion) -> None:
    """Its rule is of its own two columns; today there is a class more, and the order is another."""
    names = ["new", "sick", "well"]
    reigning.champion = replace(reigning.champion, class_names=["well", "sick"], decision={"threshold": 0.3})
    own = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    assert answered_classes(reigning.decision, own, ["well", "sick"], names).tolist() == [2, 1, 1]
    assert answered_classes(reigning.decision, own, ["well", "sick"], ["well"]).tolist() == [0, 0, 0]
    assert answered_classes(MOST_PROBABLE, own, ["well", "sick"], names).tolist() == [2, 2, 1]
    table = pd.DataFrame({"seed": 0, "split": "test", "example": ["a", "b", "c"], "label": [0, 1, 1]})
    reigning.predictions = table.assign(p_0=own[:, 0], p_1=own[:, 1])
    todays = replace(todays_test(["a", "b"]), class_names=names)
    reference = reigning.reference(todays)
    assert reference.right == reference.one_of_each_group.right == reference.joined(reference).right / 2 == 3
    reigning.served = Served(lambda images: own[: len(images)], ["well", "sick"], SIDE, decision=reigning.decision)
    judged = reigning.judge(todays, timed=1)
    assert judged.predicted.tolist() == [2, 1] and judged.probabilities[:, 0].tolist() == [0, 0]
