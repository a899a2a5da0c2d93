"""growth@{candidate}-{fraction}: a candidate once more, on a share of each seed's training examples.

    python -m pipeline growth --candidate cnn-lecture --fraction 0.1
    dvc repro growth@cnn-lecture-0.1

A point of the data-size study: everything else is as for the candidate itself, the validation examples too, and a
smaller share is part of every larger one. Reads what the candidate's own stage reads, and its trial.json, so that it
runs again when that changes. Writes results/<candidate>-<fraction>/.
"""

from __future__ import annotations

from pipeline.params.candidates import Candidate
from pipeline.params.loading import PARAMS_FILE, load_params
from pipeline.params.reading import ParamsError


def run(candidate: str, fraction: str) -> None:
    """
    Raises:
        ParamsError: params.yaml's study has no such point.
    """
    points = {point.name: point for point in load_params().studied()}
    name = f"{candidate}-{fraction}"
    if name not in points:
        known = f"it has {', '.join(points)}" if points else "it is empty"
        raise ParamsError(f"{PARAMS_FILE}: study names no {name}; {known}: add to study.candidates or study.fractions")
    train(points[name])


def train(point: Candidate) -> None:
    """By the point's own stage; each is imported only where it is needed, since classical models need no TensorFlow."""
    if point.family == "classical":
        if point.backbone:
            from pipeline.stages.probe import train_candidate
        else:
            from pipeline.stages.baseline import train_candidate
    elif point.family == "cnn":
        from pipeline.stages.cnn import train_candidate
    elif point.family == "mlp":
        from pipeline.stages.mlp import train_candidate
    elif point.family == "recurrent":
        from pipeline.stages.recurrent import train_candidate
    else:
        from pipeline.stages.finetune import train_candidate
    train_candidate(point)
