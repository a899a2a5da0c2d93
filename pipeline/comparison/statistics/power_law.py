"""How the error falls with the number of training examples: error = now · (n / n_now)^-exponent.

Test errors of learners follow such a law over a wide range of sizes (Hestness et al. 2017, Rosenfeld et al. 2020),
until they level off at what the data do not tell; how far that is cannot be seen from a few sizes. So a law is fitted
only where the measured sizes bear it out, and nobody should follow it far beyond them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]

LEAST_SIZES = 3  # a law has two parameters: fewer sizes could not speak against it


class NoPowerLaw(ValueError):
    """The measured errors do not follow a power law, or do not show one; the message says in what way."""


@dataclass(frozen=True)
class PowerLaw:
    """
    Attributes:
        now: the largest size that was measured, in training examples.
        error_now: the law's error there.
        exponent: what the error's logarithm loses with each unit of the size's logarithm.
        weights: (2, M) by how much log(error_now) and exponent move with each of the M measured errors, to first order.
    """

    now: float
    error_now: float
    exponent: float
    weights: Floats

    def error(self, size: float) -> float:
        return self.error_now * (size / self.now) ** -self.exponent

    def sensitivity(self, size: float) -> Floats:
        """(M,) by how much the error at `size` moves with each measured one: a prediction is a contrast of these."""
        sensitivity: Floats = self.error(size) * (np.array([1.0, -np.log(size / self.now)]) @ self.weights)
        return sensitivity

    def gain_of_doubling(self, size: float) -> float:
        return self.error(size) - self.error(2 * size)

    def size_where_doubling_gains(self, gain: float) -> float:
        """The size from which on twice as many examples lower the error by less than `gain`."""
        return float(self.now * (self.gain_of_doubling(self.now) / gain) ** (1 / self.exponent))


def fit_power_law(sizes: Floats, errors: Floats, covariance: Floats, confidence: float) -> PowerLaw:
    """Generalised least squares on M sizes.

    Args:
        sizes, errors: (M,); training examples, and 1 - test accuracy.
        covariance: (M, M) of the errors; the sizes share their test examples.

    Raises:
        NoPowerLaw: with the reason.
    """
    if len(sizes) < LEAST_SIZES:
        raise NoPowerLaw(f"{len(sizes)} sizes are too few to tell a law from chance; it takes {LEAST_SIZES}")
    now = float(sizes.max())
    start = (np.log(max(float(errors[sizes.argmax()]), 1e-3)), 0.2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optimize.OptimizeWarning)  # no covariance: infinite, so refused below
            found, spread = optimize.curve_fit(
                lambda size, log_now, exponent: np.exp(log_now) * (size / now) ** -exponent,
                sizes,
                errors,
                p0=start,
                sigma=covariance,
                absolute_sigma=True,
            )
    except RuntimeError:
        raise NoPowerLaw("no power law could be fitted to its errors") from None
    fitted = np.exp(found[0]) * (sizes / now) ** -found[1]
    left = errors - fitted
    off = float(stats.chi2.sf(left @ np.linalg.solve(covariance, left), len(sizes) - 2))
    if off < 1 - confidence:
        raise NoPowerLaw(f"its errors do not lie on a power law (p = {off:.2g}), so nothing is said beyond them")
    if found[1] - stats.norm.ppf((1 + confidence) / 2) * np.sqrt(spread[1, 1]) <= 0:
        raise NoPowerLaw("more data is not shown to help it, so there is no law to follow")
    jacobian = fitted[:, None] * np.column_stack([np.ones_like(sizes), -np.log(sizes / now)])  # (M, 2)
    weights = spread @ np.linalg.solve(covariance, jacobian).T
    return PowerLaw(now, float(np.exp(found[0])), float(found[1]), weights)
