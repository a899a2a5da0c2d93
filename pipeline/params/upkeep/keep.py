"""`keep`: how much disk is spent on not computing twice."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.params.schema.reading import Strict


class Keep(Strict):
    """How much disk (GB) is spent on not computing twice; it changes no result."""

    activations_gb: Annotated[float, Field(ge=0)]
    trials_gb: Annotated[float, Field(ge=0)]
    altered_gb: Annotated[float, Field(ge=0)] = 2.0
