"""`tracking`: what MLflow is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.schema.reading import Strict


class Tracking(Strict):
    """What MLflow is told; it changes no result.

    Attributes:
        enabled: whether trainings report their epochs while they run.
        experiment: its name in MLflow.
        log_models: whose models MLflow keeps: of winner, recommended candidate and the winner's equivalents; all; none.
        system_metrics: whether processor, memory, disk and GPU are recorded beside the curves of a live run.
    """

    enabled: bool
    experiment: Annotated[str, Field(min_length=1)]
    log_models: Literal["equivalents", "all", "none"]
    system_metrics: bool
