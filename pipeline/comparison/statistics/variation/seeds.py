"""How much a candidate's score varies between seeds, and how little a few seeds tell of that.

Two or three seeds hardly tell one candidate's spread, but all candidates together tell what spreads are usual. So the
spreads are inferred together: the logarithms of the candidates' variances scatter around a common centre with a common
width, both unknown, in a t-distribution with few degrees of freedom, so that one unstable candidate is neither believed
steady nor makes the others unstable. This is the idea of moderated variances (Smyth 2004) in its robust form (Phipson
et al. 2016), but what remains unknown is not replaced by an estimate: draws of the variances are handed on, and an
interval averages over them. Everything lies on a grid, so the result is exact up to the grid and the same every time.

Intervals and expected regrets ask for different caution. An interval has to hold for the one candidate that varies more
than all others, so its prior leans towards large spreads (CAUTIOUS). What choosing costs is a mean: under a prior that
leans it is told too large wherever candidates vary alike, and most so with two seeds, which hardly speak against it. So
regrets take a prior that does not lean (EVEN).

With one seed the spread is unknown, and nothing can lend one: what the seed did and what the candidate is are one
number. Then every candidate is taken to have ASSUMED_SPREAD, a large one, and the verdict says so: what choosing costs
is told for that and for USUAL_SPREAD.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]

ASSUMED_SPREAD = 0.03  # standard deviation between seeds where one seed leaves it unknown; the most we expect to meet
USUAL_SPREAD = 0.01  # what it often is
NOTHING = 1e-20  # a variance below this is rounding
DRAWS = 2_000  # of the variances
REACH = (1 / 30, 8.0)  # least and largest standard deviation on the grid, in parts of the candidates' root mean square
STEPS = 56  # of the grid of standard deviations
CENTRES = 28  # of the grid of centres
WIDTHS = np.array([0.1, 0.4, 0.8, 1.2, 1.7, 2.4])  # of the logarithms of the variances
USUAL_WIDTH = 0.6  # scale of the half-normal prior of the width
TAILS = 4.0  # degrees of freedom of the candidates' log variances around their centre


@dataclass(frozen=True)
class Prior:
    """What is believed of spreads before any was seen.

    Attributes:
        outliers: share of candidates whose spread is anything above that of the others.
        larger: spreads are as likely as the spread to this power, on a logarithmic scale; 0: all alike.
    """

    outliers: float
    larger: float


CAUTIOUS, EVEN = Prior(outliers=0.15, larger=0.25), Prior(outliers=0.05, larger=0.0)


@dataclass(frozen=True)
class SeedSpread:
    """What the seeds add to the variance of each candidate's mean over its seeds.

    Attributes:
        draws: (J, C) equally likely variances, for intervals.
        even_draws: (J, C) likewise, for what is told as a mean; see above.
    """

    draws: Floats
    even_draws: Floats

    @property
    def variance(self) -> Floats:
        """(C,) the expected variance."""
        return np.asarray(self.draws.mean(axis=0))

    def of(self, contrasts: Floats) -> Floats:
        """(J, K) variances of contrasts (K, C); seeds count as independent between candidates.

        Candidates of one seed share their split, so they can only vary together, which makes a difference surer.
        """
        return np.asarray(self.draws @ (contrasts**2).T)

    def first(self, count: int) -> SeedSpread:
        return replace(self, draws=self.draws[:, :count], even_draws=self.even_draws[:, :count])

    def effects(self, count: int) -> Floats:
        """(count, C) draws of how far off each mean is by its seeds.

        Variances are taken from everywhere, however few draws are asked for, since they stand in the order of how large
        spreads usually are: the first thousand of them are the small ones.
        """
        rng = np.random.default_rng(4)
        rows = rng.permutation(count) * len(self.draws) // count
        levels = (np.arange(count) + 0.5) / count
        normal = np.column_stack([rng.permutation(special.ndtri(levels)) for _ in range(self.draws.shape[1])])
        return np.asarray(normal * np.sqrt(self.draws[rows]))


def no_spread(candidates: int) -> SeedSpread:
    """Of trained models that are taken as given."""
    return known_spread(np.zeros((1, candidates)))


def assumed_spread(candidates: int, spread: float = ASSUMED_SPREAD) -> SeedSpread:
    """Of candidates with one seed."""
    return known_spread(np.full((1, candidates), spread**2))


def known_spread(variances: Floats) -> SeedSpread:
    """
    Args:
        variances: (J, C), the same for intervals and for means.
    """
    return SeedSpread(variances, variances)


def seed_spread(by_seed: Floats, residual: Floats, derived: NDArray[np.bool_] | None = None) -> SeedSpread:
    """
    Args:
        by_seed: (C, S) the quantity for each candidate and seed.
        residual: (C,) the part of the variance between seeds that finitely many examples cause.
        derived: (C,) whether a candidate is made of others, whose seeds it shares. It tells nothing more of what
            spreads are usual, so the others' are what they would be without it. None: none is.
    """
    candidates, seeds = by_seed.shape
    if seeds == 1:
        return assumed_spread(candidates)
    own = by_seed.var(axis=1, ddof=1)
    varies = (own > NOTHING) | (residual > NOTHING)  # a candidate that answers the same with every seed has no spread
    draws = np.zeros((2, DRAWS, candidates))
    if varies.any():
        tells = varies if derived is None or not (varies & ~derived).any() else varies & ~derived
        draws[:, :, varies] = _posterior_draws(own[varies], residual[varies], seeds, tells[varies]) / seeds
    return SeedSpread(*draws)


def _posterior_draws(own: Floats, residual: Floats, seeds: int, tells: NDArray[np.bool_]) -> Floats:
    """(2, DRAWS, C) variances between single seeds under CAUTIOUS and EVEN, given the observed ones `own` (C,).

    Args:
        tells: (C,) whose spreads say what spreads are usual.
    """
    # Seeds that happen to score alike still tell how far apart examples alone would have put them.
    scale = np.sqrt(max(own[tells].mean(), residual[tells].mean()))
    log_variance = 2 * np.log(scale * np.geomspace(*REACH, STEPS))  # (L,)
    expected = np.exp(log_variance) + residual[:, None]  # (C, L)
    log_likelihood = -(seeds - 1) / 2 * (np.log(expected) + own[:, None] / expected)
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    drawn = []
    for prior in (CAUTIOUS, EVEN):
        density, weights = _density(prior, log_variance)  # (H, L), (H,)
        evidence = np.log(weights) + np.log(likelihood[tells] @ density.T).sum(axis=0)  # (H,)
        drawn.append(np.exp(log_variance[_drawn_cells(likelihood, density, evidence)]))
    return np.stack(drawn)


def _density(prior: Prior, log_variance: Floats) -> tuple[Floats, Floats]:
    """(H, L) what the log variances may be for each centre and width, and (H,) the weights of these."""
    centres = np.linspace(log_variance[0], log_variance[-1], CENTRES)
    centre, width = (grid.ravel()[:, None] for grid in np.meshgrid(centres, WIDTHS, indexing="ij"))
    usual = stats.t.pdf((log_variance - centre) / width, TAILS)
    above = np.exp(prior.larger * log_variance / 2) * (log_variance >= centre - 1e-9)
    parts = [part / part.sum(axis=1, keepdims=True) for part in (usual, above)]
    density = (1 - prior.outliers) * parts[0] + prior.outliers * parts[1]
    of_widths = stats.norm.pdf(WIDTHS / USUAL_WIDTH) * np.gradient(WIDTHS)
    weights = np.outer(np.exp(prior.larger * centres / 2), of_widths).ravel()
    return density, weights / weights.sum()


def _drawn_cells(likelihood: Floats, priors: Floats, evidence: Floats) -> NDArray[np.int64]:
    """(DRAWS, C) places on the grid: first a centre and width, then each candidate's variance given these."""
    rng = np.random.default_rng(3)
    levels = (np.arange(DRAWS) + 0.5) / DRAWS
    share = np.exp(evidence - evidence.max()).cumsum()
    hyper = np.searchsorted(share / share[-1], levels)  # (J,), sorted
    cells = np.empty((DRAWS, len(likelihood)), np.int64)
    uniform = np.column_stack([rng.permutation(levels) for _ in likelihood])  # (J, C)
    for place in np.unique(hyper):
        rows = np.flatnonzero(hyper == place)
        posterior = (likelihood * priors[place]).cumsum(axis=1)  # (C, L)
        posterior /= posterior[:, -1:]
        cells[rows] = (posterior[None] < uniform[rows, :, None]).sum(axis=2)
    return np.minimum(cells, likelihood.shape[1] - 1)
