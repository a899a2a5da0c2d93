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
class Ensemble(Measured):
    """What `compare` made of trained candidates, as if it had been trained and evaluated itself.

    An ensemble of seeds is one model, whatever the seed: its answers stand in `predictions` once for each seed, all
    alike. The greedy one is averaged seed by seed, so its seeds differ as those of any candidate do.

    Attributes:
        kind: what is averaged.
        members: candidate → its share, the largest first.
        parts: the models that answer when it is served.
        left_out: of an ensemble of seeds, what it answers on test examples without each seed's model: seed (which is
            left out), example, label, predicted and p_0 … p_k; None for the greedy one.
    """

    kind: EnsembleKind = "seeds"
    members: Mapping[str, float] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    left_out: pd.DataFrame | None = None

    @property
    def models_of_each(self) -> int:
        """How many models of each member answer."""
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
        fingerprints: of each member.
    """
    content: list[Any] = [kind, [asdict(part) for part in parts], dict(fingerprints)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
