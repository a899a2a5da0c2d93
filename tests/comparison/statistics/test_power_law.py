"""A power law is found where there is one, refused where there is none, and a floor below it is reckoned with."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.comparison.statistics.power_law import NoPowerLaw, PowerLaw, fit_power_law, since_half

SIZES = np.array([60.0, 120.0, 300.0, 600.0])
COVARIANCE = 0.01**2 * (0.7 + 0.3 * np.eye(4))  # what is hard for one size is hard for all


def errors(now: float = 0.4, exponent: float = 0.2, floor: float = 0.0) -> np.ndarray:
    return floor + (now - floor) * (SIZES / 600) ** -exponent


def fit(values: np.ndarray, noise: float = 1.0) -> PowerLaw:
    off = np.random.default_rng(1).multivariate_normal(np.zeros(4), noise * COVARIANCE, 1000)
    return fit_power_law(SIZES, values, values + off, 0.95)


def test_exact_errors_of_a_law_give_it_back() -> None:
    law = fit(errors(exponent=0.345), noise=1e-4)
    assert law.errors(600).mean() == pytest.approx(0.4, abs=1e-3)
    assert law.errors(2400).mean() == pytest.approx(0.4 * 4**-0.345, abs=5e-3)


def test_a_floor_that_the_errors_show_is_found() -> None:
    law = fit(errors(floor=0.3, exponent=0.6), noise=0.02)
    assert law.floor == pytest.approx(0.3, abs=0.02)
    assert law.gains_of_doubling(600).mean() == pytest.approx(0.1 * (1 - 2**-0.6), abs=0.005)


def test_what_a_doubling_brings_is_held_with_and_without_a_floor() -> None:
    """150 studies each; 0.95 is promised, and a law without a floor alone would hold it in under 0.2 above a floor."""
    rng = np.random.default_rng(2)
    for floor in (0.0, 0.3, 0.36):
        held = []
        for _ in range(150):
            try:
                law = fit(rng.multivariate_normal(errors(floor=floor, exponent=0.3), COVARIANCE))
            except NoPowerLaw:
                continue
            low, high = np.quantile(law.gains_of_doubling(600), [0.025, 0.975])
            held.append(low <= (0.4 - floor) * (1 - 2**-0.3) <= high)
        assert len(held) >= 80 and np.mean(held) >= 0.9, floor


def test_labels_are_worth_having_until_a_doubling_gains_less() -> None:
    law = fit(errors(exponent=0.4))
    sizes = law.sizes_where_doubling_gains(0.03)
    beyond = sizes > law.now
    share = (sizes / law.now) ** -law.exponents
    gains = law.errors_now * (1 - law.floors) * share * (1 - 2**-law.exponents)
    assert beyond.any() and gains[beyond] == pytest.approx(0.03)
    assert (law.gains_of_doubling(600)[~beyond] <= 0.03).all()


def test_errors_off_any_law_are_refused() -> None:
    with pytest.raises(NoPowerLaw, match="do not lie on a power law"):
        fit(np.array([0.5, 0.3, 0.5, 0.3]))


def test_errors_that_do_not_fall_are_refused() -> None:
    with pytest.raises(NoPowerLaw, match="not shown to help"):
        fit(np.full(4, 0.4))


def test_two_sizes_tell_no_law() -> None:
    with pytest.raises(NoPowerLaw, match="2 sizes are too few"):
        fit_power_law(SIZES[:2], errors()[:2], np.tile(errors()[:2], (9, 1)), 0.95)


def test_the_last_doubling_is_read_off_the_measured_sizes() -> None:
    assert since_half(SIZES) == pytest.approx([0, 0, -1, 1])
    between = since_half(np.array([100.0, 300.0, 1000.0]))  # half is between 300 and 1,000
    share = np.log(500 / 300) / np.log(1000 / 300)
    assert between == pytest.approx([0, share - 1, 1 - share])
    assert since_half(np.array([800.0, 1000.0])) == pytest.approx([-1, 1])
