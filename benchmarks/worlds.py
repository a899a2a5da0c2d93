"""Simulated comparisons with known truth, made in ways that the statistics of `compare` do not assume.

A candidate is right on an example when shared ease + ease of its family + its own ease + noise of the trial + the
seed's effect exceeds a level (a probit model), so candidates are correlated and every accuracy is met exactly, whatever
is switched on: families, groups of examples, errors that depend on those before them, heavy-tailed seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Structure:
    """What breaks the assumptions.

    Attributes:
        family_size: candidates in a row that share what they find hard; 0: none do.
        family_share: correlation of their own ease within a family.
        shared_seeds: share of the variance of seed effects that a family has in common.
        group_size: examples in a row that belong together; 1: each is on its own.
        group_share: part of an example's ease that its group decides (intra-class correlation).
        autoregression: of the ease of examples that follow one another.
        tails: degrees of freedom of the seed effects' t-distribution; infinite: normal.
    """

    family_size: int = 0
    family_share: float = 0.9
    shared_seeds: float = 0.0
    group_size: int = 1
    group_share: float = 0.0
    autoregression: float = 0.0
    tails: float = np.inf

    def groups(self, examples: int) -> Integers | None:
        return None if self.group_size == 1 else np.arange(examples) // self.group_size

    def order(self, examples: int) -> Integers | None:
        return np.arange(examples) if self.autoregression else None

    def families(self, candidates: int) -> Integers:
        return np.arange(candidates) // (self.family_size or 1)


def contributions(
    accuracies: Floats,
    seeds: int,
    examples: int,
    spread: float | Floats,
    rng: np.random.Generator,
    structure: Structure | None = None,
) -> Floats:
    """(C, S, N) of 0 and 1; the arguments are those of `trained`."""
    return trained(accuracies, seeds, examples, spread, rng, structure or Structure())[0]


def trained(
    accuracies: Floats,
    seeds: int,
    examples: int,
    spread: float | Floats,
    rng: np.random.Generator,
    structure: Structure,
) -> tuple[Floats, Floats]:
    """(C, S, N) of 0 and 1, and (C, S) the true accuracy of each trained model.

    Args:
        accuracies: (C,) true ones, over all examples and seeds.
        spread: standard deviation between seeds in accuracy, of all candidates or of each (C,).
    """
    accuracies = np.asarray(accuracies, dtype=np.float64)
    count, families = len(accuracies), structure.families(len(accuracies))
    ease = np.sqrt(2 / 3) * _ease(families, examples, structure, rng)  # (C, 1, N)
    noise = np.sqrt(1 / 3) * rng.normal(size=(count, seeds, examples))
    level = special.ndtri(accuracies)
    slope = np.exp(-(level**2) / 2) / np.sqrt(2 * np.pi)  # accuracy per unit of the latent sum, of variance 1
    effect = np.broadcast_to(np.asarray(spread, dtype=np.float64), (count,)) / np.maximum(slope, 1e-3)
    moved = effect[:, None] * _seed_effects(families, seeds, structure, rng)
    reach = (level * np.sqrt(1 + effect**2))[:, None] + moved  # (C, S)
    return (ease + noise + reach[..., None] > 0).astype(np.float64), np.asarray(special.ndtr(reach))


def _ease(families: Integers, examples: int, structure: Structure, rng: np.random.Generator) -> Floats:
    """(C, 1, N) of variance 1, half of it shared by all candidates."""
    own = _correlated(len(families), examples, structure, rng)
    if structure.family_size:
        common = _correlated(families.max() + 1, examples, structure, rng)[families]
        own = np.sqrt(structure.family_share) * common + np.sqrt(1 - structure.family_share) * own
    shared = _correlated(1, examples, structure, rng)
    return (np.sqrt(0.5) * (shared + own))[:, None, :]


def _correlated(rows: int, examples: int, structure: Structure, rng: np.random.Generator) -> Floats:
    """(rows, N) of variance 1, correlated within groups or along time."""
    own = rng.normal(size=(rows, examples))
    if structure.group_size > 1:
        groups = np.arange(examples) // structure.group_size
        common = rng.normal(size=(rows, groups.max() + 1))[:, groups]
        return np.sqrt(structure.group_share) * common + np.sqrt(1 - structure.group_share) * own
    for step in range(1, examples if structure.autoregression else 0):
        own[:, step] *= np.sqrt(1 - structure.autoregression**2)
        own[:, step] += structure.autoregression * own[:, step - 1]
    return own


def _seed_effects(families: Integers, seeds: int, structure: Structure, rng: np.random.Generator) -> Floats:
    """(C, S) of variance 1."""

    def drawn(rows: int) -> Floats:
        if np.isinf(structure.tails):
            return rng.normal(size=(rows, seeds))
        return rng.standard_t(structure.tails, (rows, seeds)) / np.sqrt(structure.tails / (structure.tails - 2))

    shared = structure.shared_seeds
    return np.sqrt(1 - shared) * drawn(len(families)) + np.sqrt(shared) * drawn(int(families.max()) + 1)[families]
