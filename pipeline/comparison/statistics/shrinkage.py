"""True scores inferred together: what was measured, shrunk by what scores such candidates have.

The best of many is partly the luckiest, so a score that stands out is believed only as far as others of its kind allow.
Candidates come in clusters (probes on one backbone, floors, models that failed), so their true scores are taken to come
from a mixture of a few normal distributions of unknown place, width and share. What width is usual is unknown as well:
three probes on one backbone may be a tenth of a point apart, other candidates three points. A chain of draws alternates
between these and the true scores (Gibbs sampling). The measured scores are correlated, since all candidates answer the
same examples; chains start side by side, each with one draw of the variances that are themselves uncertain.
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
SETTLING, KEPT = 30, 60  # steps of each chain before and while its draws count
CLUSTERS = 4
USUAL_WIDTHS = np.geomspace(0.002, 0.06, 12)  # scales of the half-Cauchy prior of a cluster's standard deviation
LEAST_VARIANCE = 1e-7  # of a cluster, so that a chain is never caught in it


def draw_true_scores(quantity: Quantity, seed_variances: Floats) -> Floats:
    """(D, C) equally likely true scores of all candidates.

    Args:
        seed_variances: (J, C) equally likely ones: those of the quantity that lean to large spreads, or the even ones.
    """
    return shrunken_draws(quantity.means, error_covariances(quantity, seed_variances))


def shrunken_draws(measured: Floats, covariances: Floats) -> Floats:
    """(CHAINS · KEPT, C) equally likely true values.

    Args:
        measured: (C,) values.
        covariances: (CHAINS, C, C) of their errors, one for each chain.
    """
    rng = np.random.default_rng(7)
    errors = _errors(covariances, rng)
    state, place = _start(measured), _Place(float(measured.mean()), max(1.5 * float(measured.std()), 0.01))
    kept = []
    for step in range(SETTLING + KEPT):
        _draw_clusters(state, place, rng)
        _draw_scores(state, measured - errors[step], covariances, rng)
        if step >= SETTLING:
            kept.append(state.scores)
    return np.concatenate(kept)


@dataclass(frozen=True)
class _Place:
    """Where clusters are to be expected: mean and standard deviation of the normal prior of their centres."""

    middle: float
    reach: float


@dataclass
class _State:
    """K chains, C candidates, M clusters."""

    scores: Floats  # (K, C)
    clusters: Integers  # (K, C) which cluster each candidate is of
    centres: Floats  # (K, M)
    variances: Floats  # (K, M)
    scales: Floats  # (K, M) of the variances' priors
    widths: Floats  # (K, M) scales of the standard deviations' priors, of USUAL_WIDTHS

    @property
    def own(self) -> tuple[Floats, Floats]:
        """(K, C) centre and variance of each candidate's cluster."""
        centres = np.take_along_axis(self.centres, self.clusters, axis=1)
        return centres, np.take_along_axis(self.variances, self.clusters, axis=1)


def error_covariances(quantity: Quantity, seed_variances: Floats) -> Floats:
    """(K, C, C) of the measured scores, one for each chain."""
    count = len(quantity.means)
    deviations = quantity.draws - quantity.means
    examples = deviations.T @ deviations / len(deviations) + np.eye(count) * quantity.kernel**2 / 2
    covariances = examples * widths(CHAINS, quantity.degrees)[:, None, None] ** 2
    rows = np.arange(CHAINS) * len(seed_variances) // CHAINS
    diagonal = np.arange(count)
    covariances[:, diagonal, diagonal] += seed_variances[rows] + 1e-10
    return covariances


def _errors(covariances: Floats, rng: np.random.Generator) -> Floats:
    """(SETTLING + KEPT, K, C) draws of how far off the measured values may be, for each step of each chain."""
    chains, candidates = covariances.shape[:2]
    normal = rng.normal(size=(chains, candidates, SETTLING + KEPT))
    return np.asarray((np.linalg.cholesky(covariances) @ normal).transpose(2, 0, 1))


def _start(measured: Floats) -> _State:
    """Candidates in clusters by their rank."""
    count, shape = len(measured), (CHAINS, CLUSTERS)
    ranks = np.argsort(np.argsort(measured)) * CLUSTERS // count
    widths = np.full(shape, np.sqrt(USUAL_WIDTHS[0] * USUAL_WIDTHS[-1]))
    variances = widths**2
    scores, clusters = np.tile(measured, (CHAINS, 1)), np.tile(ranks, (CHAINS, 1))
    return _State(scores, clusters, np.zeros(shape), variances, variances.copy(), widths)


def _draw_clusters(state: _State, place: _Place, rng: np.random.Generator) -> None:
    """Places, widths and shares of the clusters, and which one each candidate is of, given the true scores.

    A half-Cauchy distribution of a standard deviation is drawn in two steps, of its variance given a scale and of that
    scale (Gelman 2006; Makalic and Schmidt 2016), whose own width is drawn from all that are possible.
    """
    shape = state.centres.shape
    members = state.clusters[..., None] == np.arange(CLUSTERS)  # (K, C, M)
    counts, scores = members.sum(axis=1), state.scores[..., None]
    precision = counts / state.variances + 1 / place.reach**2
    pulled = ((members * scores).sum(axis=1) / state.variances + place.middle / place.reach**2) / precision
    state.centres = pulled + rng.normal(size=shape) / np.sqrt(precision)
    squares = (members * (scores - state.centres[:, None]) ** 2).sum(axis=1)
    state.variances = (1 / state.scales + squares / 2) / rng.gamma((counts + 1) / 2)
    state.variances = np.maximum(state.variances, LEAST_VARIANCE)
    state.scales = (1 / state.widths**2 + 1 / state.variances) / rng.gamma(1.0, size=shape)
    log_weights = -np.log(USUAL_WIDTHS) - 1 / (state.scales[..., None] * USUAL_WIDTHS**2)  # (K, M, L)
    state.widths = USUAL_WIDTHS[_drawn_places(log_weights, rng)]
    shares = rng.gamma(counts + 1 / CLUSTERS) + 1e-300
    distances = (scores - state.centres[:, None]) ** 2 / (2 * state.variances[:, None])
    log_shares = np.log(shares / np.sqrt(state.variances))[:, None] - distances  # (K, C, M)
    state.clusters = _drawn_places(log_shares, rng)


def _drawn_places(log_weights: Floats, rng: np.random.Generator) -> Integers:
    """(K, L) places drawn with these weights (K, L, P): the first to ring of alarms that ring at such rates."""
    rates = np.exp(log_weights - log_weights.max(axis=2, keepdims=True))
    return np.asarray((rates / rng.standard_exponential(rates.shape)).argmax(axis=2))


def _draw_scores(state: _State, measured: Floats, covariances: Floats, rng: np.random.Generator) -> None:
    """The true scores, given the clusters and what was measured.

    True scores and measurements are drawn as if nothing were known, and corrected by as much as the measurements came
    out wrong (Matheron's rule; Hoffman and Ribak 1991). That takes one system of equations to solve, where a draw from
    the conditional distribution itself takes two and a factorisation.

    Args:
        measured: (K, C) less a draw of its errors.
        covariances: (K, C, C) of these errors.
    """
    centres, variances = state.own
    supposed = centres + np.sqrt(variances) * rng.normal(size=centres.shape)
    diagonal = np.arange(centres.shape[1])
    total = covariances.copy()
    total[:, diagonal, diagonal] += variances
    state.scores = supposed + variances * np.linalg.solve(total, (measured - supposed)[..., None])[..., 0]


def simultaneous_limit(regret: Floats, confidence: float) -> Floats:
    """(C,) limits below which all of `regret` (D, C) lie in `confidence` of the draws, each at the same quantile."""
    ranks = regret.argsort(axis=0).argsort(axis=0).max(axis=1)  # (D,) the highest rank of any candidate in a draw
    level = np.quantile(ranks, confidence) / max(len(regret) - 1, 1)
    return np.asarray(np.quantile(regret, min(level, 1.0), axis=0))
