"""What the probabilities of a champion mean, by examples whose labels are known.

One slope and one offset a class: softmax(slope * log p + offsets), the bias-corrected temperature scaling of
Alexandari, Kundaje and Shrikumar (ICML 2020), around the model's own probabilities (slope 1, offsets 0), with as much
uncertainty as so few examples leave (Laplace's approximation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax

from pipeline.tasks import SMALLEST_PROBABILITY

Floats = NDArray[np.float64]

DRAWS = 400  # of labels, each from a calibration of its own
NUMBERS_AT_ONCE = 4_000_000  # of probabilities that are drawn at a time: bounds the memory


class Answered(Protocol):
    """Examples as one model answers them."""

    @property
    def probabilities(self) -> NDArray[np.floating]:
        """(N, classes)."""

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(N,) class numbers, by the model's rule."""

    @property
    def groups(self) -> NDArray[np.int64] | None:
        """(N,) equal for examples that belong together; None where each is on its own."""


class Labelled(Answered, Protocol):
    """Such examples with their labels."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) class numbers."""


@dataclass(frozen=True)
class Calibration:
    """What probabilities mean, by test examples.

    Attributes:
        mode: (1 + classes,) logarithm of the slope, so that no draw turns an order around, and offsets.
        spread: (1 + classes, 1 + classes) a square root of their covariance.
    """

    mode: Floats
    spread: Floats

    def draw(self, given: NDArray[np.floating]) -> Iterator[Floats]:
        """(b, N, classes) calibrated probabilities, each of the b by parameters of its own; DRAWS in all.

        The parameters are the same whatever examples are asked about, so that differences are told from equal ones.

        Args:
            given: (N, classes), as the model says them.
        """
        rng, logs = np.random.default_rng(8), log_probabilities(given)
        at_once = max(NUMBERS_AT_ONCE // logs.size, 1)
        parameters = self.mode + rng.normal(size=(DRAWS, len(self.mode))) @ self.spread.T
        for start in range(0, DRAWS, at_once):
            some = parameters[start : start + at_once]
            yield np.asarray(softmax(np.exp(some[:, :1, None]) * logs + some[:, None, 1:], axis=2))

    def expected(self, given: NDArray[np.floating]) -> Floats:
        """(N, classes) calibrated probabilities, by the most probable parameters."""
        return np.asarray(softmax(np.exp(self.mode[0]) * log_probabilities(given) + self.mode[1:], axis=1))


def calibrate(reference: Labelled) -> Calibration:
    """Slope and offsets by maximum a posteriori; every group of examples counts as one example.

    A normal prior with a standard deviation of 1 around the model's own probabilities keeps the slope finite where
    everything is right, and so it does the offset of a class that has no example.
    """
    logs, weights = log_probabilities(reference.probabilities), _weights(reference.groups, len(reference.labels))
    truth = np.eye(logs.shape[1])[reference.labels]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slope = np.exp(parameters[0])
        logits = slope * logs + parameters[1:]
        highest = logits.max(axis=1, keepdims=True)
        odds = np.exp(logits - highest)
        total = odds.sum(axis=1, keepdims=True)
        misfit = (np.log(total) + highest)[:, 0] - (truth * logits).sum(axis=1)
        off = weights[:, None] * (odds / total - truth)  # (N, classes)
        gradient = np.array([slope * (off * logs).sum(), *off.sum(axis=0)])
        return float((weights * misfit).sum() + np.square(parameters).sum() / 2), gradient + parameters

    mode = minimize(loss, np.zeros(1 + logs.shape[1]), jac=True, method="L-BFGS-B").x
    covariance = np.linalg.inv(_curvature(mode, logs, weights))
    return Calibration(mode, np.linalg.cholesky(covariance))


def log_probabilities(given: NDArray[np.floating]) -> Floats:
    """(N, classes); none counts as smaller than training lets it."""
    return np.log(np.clip(given.astype(np.float64), SMALLEST_PROBABILITY, 1.0))


def _curvature(parameters: Floats, logs: Floats, weights: Floats) -> Floats:
    """Expected second derivatives of what `calibrate` minimises."""
    scaled = np.exp(parameters[0]) * logs
    given = softmax(scaled + parameters[1:], axis=1)
    weighed = weights[:, None] * given
    centred = scaled - (given * scaled).sum(axis=1, keepdims=True)
    curvature = np.eye(len(parameters))
    curvature[0, 0] += (weighed * np.square(centred)).sum()
    curvature[0, 1:] += (weighed * centred).sum(axis=0)
    curvature[1:, 0] += (weighed * centred).sum(axis=0)
    curvature[1:, 1:] += np.diag(weighed.sum(axis=0)) - weighed.T @ given
    return curvature


def _weights(groups: NDArray[Any] | None, count: int) -> Floats:
    """(N,) which sum to one in each group."""
    if groups is None:
        return np.ones(count)
    _, places, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(1 / sizes[places])
