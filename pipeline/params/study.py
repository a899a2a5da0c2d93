"""`study` and `tuning`: the data-size study, and how settings were searched for before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import ConfigDict, Field

from pipeline.params.schema.reading import Strict, read_section
from pipeline.params.schema.vocabulary import Fraction, Name
from pipeline.params.training.search import Search

SEARCH = "trying settings of every network (tuning.search)"  # as `left_out` calls it


class DataSizes(Strict):
    """Does more data change the answer? Each candidate learns again from each share of every seed's training examples.

    Attributes:
        candidates: names of competing candidates, such as classical-svm_hog; empty: no such study.
        fractions: shares below 1; the whole is the candidate itself.
        left_out: what `--minutes` has left out of the comparison, which the report says: candidates by name, then words
            such as "seed 2". It changes no result.
    """

    candidates: list[str]
    fractions: list[Fraction]
    left_out: list[str] = []

    def still_left_out(
        self, candidates: Iterable[str], seeds: Iterable[int], image_size: int | None, searches: bool
    ) -> list[str]:
        """`left_out` without what is part of the comparison, since somebody has added it later.

        Args:
            image_size: pixels a side; None where there are no photos.
            searches: whether settings of networks are tried.
        """
        sizes = [f"photos of {side} pixels" for side in range((image_size or 0) + 1)]
        present = {*candidates, *(f"seed {seed}" for seed in seeds), *sizes}
        return [name for name in self.left_out if name not in present and not (searches and name == SEARCH)]


class Tuning(Strict):
    """How settings of a family, or of one strategy, were found; the report has it beside the grids of classical models.

    Attributes:
        study: what searched: a file of studies/, or a module of benchmarks/.
        settings_tried: how many settings it tried; seeds: with how many seeds each.
        strategies: of a family, those whose recipes rest on it; null: all.
    """

    study: str
    settings_tried: Annotated[int, Field(ge=1)]
    seeds: Annotated[int, Field(ge=1)]
    strategies: list[Name] | None = None


class TuningSection(Strict):
    """How settings are searched for in each run, and how those that stand in params.yaml were found.

    Attributes:
        search: of every network, evenly; null: each is trained by its recipe as it stands.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, Tuning]

    search: Search | None

    @property
    def found(self) -> dict[str, Tuning]:
        """By family, or by strategy, which goes first."""
        return dict(self.__pydantic_extra__ or {})


def read_tuning() -> dict[str, Tuning]:
    """How the settings of params.yaml were found, by family or strategy.

    Raises:
        ParamsError: see `read_section`.
    """
    return read_section("tuning", TuningSection).found
