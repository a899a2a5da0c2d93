"""How much explanations tell, against chance."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation.explanations.explaining import explain_classical
from pipeline.evaluation.explanations.gain import by_patch, measure_explanations
from pipeline.evaluation.explanations.patches import Patches, cut

PHOTOS = np.random.default_rng(4).integers(60, 180, (10, 20, 20, 3), dtype=np.uint8)
PHOTOS[:, :5, 15:] = np.where(np.arange(10) % 2, 250, 5)[:, None, None, None]  # the upper right patch
EXAMPLES = np.array([f"{number}.jpg" for number in range(10)])


def upper_right(images: np.ndarray) -> np.ndarray:
    of_one = 1 / (1 + np.exp(-(images[:, :5, 15:].mean(axis=(1, 2, 3)) - 120) / 20))
    return np.stack([1 - of_one, of_one], axis=1)


@pytest.fixture
def patches() -> Patches:
    return cut(PHOTOS, 4, upper_right)


def test_a_good_explanation_gains_and_an_empty_one_does_not(patches: Patches) -> None:
    good, means = measure_explanations(patches, EXAMPLES, 3, 4, "permutation", explain_classical(patches))
    wrong = np.ones((10, 4, 4))
    wrong[:, 0, 3] = 0
    bad, _ = measure_explanations(patches, EXAMPLES, 3, 4, "gradcam", wrong)
    assert good.summary["own_explanation_gain"] == pytest.approx(good.summary["explanation_gain"]) != 0
    assert bad.summary["own_explanation_gain"] < 0 < good.summary["own_explanation_gain"]
    assert bad.summary["explanation_gain"] == good.summary["explanation_gain"], "the same question to every candidate"
    assert set(means) == {f"{o}_{k}" for o in ("occlusion", "permutation", "chance") for k in ("deletion", "insertion")}
    assert means["occlusion_deletion"][0] == 1 and means["occlusion_deletion"][1] < 0.9
    rows = good.rows.set_index("measure")
    assert rows.loc["explanation_gain", "value"].mean() == pytest.approx(good.summary["explanation_gain"])
    assert set(good.rows["seed"]) == {3} and len(good.rows) == 20


def test_a_map_of_any_size_becomes_patches_in_their_places() -> None:
    for side in (3, 4, 6, 12, 13):
        heat = np.zeros((1, side, side))
        heat[:, : side // 3, -(side // 3) :] = 1
        assert by_patch(heat, 4).shape == (1, 16)
        assert by_patch(heat, 4).argmax() == 3
    np.testing.assert_allclose(by_patch(np.ones((2, 7, 7)), 5), 1)
