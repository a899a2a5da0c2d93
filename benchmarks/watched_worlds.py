"""Worlds in which examples change while nobody labels them: one that is made for the estimate, and two that are not.

Each draws examples to learn from, examples to calibrate on, and new ones, which are altered as its name says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.datasets import load_digits

LEARNT, REFERENCE, NEW = 400, 300, 200
NUMBERS = 4  # of an invented example

Floats = NDArray[np.float64]
Part = tuple[Floats, NDArray[np.int64]]  # (N, numbers) inputs and (N,) labels


class World(Protocol):
    """One way in which new examples differ.

    Attributes:
        world: what the examples are.
        name: what has changed.
        concept: whether equal inputs have other labels than before.
        classes: their names.
        tabular: whether each number of the inputs is a column whose drift is tested, as of rows.
    """

    world: ClassVar[str]
    classes: ClassVar[list[str]]
    tabular: ClassVar[bool]

    @property
    def name(self) -> str: ...

    @property
    def concept(self) -> bool: ...

    def parts(self, rng: np.random.Generator) -> list[Part]:
        """LEARNT, REFERENCE and NEW examples; the last ones altered."""


def weights(turned: float = 0.0) -> Floats:
    """(NUMBERS, 3) what three classes hang on; turned by an angle in the plane of the first two numbers."""
    angles = 2 * np.pi * np.arange(3) / 3 + turned
    rows = np.zeros((NUMBERS, 3))
    rows[0], rows[1] = 2.0 * np.cos(angles), 2.0 * np.sin(angles)
    return rows


@dataclass(frozen=True)
class Shift:
    """Three classes alike, by a softmax of linear functions: just what a logistic regression and a calibration fit.

    Attributes:
        inputs: (N, NUMBERS) as they were → as they are.
        turned: by which angle the meaning of the first two numbers has turned.
        shares: how often each class is kept; None: as they come.
    """

    name: str
    inputs: Callable[[Floats], Floats] = lambda inputs: inputs
    turned: float = 0.0
    shares: tuple[float, ...] | None = None
    concept: bool = False
    world: ClassVar[str] = "three classes alike"
    classes: ClassVar[list[str]] = ["a", "b", "c"]
    tabular: ClassVar[bool] = True

    def parts(self, rng: np.random.Generator) -> list[Part]:
        return [USUAL.draw(rng, LEARNT), USUAL.draw(rng, REFERENCE), self.draw(rng, NEW)]

    def draw(self, rng: np.random.Generator, count: int) -> Part:
        many = count if self.shares is None else 8 * count
        inputs = self.inputs(rng.normal(size=(many, NUMBERS)))
        chances = softmax(inputs @ weights(self.turned), axis=1)
        labels = (rng.random((many, 1)) >= chances.cumsum(axis=1)[:, :-1]).sum(axis=1)
        if self.shares is not None:
            kept = np.flatnonzero(rng.random(many) < np.array(self.shares)[labels])[:count]
            inputs, labels = inputs[kept], labels[kept]
        return inputs, labels


USUAL = Shift("none")
SHIFTS = (
    USUAL,
    Shift("harder inputs", lambda inputs: 0.4 * inputs),
    Shift("easier inputs", lambda inputs: 1.8 * inputs),
    Shift("another mixture", lambda inputs: inputs + np.array([-1.0, 0.5, 0.0, 0.0])),
    Shift("an irrelevant number has moved", lambda inputs: inputs + np.array([0.0, 0.0, 1.5, 0.0])),
    Shift("other shares of the classes", shares=(1.0, 0.3, 0.1), concept=True),
    Shift("labels mean something else", turned=0.7, concept=True),
)


@dataclass(frozen=True)
class RareClass:
    """Two classes, one of them rare, which each look as they did and come in other shares (label shift)."""

    name: str
    share: float  # of the second class among new examples
    concept: bool = False
    world: ClassVar[str] = "a rare class"
    classes: ClassVar[list[str]] = ["usual", "rare"]
    tabular: ClassVar[bool] = True
    BEFORE: ClassVar[float] = 0.1

    def parts(self, rng: np.random.Generator) -> list[Part]:
        sizes = ((LEARNT, self.BEFORE), (REFERENCE, self.BEFORE), (NEW, self.share))
        return [self._draw(rng, count, share) for count, share in sizes]

    @staticmethod
    def _draw(rng: np.random.Generator, count: int, share: float) -> Part:
        labels = (rng.random(count) < share).astype(np.int64)
        return rng.normal(size=(count, NUMBERS)) + 0.6 * labels[:, None], labels


@dataclass(frozen=True)
class Digits:
    """Photos of handwritten digits, 8 x 8 pixels, that scikit-learn bundles, of which the new ones are altered.

    Attributes:
        alter: (N, 8, 8) between 0 and 1 → as they are photographed by now.
    """

    name: str
    alter: Callable[[Floats, np.random.Generator], Floats] = lambda photos, rng: photos
    concept: bool = False
    world: ClassVar[str] = "handwritten digits"
    classes: ClassVar[list[str]] = [str(digit) for digit in range(10)]
    tabular: ClassVar[bool] = False

    def parts(self, rng: np.random.Generator) -> list[Part]:
        photos, labels = _digits()
        order = rng.permutation(len(photos))
        learnt, known, new = np.split(order[: LEARNT + REFERENCE + NEW], [LEARNT, LEARNT + REFERENCE])
        shown = [photos[learnt], photos[known], self.alter(photos[new], rng)]
        rows = (learnt, known, new)
        return [(part.reshape(len(part), -1), labels[own]) for part, own in zip(shown, rows, strict=True)]


@cache
def _digits() -> tuple[Floats, NDArray[np.int64]]:
    """(1797, 8, 8) between 0 and 1, and which digit each is."""
    bunch = load_digits()
    return bunch.images / 16, bunch.target.astype(np.int64)


ELSEWHERE: tuple[World, ...] = (
    Digits("none"),
    Digits("moved by one pixel", lambda photos, rng: np.roll(photos, 1, axis=2)),
    Digits("noise", lambda photos, rng: (photos + rng.normal(0, 0.3, photos.shape)).clip(0, 1)),
    Digits("bright and dark exchanged", lambda photos, rng: 1 - photos),
    RareClass("none", RareClass.BEFORE),
    RareClass("the rare class is half of all", 0.5, concept=True),
)
