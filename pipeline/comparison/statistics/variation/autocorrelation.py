"""How long the blocks of a series have to be, and how much variance blocks of that length still miss.

The length is three times that of Politis and White (2004, as corrected by Patton, Politis and White 2009), which makes
the estimated variance most accurate but intervals too narrow; blocks are never longer than a fifth of the series. What
blocks miss even so is made good as if the errors were autoregressive of order one (as prewhitening does: Andrews and
Monahan 1992). Coverage of 95 % intervals of a mean, 4,000 simulated series a figure:

                                        100 steps: autoregression 0.5   0.7   0.9    300 steps: 0.5   0.7   0.9
    length of Politis and White alone                     0.912 0.885 0.811              0.922 0.920 0.883
    as here                                               0.957 0.960 0.941              0.961 0.958 0.964

An autoregressive part of 0.9 under independent noise of a comparable size is covered less: 0.865 with 100 steps, 0.944
with 300.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LONGER = 3.0  # times the length of Politis and White
FEWEST = 5  # blocks that a series has to have room for
STRONGEST = 0.97  # autoregression that is believed


@dataclass(frozen=True)
class Blocks:
    """
    Attributes:
        length: in steps.
        common: variance of the candidates' common mean, as a multiple of what blocks show.
        apart: variance of each candidate's deviation from that mean, likewise.
    """

    length: int
    common: float = 1.0
    apart: float = 1.0

    def stretched(self, deviations: Floats) -> Floats:
        """(B, K) deviations of resampled means with the variance that blocks miss."""
        middle = deviations.mean(axis=1, keepdims=True)
        return np.asarray(middle * np.sqrt(self.common) + (deviations - middle) * np.sqrt(self.apart))


def blocks_for(values: Floats) -> Blocks:
    """
    Args:
        values: (C, N) contributions in the order of time.
    """
    steps = values.shape[1]
    middle = values.mean(axis=0, keepdims=True)
    parts = [autocovariance(middle), autocovariance(values - middle)]
    wanted = max(LONGER * politis_white_length(part, steps) for part in parts)
    length = int(np.clip(np.ceil(wanted), 1, max(steps // FEWEST, 1)))
    return Blocks(length, *(_missed(_autoregression(part, steps), length, steps) for part in parts))


def autocovariance(values: Floats) -> Floats:
    """(lags,) of C series of N steps, summed over the series."""
    steps = values.shape[1]
    centred = values - values.mean(axis=1, keepdims=True)
    lags = min(int(np.ceil(np.sqrt(steps))) + _window(steps), steps - 1)
    return np.array([(centred[:, lag:] * centred[:, : steps - lag]).sum() / steps for lag in range(lags + 1)])


def politis_white_length(covariance: Floats, steps: int) -> float:
    """The block length of the circular bootstrap by its autocovariance: flat-top window, at twice the last lag that
    is significant (their `m`)."""
    if covariance[0] <= 0:
        return 1.0
    window = min(2 * _last_significant(covariance, steps), len(covariance) - 1)
    lags = np.arange(1, window + 1)
    weights = np.clip(2 * (1 - lags / max(window, 1)), 0, 1)
    spectrum = covariance[0] + 2 * (weights * covariance[1 : window + 1]).sum()
    slope = 2 * (weights * lags * covariance[1 : window + 1]).sum()
    return float((1.5 * slope**2 / max(spectrum, 1e-3 * covariance[0]) ** 2 * steps) ** (1 / 3))


def _last_significant(covariance: Floats, steps: int) -> int:
    """The lag after which `_window` autocorrelations in a row are insignificant; at least 1."""
    small = np.abs(covariance[1:] / covariance[0]) < 2 * np.sqrt(np.log10(steps) / steps)
    for lag in range(len(small) - _window(steps) + 1):
        if small[lag : lag + _window(steps)].all():
            return max(lag, 1)
    return int(np.flatnonzero(~small).max(initial=0)) + 1


def _window(steps: int) -> int:
    return max(5, int(np.sqrt(np.log10(steps))))


def _autoregression(covariance: Floats, steps: int) -> float:
    """Of order one, with its bias made good (Marriott and Pope 1954)."""
    if covariance[0] <= 0 or len(covariance) < 2:
        return 0.0
    seen = float(covariance[1] / covariance[0])
    return float(np.clip(seen + (1 + 3 * seen) / steps, 0.0, STRONGEST))


def _missed(autoregression: float, length: int, steps: int) -> float:
    """The variance of the mean of an autoregressive series, as a multiple of what blocks of `length` show."""
    blocks = steps / length
    if blocks <= 1:
        return 1.0
    whole, shown = _variance(autoregression, steps), _variance(autoregression, length)
    return whole * (blocks - 1) / (shown - whole)


def _variance(autoregression: float, steps: float) -> float:
    """Of the mean of so many steps, in parts of one step's variance."""
    rest = 1 - autoregression
    return float(
        ((1 + autoregression) / rest - 2 * autoregression * (1 - autoregression**steps) / (steps * rest**2)) / steps
    )
