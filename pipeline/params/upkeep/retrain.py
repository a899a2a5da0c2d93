"""`retrain`: what a scheduled retraining may decide by itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Count, Fraction, Positive, Share


class Retrain(Strict):
    """What a scheduled retraining may decide by itself (operations/retrain.py, operations/retraining/promotion.py).

    Attributes:
        shortlist: candidates that are trained anew, at most; of a series the last value besides.
        least_new: new photos, rows or steps below which nothing is done, unless they drift; they wait in data/incoming.
        unusable: the largest share of unreadable or contradicting ones with which a batch is taken in.
        drift_level: how improbable new ones must be, were there no drift, to be called drifted.
        class_margin: recall that no class may lose; a larger loss must be ruled out at `compare.confidence`.
        latency_ratio: times the champion's latency; latency_ms: an absolute limit for one example.
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
