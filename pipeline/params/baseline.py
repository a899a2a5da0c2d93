"""`baseline`: which classical models compete, and how their hyperparameters are chosen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from pipeline.params.schema.reading import Strict, read_value
from pipeline.params.schema.vocabulary import Name

Folds = Annotated[int, Field(ge=2, le=20)]


class Baseline(Strict):
    """Classical models: each of `models` by itself, each of `probes` on each backbone of `finetune.backbones`.

    Attributes:
        models: rows of pipeline/models/classical.yaml that need no backbone.
        probes: rows of it that take a backbone's pooled features.
        folds: of the cross-validation that chooses hyperparameters, on training examples alone.
    """

    models: list[Name]
    probes: list[Name]
    folds: Folds


def read_folds() -> int:
    """`baseline.folds` of params.yaml: how many folds of cross-validation choose hyperparameters.

    Raises:
        ParamsError: see `read_section`.
    """
    return read_value("baseline.folds", TypeAdapter(Folds))
