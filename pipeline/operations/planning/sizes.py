"""How many examples there are to learn from and to test on, as far as is known before `prepare` has run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.datasets.sources.photos import SOURCES
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET
from pipeline.params.data import Data

UNKNOWN = 1000  # examples, where nobody has counted them
PREPARED_SOURCES = {"groceries": (732, 661)}  # what `prepare` keeps of a source that brings a test split of its own


@dataclass(frozen=True)
class Sizes:
    """
    Attributes:
        development: examples to learn from, validation included.
        test: sealed ones.
        certain: whether `prepare` has counted them.
    """

    development: int
    test: int
    certain: bool = False


def sizes_of(data: Data, checkout: Path = Path(), examples: int | None = None) -> Sizes:
    """
    Args:
        examples: how many there are in all, where that is known better than from data/prepared.
    """
    prepared = checkout / DATASET
    if examples is None and prepared.is_file():
        counted = read_json(prepared)["sizes"]
        return Sizes(_limited(counted["development"], data), _limited(counted["test"], data), certain=True)
    if examples is None and data.fetch and data.fetch[0] in PREPARED_SOURCES:
        development, test = PREPARED_SOURCES[data.fetch[0]]
    else:
        total = examples or _photos_of_source(data) or UNKNOWN
        test = round(total * data.test_fraction)
        development = total - test
    return Sizes(_limited(development, data), _limited(test, data))


def _photos_of_source(data: Data) -> int | None:
    source = SOURCES.get(data.fetch[0]) if data.fetch else None
    return source.photos if source else None


def _limited(number: int, data: Data) -> int:
    return number if data.limit is None else min(number, data.limit)
