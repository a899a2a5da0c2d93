"""`keep`, `tuning`, `tracking` and `retrain`: what changes no result of a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.reading import Strict
from pipeline.params.vocabulary import Count, Fraction, Positive, Share


class Keep(Strict):
    """How much disk (GB) is spent on not computing twice; it changes no result."""

    activations_gb: Annotated[float, Field(ge=0)]
    trials_gb: Annotated[float, Field(ge=0)]
    altered_gb: Annotated[float, Field(ge=0)] = 2.0


class Tuning(Strict):
    """How a family's settings were searched for: the study, and how many settings it tried with how many seeds."""

    study: str
    settings_tried: Annotated[int, Field(ge=1)]
    seeds: Annotated[int, Field(ge=1)]


class Tracking(Strict):
    enabled: bool
    experiment: Annotated[str, Field(min_length=1)]
    log_models: Literal["equivalents", "all", "none"]
    system_metrics: bool


class Retrain(Strict):
    """What a scheduled retraining may decide by itself (operations/retrain.py, operations/retraining/promotion.py).

    Attributes:
        shortlist: candidates that are trained anew, at most.
        least_new: new photos below which nothing is done, unless they drift; they wait in data/incoming.
        unusable: the largest share of unreadable or contradicting photos with which a batch is taken in.
        drift_level: how improbable new photos must be, were there no drift, to be called drifted.
        class_margin: recall that no class may lose; a larger loss must be ruled out at `compare.confidence`.
        latency_ratio: times the champion's latency; latency_ms: an absolute limit for one photo.
        calibration_margin: by how much the expected calibration error may grow.
    """

    shortlist: Count
    least_new: Count
    unusable: Share
    drift_level: Fraction
    class_margin: Annotated[float, Field(gt=0, le=1)]
    latency_ratio: Positive
    latency_ms: Positive | None
    calibration_margin: Annotated[float, Field(ge=0, le=1)]
