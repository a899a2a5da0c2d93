"""Bins of confidence."""

from __future__ import annotations

import numpy as np

from pipeline.calibration import calibration_bin


def test_a_bin_holds_its_upper_end_and_not_its_lower_one() -> None:
    assert calibration_bin(np.array([0.2, 0.2001, 0.4, 1.0]), bins=5).tolist() == [0, 1, 1, 4]


def test_no_confidence_at_all_lies_in_the_lowest_bin() -> None:
    assert calibration_bin(np.array([0.0, 1e-9]), bins=5).tolist() == [0, 0]


def test_the_shape_stays_and_single_precision_counts_as_it_is_written() -> None:
    confidence = np.full((2, 3, 4), 0.4, dtype=np.float32)  # a little more than 0.4
    assert calibration_bin(confidence, bins=5).tolist() == np.full((2, 3, 4), 2).tolist()
