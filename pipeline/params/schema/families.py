"""Families of candidates: the rows of models/families.yaml."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.rows import read_row, row_names
from pipeline.params.schema.vocabulary import Kind


class FamilyWords(Strict):
    """How people are told of a family; models/families.yaml explains each key."""

    noun: str
    plural: str
    short: str
    model: str
    candidate: str
    lead: str


class Family(Strict):
    """A kind of model that competes; models/families.yaml explains each key.

    Attributes:
        architectures, architecture: None for what is not trained from scratch.
    """

    kinds: list[Kind]
    section: str
    architectures: str | None = None
    architecture: Annotated[str, Field(pattern=r"^pipeline(\.\w+)+$")] | None = None
    network: bool
    group: Literal["classical", "scratch", "finetune"]
    words: FamilyWords
    colour: Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
    marker: str


@cache
def families() -> dict[str, Family]:
    """All families by name, in the order in which they are listed."""
    return {name: family_named(name) for name in row_names("families.yaml")}


@cache
def family_named(name: str) -> Family:
    """
    Raises:
        ParamsError: there is no such family.
    """
    return read_row(Family, "families.yaml", name)
