"""growth@{candidate}-{fraction}: a candidate once more, on a share of each seed's training examples.

    python -m pipeline growth --candidate cnn-lecture --fraction 0.1
    dvc repro growth@cnn-lecture-0.1

A point of the data-size study: everything else is as for the candidate itself, the validation examples too, and a
smaller share is part of every larger one. Reads what the candidate's own stage reads, and its trial.json. Writes
results/<candidate>-<fraction>/.

The candidate is trained by its own stage, which is imported only here: the fingerprint in its trial.json covers that
stage's code, so DVC runs this one again when that code changes.
"""

from __future__ import annotations

import importlib

from pipeline.params.competing import points_of, read_candidates
from pipeline.params.schema.reading import PARAMS_FILE, ParamsError, read_section
from pipeline.params.study import DataSizes


def run(candidate: str, fraction: str) -> None:
    """
    Raises:
        ParamsError: params.yaml's study has no such point.
    """
    study = read_section("study", DataSizes)
    points = {point.name: point for point in points_of(read_candidates(), study.candidates, study.fractions)}
    name = f"{candidate}-{fraction}"
    if name not in points:
        known = f"it has {', '.join(points)}" if points else "it is empty"
        raise ParamsError(f"{PARAMS_FILE}: study names no {name}; {known}: add to study.candidates or study.fractions")
    stage = importlib.import_module(f"pipeline.stages.{points[name].training_stage}")
    stage.train_candidate(points[name])
