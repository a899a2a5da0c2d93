"""`tracking`: what MLflow is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.schema.reading import Strict


class Tracking(Strict):
    enabled: bool
    experiment: Annotated[str, Field(min_length=1)]
    log_models: Literal["equivalents", "all", "none"]
    system_metrics: bool
