"""What is drawn again in the bootstrap: single examples, whole groups, or blocks of a series.

Examples that belong together (photos of one patient, copies of one thing) tell less than as many independent ones, so a
group is drawn as a whole. The errors of a series depend on those before them, so stretches of it are drawn: blocks of
one length, wrapped around at the end (Politis and Romano 1992), long enough for the errors' autocorrelation.

Intervals rest on the number of units, not of examples. With few of them the bootstrap's variance is too small by one
unit in all, which is made good here, and is itself uncertain, which `degrees` tells the intervals (Hesterberg 2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.comparison.statistics.variation.autocorrelation import Blocks, blocks_for

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RESAMPLES_AT_ONCE = 256
KEPT_DRAWS = 20_000_000  # numbers of two bytes, for each of the last few sets of units


@dataclass(frozen=True)
class Strata:
    """Parts of a test set that decide on parts of a score, however few examples they have.

    Attributes:
        numbers: (N,) which stratum each example is of.
        parts: (K,) by how much the score would change at most with all of a stratum's examples.
    """

    numbers: Integers
    parts: Floats


@dataclass(frozen=True)
class _Stratum:
    """One of them: the places of its examples (n,), the units that these are of (n,), and its part of the score."""

    rows: Integers
    units: Integers
    part: float

    @property
    def count(self) -> float:
        return float(self.units.max() + 1)

    @property
    def share(self) -> float:
        """One example's share of the score, as `Units.least_share` has it."""
        return float(self.part / np.sqrt(len(self.rows) * self.count))

    def variance(self, values: Floats) -> float:
        """Of the sum of its values, from all values (C, N), as a mean over C."""
        inside = values[:, self.rows]
        sums = np.zeros((int(self.count), len(values)))
        np.add.at(sums, self.units, (inside - inside.mean(axis=1, keepdims=True)).T)
        return float(np.square(sums).sum(axis=0).mean())


@dataclass(frozen=True)
class Units:
    """N examples in units.

    Attributes:
        numbers: (N,) which unit each example belongs to, 0 to U - 1; of a series, its place in time.
        blocks: of a series; None where units are drawn as they are.
        strata: of which the score is made, such as classes that count alike; None where all examples count alike.
    """

    numbers: Integers
    blocks: Blocks | None = None
    strata: Strata | None = None

    @property
    def examples(self) -> int:
        return len(self.numbers)

    @property
    def count(self) -> float:
        """How many independent units there are; of a series, how many blocks it has room for."""
        if self.blocks is not None:
            return self.examples / self.blocks.length
        return float(self.numbers.max() + 1)

    @property
    def degrees(self) -> float:
        """Degrees of freedom of a variance that is measured on these units, where all examples count alike."""
        return max(self.count - 1.0, 1.0)

    @property
    def least_share(self) -> float:
        """One example's share of the mean; of groups and blocks, the geometric mean of an example's and a unit's share.

        Of strata, the share of an example of the stratum where it is largest.
        """
        if self.strata is None:
            return float(1 / np.sqrt(self.examples * self.count))
        return max(each.share for each in self._each_stratum())

    def degrees_of(self, values: Floats) -> float:
        """Degrees of freedom of the variance of differences between means of values (C, N).

        Of strata by Satterthwaite (1946): a class of three examples that decides on the score leaves it about two.
        """
        if self.strata is None:
            return self.degrees
        differences = values - values.mean(axis=0) if len(values) > 1 else values
        strata = self._each_stratum()
        variances = np.array([each.variance(differences) / self.examples**2 + each.share**2 for each in strata])
        degrees = np.array([max(each.count - 1.0, 1.0) for each in strata])
        return float(variances.sum() ** 2 / (variances**2 / degrees).sum())

    @property
    def small(self) -> float:
        """By how much the variance of resampled means is too small, because their own mean is measured too."""
        return self.count / max(self.count - 1.0, 0.5)

    def resampled_means(self, values: Floats, resamples: int, stream: int, weights: Floats | None = None) -> Floats:
        """Means over units drawn with replacement, around the mean of all, moved apart as far as `small` asks for.

        Args:
            values: (N, K).
            resamples: B.
            stream: sets of as many units with the same stream are drawn alike.
            weights: (N, K) how much each value counts, at least 0; None: all alike.

        Returns:
            (B, K).
        """
        shares = np.ones((len(values), 1)) if weights is None else weights
        sums = [self._sums(values if weights is None else values * weights), self._sums(shares)]
        means = sums[0].sum(axis=0) / sums[1].sum(axis=0)
        drawn, share = self._drawn(sums, resamples, stream)
        with np.errstate(invalid="ignore", divide="ignore"):
            deviation = np.where(share > 0, drawn / share - means, 0.0) * np.sqrt(self.small)
        if self.blocks is not None:
            deviation = self.blocks.stretched(deviation)
        return np.asarray(means + deviation - deviation.mean(axis=0))

    def variance_of_mean(self, deviations: Floats) -> Floats:
        """(...,) the variance of the mean of (..., N) deviations around zero, as these units let it vary."""
        sums = self._sums(np.moveaxis(deviations, -1, 0))  # (U, ...)
        times = 1 if self.blocks is None else self.blocks.length  # each step of a series stands in so many blocks
        return np.asarray((sums**2).sum(axis=0) * self.small / times / self.examples**2)

    def _each_stratum(self) -> list[_Stratum]:
        assert self.strata is not None
        numbers = self.numbers if self.blocks is None else self.numbers // self.blocks.length
        strata = []
        for k in np.unique(self.strata.numbers):
            rows = np.flatnonzero(self.strata.numbers == k)
            strata.append(_Stratum(rows, np.unique(numbers[rows], return_inverse=True)[1], float(self.strata.parts[k])))
        return strata

    def disjoint_sums(self, values: Floats) -> Floats:
        """(N, K) → (U, K) sums over units that share no example; a series is cut into blocks one after another."""
        numbers = self.numbers if self.blocks is None else self.numbers // self.blocks.length
        sums = np.zeros((int(numbers.max()) + 1, values.shape[1]))
        np.add.at(sums, numbers, values)
        return sums

    def _sums(self, values: Floats) -> Floats:
        """(N, ...) → (U, ...) sums over each unit; of a series, over the block that begins at each step."""
        if self.blocks is None:
            sums = np.zeros((int(self.count), *values.shape[1:]))
            np.add.at(sums, self.numbers, values)
            return sums
        length, ordered = self.blocks.length, values[np.argsort(self.numbers)]
        wrapped = np.concatenate([np.zeros((1, *values.shape[1:])), ordered, ordered[:length]]).cumsum(axis=0)
        return np.asarray(wrapped[length : length + len(values)] - wrapped[: len(values)])

    def _drawn(self, sums: list[Floats], resamples: int, stream: int) -> list[Floats]:
        """Sums over units drawn with replacement: (B, K) for each of `sums`, (U, K)."""
        units = len(sums[0])
        taken = units if self.blocks is None else max(round(self.count), 1)
        drawn = _kept_draws if resamples * units <= KEPT_DRAWS else _draws
        together = np.concatenate(sums, axis=1)
        parts = [times.astype(np.float64) @ together for times in drawn(stream, units, taken, resamples)]
        return np.split(np.concatenate(parts), [sums[0].shape[1]], axis=1)


def _draws(stream: int, units: int, taken: int, resamples: int) -> Iterator[NDArray[np.uint16]]:
    """(b, units) how often each unit is drawn in each of the next b resamples, the same every time."""
    rng = np.random.default_rng([stream, units])
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        rows = min(RESAMPLES_AT_ONCE, resamples - start)
        # Counted, since numpy draws the same numbers of times (rng.multinomial) eight times as slowly.
        drawn = rng.integers(units, size=(rows, taken)) + units * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units).astype(np.uint16)


@lru_cache(maxsize=4)
def _kept_draws(stream: int, units: int, taken: int, resamples: int) -> tuple[NDArray[np.uint16], ...]:
    """Most quantities of a comparison are of the same examples, and drawing takes most of a bootstrap's time."""
    return tuple(_draws(stream, units, taken, resamples))


def single_examples(count: int) -> Units:
    return Units(np.arange(count))


def whole_groups(groups: Integers) -> Units:
    """
    Args:
        groups: (N,) any numbers, equal for examples that belong together.
    """
    return Units(np.unique(groups, return_inverse=True)[1].astype(np.int64))


def series_in_blocks(order: Integers, contributions: Floats) -> Units:
    """
    Args:
        order: (N,) any numbers that grow with time.
        contributions: (C, S, N), whose autocorrelation says how long blocks have to be.
    """
    places = np.argsort(np.argsort(order, kind="stable")).astype(np.int64)
    return Units(places, blocks_for(contributions.mean(axis=1)[:, np.argsort(places)]))


def units_of(contributions: Floats, groups: Integers | None = None, order: Integers | None = None) -> Units:
    """The units of (C, S, N) contributions: groups where there are some, else blocks where there is an order."""
    if groups is not None:
        return whole_groups(groups)
    return single_examples(contributions.shape[2]) if order is None else series_in_blocks(order, contributions)
