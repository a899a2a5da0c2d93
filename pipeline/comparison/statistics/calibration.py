"""How far a model's confidence is from how often it is right, with most of the bias of few examples taken off.

The expected calibration error adds up, over bins of confidence, by how much accuracy and mean confidence differ. Noise
makes every difference larger, so on 100 examples a perfectly calibrated model has an error of about 0.09 (Bröcker 2012,
Kumar et al. 2019). So from the size of a difference of z standard errors (those of a calibrated model)
PULL · exp(-2 z²) standard errors are taken off. The absolute value has no unbiased estimate; of a normal difference
whose true size is 0, 1 and 2 standard errors, this one is off by 0.12, -0.28 and -0.11 standard errors, the plain one
by 0.80, 0.17 and 0.02. It may come out below zero.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.calibration import CALIBRATION_BINS, calibration_bin
from pipeline.comparison.statistics.intervals import Estimates, estimate
from pipeline.comparison.statistics.quantities import TEST, Quantity, kernel_of
from pipeline.comparison.statistics.variation.seeds import no_spread, seed_spread
from pipeline.comparison.statistics.variation.units import Units

Floats = NDArray[np.float64]

PULL = 1.5
TINY = 1e-12


def calibration_quantity(
    confidence: Floats, right: Floats, units: Units, resamples: int, bins: int = CALIBRATION_BINS
) -> Quantity:
    """The calibration error of every candidate, mean over its seeds.

    Args:
        confidence: (C, S, N) probability of the predicted class.
        right: (C, S, N) 0 or 1.
        units: what is drawn again: examples, groups or blocks.
        resamples: of the bootstrap.
        bins: of equal width.
    """
    in_bin = calibration_bin(confidence, bins)[..., None, :] == np.arange(bins)[:, None]  # (C, S, bins, N)
    surplus = (right - confidence)[..., None, :] * in_bin
    noise = np.sqrt(((confidence * (1 - confidence))[..., None, :] * in_bin).sum(axis=3)) / confidence.shape[2]
    by_seed = _sizes(surplus.mean(axis=3), noise).sum(axis=2)  # (C, S)
    filled = in_bin.any(axis=3)
    drawn = units.resampled_means(surplus[filled].T, resamples, TEST)  # (B, filled bins)
    of_candidate = np.nonzero(filled)[0][:, None] == np.arange(len(filled))
    draws = _sizes(drawn, noise[filled]) @ (of_candidate / filled.shape[1])  # (B, C)
    means = by_seed.mean(axis=1)
    spread = seed_spread(by_seed, np.zeros(len(by_seed)))
    # Examples drawn again bring noise of their own, which makes errors larger still: only how they scatter counts.
    return Quantity(means, draws - draws.mean(axis=0) + means, kernel_of(units), spread, units.degrees)


def calibration_change(
    champion: tuple[Floats, Floats],
    challenger: tuple[Floats, Floats],
    units: Units,
    confidence: float,
    resamples: int,
    bins: int = CALIBRATION_BINS,
) -> Estimates:
    """By how much the challenger's calibration error is larger: one contrast, on the same N examples.

    Args:
        champion: its confidence (N,) and whether it is right (N,).
        challenger: likewise.
        units: what is drawn again.
        confidence: of the interval.
        resamples: of the bootstrap.
    """
    both = [np.stack(part)[:, None, :] for part in zip(champion, challenger, strict=True)]
    quantity = replace(calibration_quantity(both[0], both[1], units, resamples, bins), seeds=no_spread(2))
    return estimate(quantity, np.array([[-1.0, 1.0]]), confidence, (-2.0, 2.0))


def _sizes(differences: Floats, noise: Floats) -> Floats:
    """Sizes of the bins' differences, without most of what noise adds to them."""
    size = np.abs(differences)
    return np.asarray(size - PULL * noise * np.exp(-2 * (size / np.maximum(noise, TINY)) ** 2))
