"""An ensemble: a candidate that is made of trained ones, with the models that it averages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from pipeline.comparison.tables.measurements import Measured
from pipeline.params.compare import ENSEMBLE, EnsembleKind
from pipeline.params.training.candidates import Candidate

GREEDY = Candidate(ENSEMBLE, "greedy")


@dataclass(frozen=True)
class Part:
    """A trained model and its share of an ensemble's answer; the shares add up to 1."""

    candidate: str
    seed: int
    weight: float


@dataclass(frozen=True)
class Validated:
    """How soups of each two of a candidate's seeds did on what both validated on, beside these seeds' own networks.

    Attributes:
        examples: of all pairs of seeds together.
        loss: of the soups, over the examples of all pairs; the mean log loss, or squared error of numbers.
        members_loss: of the seeds' networks on the same examples.
    """

    examples: int
    loss: float
    members_loss: float

    @property
    def holds(self) -> bool:
        """Whether a soup may compete: validation was seen, and did not fall."""
        return self.examples > 0 and self.loss <= self.members_loss


@dataclass(frozen=True)
class Ensemble(Measured):
    """What `compare` made of trained candidates, as if it had been trained and evaluated itself.

    An ensemble of seeds is one model, whatever the seed, and so is a soup: its answers stand in `predictions` once for
    each seed, all alike. The greedy one is averaged seed by seed, so its seeds differ as those of any candidate do.

    Attributes:
        kind: what is averaged.
        members: candidate → its share, the largest first.
        parts: the models that answer when it is served.
        left_out: of an ensemble of seeds and of a soup, what it answers on test examples without each seed's model:
            seed (which is left out), example, label, predicted and p_0 … p_k; None for the greedy one.
    """

    kind: EnsembleKind = "seeds"
    members: Mapping[str, float] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    left_out: pd.DataFrame | None = None

    @property
    def is_of_seeds(self) -> bool:
        """Whether it is made of all seeds of one candidate, so that it is one model whatever the seed."""
        return self.kind != "greedy"

    @property
    def trainings_of_each(self) -> int:
        """How many models of each member were trained for it."""
        return len(self.seeds) if self.is_of_seeds else 1

    @property
    def models_of_each(self) -> int:
        """How many models of each member answer; of a soup the one that was made of them."""
        return len(self.parts) // len(self.members)

    @property
    def leading(self) -> str:
        """The member with the largest share."""
        return next(iter(self.members))


def ensemble_of_seeds(candidate: str) -> Candidate:
    """What competes as the mean over a candidate's seeds."""
    return Candidate(ENSEMBLE, f"seeds-{candidate}")


def fingerprint_of(kind: EnsembleKind, parts: Sequence[Part], fingerprints: Mapping[str, str]) -> str:
    """SHA-256 over the models and their shares.

    Args:
        fingerprints: of each member, and of a soup, which has a trial.json of its own.
    """
    content: list[Any] = [kind, [asdict(part) for part in parts], dict(fingerprints)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
