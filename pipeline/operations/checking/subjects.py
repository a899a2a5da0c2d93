"""A candidate as its check sees it: something that is trained on made-up examples, saved, loaded and asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.store.prepared import Prepared
from pipeline.evaluation.answers.models import load_models
from pipeline.models.archive import read_model

Weights = dict[str, list[np.ndarray]]  # by layer


@dataclass(frozen=True)
class Phase:
    """One stretch of training, and what it says of the layers.

    Attributes:
        name: such as "phase 2 (top 1)".
        frozen: layers that it leaves as they are, to the last bit.
        trained: groups of layers, in each of which something moves.
    """

    name: str
    frozen: Sequence[str]
    trained: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Trained:
    """What one training left.

    Attributes:
        model: in memory; takes raw inputs.
        snapshots: all weights before the first phase, and after each.
        answers: of the model in memory, about all examples.
    """

    model: Any
    snapshots: list[Weights]
    answers: np.ndarray


class Subject(ABC):
    """One candidate.

    Attributes:
        examples: what it is trained on and asked about.
        phases: what it is trained in; empty where nothing is frozen.
        suffix: of the file that its model is saved in.
    """

    examples: Prepared
    phases: Sequence[Phase]
    suffix: str

    @abstractmethod
    def train(self) -> Trained:
        """Train it anew, from where it starts and with the same seed; it may be the same model in memory each time."""

    @abstractmethod
    def save(self, model: Any, path: Path) -> None:
        """As its stage saves it."""

    def asking(self) -> AbstractContextManager[None]:
        """How its models are asked, in memory and loaded: answers of two ways may differ in their last bits."""
        return nullcontext()

    def load(self, path: Path) -> Any:
        """As evaluation loads it."""
        (model,) = load_models([path], read_model)
        return model
