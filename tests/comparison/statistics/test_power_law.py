"""A power law is found where there is one, refused where there is none, and says how its measurements move it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.statistics.power_law import NoPowerLaw, PowerLaw, fit_power_law

SIZES = np.array([60.0, 120.0, 300.0, 600.0])
COVARIANCE = 0.01**2 * (0.7 + 0.3 * np.eye(4))  # what is hard for one size is hard for all


def errors(now: float = 0.4, exponent: float = 0.2) -> np.ndarray:
    return now * (SIZES / 600) ** -exponent


def fit(values: np.ndarray) -> PowerLaw:
    return fit_power_law(SIZES, values, COVARIANCE, 0.95)


def test_errors_that_follow_a_law_give_it_back() -> None:
    law = fit(errors())
    assert (law.error_now, law.exponent, law.now) == pytest.approx((0.4, 0.2, 600.0))
    assert law.error(2400) == pytest.approx(0.4 * 4**-0.2)


def test_a_prediction_moves_with_each_measured_error_as_its_sensitivity_says() -> None:
    law, step = fit(errors()), 1e-5
    for place in range(4):
        moved = errors()
        moved[place] += step
        change = (fit(moved).error(1200) - law.error(1200)) / step
        assert law.sensitivity(1200)[place] == pytest.approx(change, rel=1e-2)


def test_labels_are_worth_having_until_a_doubling_gains_less() -> None:
    law = fit(errors())
    size = law.size_where_doubling_gains(0.03)
    assert law.gain_of_doubling(size) == pytest.approx(0.03)
    assert law.gain_of_doubling(2 * size) < 0.03 < law.gain_of_doubling(size / 2)


def test_errors_off_any_law_are_refused() -> None:
    with pytest.raises(NoPowerLaw, match="do not lie on a power law"):
        fit(np.array([0.8, 0.42, 0.41, 0.40]))


def test_errors_that_do_not_fall_are_refused() -> None:
    with pytest.raises(NoPowerLaw, match="not shown to help"):
        fit(np.full(4, 0.4))


def test_two_sizes_tell_no_law() -> None:
    with pytest.raises(NoPowerLaw, match="2 sizes are too few"):
        fit_power_law(SIZES[:2], errors()[:2], COVARIANCE[:2, :2], 0.95)
