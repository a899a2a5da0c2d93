"""Robustness of models whose answer to altered photos is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.measures.alterations import Alteration, chosen_alterations
from pipeline.evaluation.measures.findings import Findings
from pipeline.evaluation.measures.robustness import measure_robustness
from pipeline.params.evaluation import Robustness

RANDOM = np.random.default_rng(5)
PHOTOS = RANDOM.integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
PHOTOS[::2, :, :8] //= 4  # dark on the left
LABELS = RANDOM.integers(0, 2, 40)
SETTINGS = Robustness(examples=40, shifts=[1, 8], corruptions=["brightness", "contrast"], severities=[1, 5])


def measure(predict: Callable[[np.ndarray], np.ndarray]) -> Findings:
    examples = np.array([f"{number:03d}.jpg" for number in range(len(PHOTOS))])
    clean = SplitPredictions(examples, LABELS, predict(PHOTOS))
    return measure_robustness(predict, clean, 7, chosen_alterations(SETTINGS, 96), lambda one: one.of(PHOTOS))


def two_classes(score: np.ndarray) -> np.ndarray:
    """(N,) any number → (N, 2) probabilities."""
    of_one = 1 / (1 + np.exp(-score))
    return np.stack([1 - of_one, of_one], axis=1)


def bag_of_colours(images: np.ndarray) -> np.ndarray:
    return two_classes(images.mean(axis=(1, 2, 3)) - 110)


def left_side(images: np.ndarray) -> np.ndarray:
    return two_classes(images[:, :, :8].mean(axis=(1, 2, 3)) - images[:, :, 8:].mean(axis=(1, 2, 3)) + 30)


def never_looks(images: np.ndarray) -> np.ndarray:
    return np.tile([0.3, 0.7], (len(images), 1))


def test_a_bag_of_colours_gives_the_same_answer_wherever_the_pixels_are() -> None:
    """Shifts wrap around, so every colour is still there."""
    found = measure(bag_of_colours).summary
    assert [found[f"{move}_consistency"] for move in ("shift_1", "shift_8", "mirror")] == [1, 1, 1]


def test_a_model_of_one_side_changes_its_mind_when_the_sides_change_places() -> None:
    found = measure(left_side).summary
    assert found["mirror_consistency"] == pytest.approx(0.5), "half of the photos are dark on the left"
    assert found["shift_8_consistency"] < found["shift_1_consistency"]


def test_a_model_that_never_looks_loses_nothing() -> None:
    found = measure(never_looks)
    assert found.summary["corrupted_accuracy"] == pytest.approx(found.sections["robustness"]["clean_accuracy"])
    assert found.summary["corrupted_degradation"] == pytest.approx(0)
    assert found.summary["shift_8_consistency"] == 1


def test_degradation_is_the_share_of_clean_accuracy_that_is_lost() -> None:
    """Right on every clean photo, and on no altered one."""

    def knows_the_clean(images: np.ndarray) -> np.ndarray:
        right = np.array_equal(images, PHOTOS)
        return np.eye(2)[LABELS if right else 1 - LABELS]

    found = measure(knows_the_clean)
    assert found.summary["corrupted_accuracy"] == 0 and found.summary["corrupted_degradation"] == 1
    assert found.sections["robustness"]["clean_accuracy"] == 1


def test_every_kind_counts_alike_over_its_severities() -> None:
    found = measure(bag_of_colours)
    accuracies = found.sections["robustness"]["accuracy"]
    assert found.summary["brightness_accuracy"] == pytest.approx(
        (accuracies["brightness_1"] + accuracies["brightness_5"]) / 2
    )
    both = (found.summary["brightness_accuracy"] + found.summary["contrast_accuracy"]) / 2
    assert found.summary["corrupted_accuracy"] == pytest.approx(both)


def test_rows_carry_each_photo_of_each_alteration() -> None:
    rows = measure(bag_of_colours).rows
    assert set(rows["seed"]) == {7}
    counts = rows.groupby("measure")["example"].nunique()
    moved = {"shift_1", "shift_8", "mirror"}
    corrupted = {"brightness_1", "brightness_5", "contrast_1", "contrast_5"}
    assert set(counts.index) == {"clean_correct", *(f"{name}_correct" for name in moved | corrupted)} | {
        f"{name}_same" for name in moved
    }
    assert set(counts) == {40}


def test_the_pixels_that_were_seen_are_told() -> None:
    one, other = measure(bag_of_colours), measure(never_looks)
    assert one.sections["robustness"]["pixels"] == other.sections["robustness"]["pixels"]
    examples = np.array(["a", "b"])
    clean = SplitPredictions(examples, LABELS[:2], bag_of_colours(PHOTOS[:2]))
    fewer = measure_robustness(
        bag_of_colours, clean, 7, [Alteration("mirror")], lambda alteration: alteration.of(PHOTOS[:2])
    )
    assert fewer.sections["robustness"]["pixels"] != one.sections["robustness"]["pixels"]
