"""After a decision: MLflow shows champions/, and DVC keeps it. Both can be done again at any time from champions/."""

from __future__ import annotations

from pipeline.configuration.whole import Params
from pipeline.operations.retraining.versioning import keep_champions
from pipeline.tracking.view import sync_if_possible


def publish(params: Params) -> None:
    """
    Raises:
        VersioningError: DVC failed. A server that is down costs a warning; `python -m pipeline track` makes up for it.
    """
    sync_if_possible(params)  # first: it may register a version
    keep_champions()
