"""What a model answers to whole photos, and how much of that is left where it answers to other versions of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Answers(Protocol):
    """The answers to N whole photos."""

    def left(self, outputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """(…, N, outputs) what the model says of versions of the photos → (…, N); 1: its answer is what it was."""
        ...

    def described(self, number: int) -> dict[str, Any]:
        """The answer to one photo, for a file: `predicted`, and what there is to say of it."""
        ...


@dataclass(frozen=True)
class ClassAnswers:
    """Of a version, the share of the confidence that is left; 0: the class is ruled out.

    Attributes:
        classes: (N,) the class that is predicted for each whole photo.
        confidence: (N,) its probability.
    """

    classes: NDArray[np.int64]
    confidence: NDArray[np.float64]

    def left(self, outputs: NDArray[np.floating]) -> NDArray[np.float64]:
        said = outputs[..., np.arange(len(self.classes)), self.classes]
        return np.asarray(said / np.maximum(self.confidence, 1e-9), dtype=np.float64)

    def described(self, number: int) -> dict[str, Any]:
        return {"predicted": int(self.classes[number]), "probability": float(self.confidence[number])}


@dataclass(frozen=True)
class NumberAnswers:
    """Of a version, 1 minus by how much the number changes, up or down; there is no lower bound.

    Attributes:
        numbers: (N,) what is predicted for each whole photo.
        unit: the change that leaves nothing, one for all candidates: the standard deviation of the true numbers.
    """

    numbers: NDArray[np.float64]
    unit: float

    def left(self, outputs: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(1 - np.abs(outputs[..., 0] - self.numbers) / self.unit, dtype=np.float64)

    def described(self, number: int) -> dict[str, Any]:
        return {"predicted": float(self.numbers[number])}


def answers_of(outputs: NDArray[np.float64], unit: float | None) -> Answers:
    """
    Args:
        outputs: (N, classes) probabilities, or (N, 1) numbers.
        unit: of the numbers; None where the model tells classes apart.
    """
    if unit is None:
        return ClassAnswers(outputs.argmax(axis=1), outputs.max(axis=1))
    return NumberAnswers(outputs[:, 0], unit)
