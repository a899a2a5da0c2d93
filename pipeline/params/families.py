"""Families of candidates: the rows of models/families.yaml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.reading import ParamsError, Strict, parse, read_yaml
from pipeline.params.vocabulary import Kind

FAMILIES_FILE = Path(__file__).parents[1] / "models" / "families.yaml"


class FamilyWords(Strict):
    """How people are told of a family; models/families.yaml explains each key."""

    noun: str
    plural: str
    short: str
    model: str
    candidate: str
    advice: str
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
    rows = read_yaml(FAMILIES_FILE)
    return {name: parse(Family, row, "pipeline/models/families.yaml", prefix=(name,)) for name, row in rows.items()}


def family_named(name: str) -> Family:
    """
    Raises:
        ParamsError: there is no such family.
    """
    if name not in families():
        raise ParamsError(f"pipeline/models/families.yaml: there is no row {name!r}; rows: {', '.join(families())}")
    return families()[name]
