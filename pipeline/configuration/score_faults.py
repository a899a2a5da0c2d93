"""What may be wrong with the score that candidates are ranked by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.whole import Params
from pipeline.scores.faults import faults_of_score


def score_faults(params: Params, path: Path) -> Iterator[str]:
    """A score of the other kind of task, and a score without its costs or its quantile."""
    for fault in faults_of_score(params.compare, params.data.has_classes):
        yield f"{path}: {fault}"
