"""`splits` and `seeds`: which examples a trial learns from, and what else each seed draws."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter

from pipeline.params.schema.reading import Strict, read_value
from pipeline.params.schema.vocabulary import Fraction


class Splits(Strict):
    """
    Attributes:
        validation_fraction: the share of development that each seed sets aside, stratified.
    """

    validation_fraction: Fraction


def _distinct(seeds: list[int]) -> list[int]:
    if len(set(seeds)) != len(seeds):
        raise ValueError("a seed stands twice; give each seed once")
    return seeds


Seeds = Annotated[list[Annotated[int, Field(ge=0, lt=2**32)]], Field(min_length=1), AfterValidator(_distinct)]


def read_seeds() -> list[int]:
    """`seeds` of params.yaml.

    Raises:
        ParamsError: see `read_section`.
    """
    return read_value("seeds", TypeAdapter(Seeds))
