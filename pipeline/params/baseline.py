"""`baseline`: which classical models compete, and how their hyperparameters are chosen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.params.reading import Strict
from pipeline.params.vocabulary import Name


class Baseline(Strict):
    """Classical models: each of `models` by itself, each of `probes` on each backbone of `finetune.backbones`."""

    models: list[Name]
    probes: list[Name]
    folds: Annotated[int, Field(ge=2, le=20)]
