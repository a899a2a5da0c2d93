"""True scores inferred together: what was measured, shrunk by what scores such candidates have.

The best of many is partly the luckiest, so a score that stands out is believed only as far as others of its kind allow.
Candidates come in clusters (probes on one backbone, floors, models that failed), so their true scores are taken to come
from a mixture of a few normal distributions of unknown place, width and share. A chain of draws alternates between
these and the true scores (Gibbs sampling). The measured scores are correlated, since all candidates answer the same
examples; chains start side by side, each with one draw of the variances that are themselves uncertain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.comparison.statistics.intervals import widths
from pipeline.comparison.statistics.quantities import Quantity

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHAINS = 60
SETTLING, KEPT = 60, 60  # steps of each chain before and while its draws count
CLUSTERS = 4
USUAL_WIDTH = 0.03  # scale of the half-Cauchy prior of a cluster's standard deviation
LEAST_VARIANCE = 1e-7  # of a cluster, so that a chain is never caught in it


def draw_true_scores(quantity: Quantity) -> Floats:
    """(D, C) equally likely true scores of all candidates."""
    return shrunken_draws(quantity.means, _covariances(quantity))


def shrunken_draws(measured: Floats, covariances: Floats) -> Floats:
    """(CHAINS · KEPT, C) equally likely true values.

    Args:
        measured: (C,) values.
        covariances: (CHAINS, C, C) of their errors, one for each chain.
    """
    rng = np.random.default_rng(7)
    precision = np.asarray(np.linalg.inv(covariances), np.float64)  # (K, C, C)
    state = _start(measured)
    kept = []
    for step in range(SETTLING + KEPT):
        _draw_clusters(state, measured, rng)
        _draw_scores(state, measured, precision, rng)
        if step >= SETTLING:
            kept.append(state.scores)
    return np.concatenate(kept)


@dataclass
class _State:
    """K chains, C candidates, M clusters."""

    scores: Floats  # (K, C)
    clusters: Integers  # (K, C) which cluster each candidate is of
    centres: Floats  # (K, M)
    variances: Floats  # (K, M)
    scales: Floats  # (K, M) of the variances' priors

    @property
    def own(self) -> tuple[Floats, Floats]:
        """(K, C) centre and variance of each candidate's cluster."""
        centres = np.take_along_axis(self.centres, self.clusters, axis=1)
        return centres, np.take_along_axis(self.variances, self.clusters, axis=1)


def _covariances(quantity: Quantity) -> Floats:
    """(K, C, C) of the measured scores, one for each chain."""
    count = len(quantity.means)
    deviations = quantity.draws - quantity.means
    examples = deviations.T @ deviations / len(deviations) + np.eye(count) * quantity.kernel**2 / 2
    covariances = examples * widths(CHAINS, quantity.degrees)[:, None, None] ** 2
    rows = np.arange(CHAINS) * len(quantity.seeds.draws) // CHAINS
    diagonal = np.arange(count)
    covariances[:, diagonal, diagonal] += quantity.seeds.draws[rows] + 1e-10
    return covariances


def _start(measured: Floats) -> _State:
    """Candidates in clusters by their rank."""
    count, shape = len(measured), (CHAINS, CLUSTERS)
    ranks = np.argsort(np.argsort(measured)) * CLUSTERS // count
    width = np.full(shape, USUAL_WIDTH**2)
    return _State(np.tile(measured, (CHAINS, 1)), np.tile(ranks, (CHAINS, 1)), np.zeros(shape), width, width.copy())


def _draw_clusters(state: _State, measured: Floats, rng: np.random.Generator) -> None:
    """Places, widths and shares of the clusters, and which one each candidate is of, given the true scores."""
    shape = state.centres.shape
    members = state.clusters[..., None] == np.arange(CLUSTERS)  # (K, C, M)
    counts, scores = members.sum(axis=1), state.scores[..., None]
    middle, reach = measured.mean(), max(1.5 * measured.std(), 0.01)
    precision = counts / state.variances + 1 / reach**2
    pulled = ((members * scores).sum(axis=1) / state.variances + middle / reach**2) / precision
    state.centres = pulled + rng.normal(size=shape) / np.sqrt(precision)
    squares = (members * (scores - state.centres[:, None]) ** 2).sum(axis=1)
    state.variances = (1 / state.scales + squares / 2) / rng.gamma((counts + 1) / 2)
    state.variances = np.maximum(state.variances, LEAST_VARIANCE)
    state.scales = (1 / USUAL_WIDTH**2 + 1 / state.variances) / rng.gamma(1.0, size=shape)
    shares = rng.gamma(counts + 1 / CLUSTERS) + 1e-300
    distances = (scores - state.centres[:, None]) ** 2 / (2 * state.variances[:, None])
    log_weights = np.log(shares / np.sqrt(state.variances))[:, None] - distances  # (K, C, M)
    state.clusters = (log_weights + rng.gumbel(size=log_weights.shape)).argmax(axis=2)


def _draw_scores(state: _State, measured: Floats, precision: Floats, rng: np.random.Generator) -> None:
    """The true scores, given the clusters and what was measured."""
    centres, variances = state.own
    diagonal = np.arange(len(measured))
    combined = precision.copy()
    combined[:, diagonal, diagonal] += 1 / variances
    lower = np.linalg.cholesky(combined)
    pulled = np.linalg.solve(lower, (precision @ measured + centres / variances)[..., None])
    noise = rng.normal(size=pulled.shape)
    state.scores = np.linalg.solve(lower.transpose(0, 2, 1), pulled + noise)[..., 0]


def simultaneous_limit(regret: Floats, confidence: float) -> Floats:
    """(C,) limits below which all of `regret` (D, C) lie in `confidence` of the draws, each at the same quantile."""
    ranks = regret.argsort(axis=0).argsort(axis=0).max(axis=1)  # (D,) the highest rank of any candidate in a draw
    level = np.quantile(ranks, confidence) / max(len(regret) - 1, 1)
    return np.asarray(np.quantile(regret, min(level, 1.0), axis=0))
