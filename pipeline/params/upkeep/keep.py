"""`keep`: how much disk is spent on not computing twice."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.params.schema.reading import Strict


class Keep(Strict):
    """How much disk (GB) is spent on not computing twice; it changes no result.

    Attributes:
        activations_gb: for what frozen layers make of the photos to learn from.
        trials_gb: for finished trainings, so that one more seed or a killed run trains nothing twice.
        altered_gb: for altered test photos, and for what frozen layers or engineered features make of photos.
            Photos that alone would exceed it are altered in memory, all at once.
    """

    activations_gb: Annotated[float, Field(ge=0)]
    trials_gb: Annotated[float, Field(ge=0)]
    altered_gb: Annotated[float, Field(ge=0)] = 2.0
