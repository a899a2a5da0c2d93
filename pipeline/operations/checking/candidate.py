"""Check one candidate: does it keep its promises? `python -m pipeline check --candidate NAME`.

It is trained for one step a phase on made-up examples, in a temporary folder; nothing of a run is read or written,
save ImageNet weights where `data/weights` has them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.whole import Params
from pipeline.ground.paths import WEIGHTS
from pipeline.models.estimators import tells_classes_apart
from pipeline.operations.checking.classical import ClassicalSubject, pooled_features
from pipeline.operations.checking.examples import made_up_examples
from pipeline.operations.checking.promises import Finding, check_promises
from pipeline.operations.checking.subjects import Subject
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.families import family_named
from pipeline.params.schema.reading import ParamsError
from pipeline.params.schema.vocabulary import Kind
from pipeline.params.training.candidates import CLASSICAL, Candidate


def check_candidate(candidate: Candidate, params: Params, folder: Path) -> Iterator[Finding]:
    """One finding for each promise; a single one where the candidate cannot be built.

    Args:
        folder: for what is kept and saved on the way.

    Raises:
        ParamsError: the candidate's row or section says something that it cannot.
    """
    try:
        subject = subject_of(candidate, params, folder)
    except ParamsError:
        raise
    except Exception as error:
        yield Finding("can be built", f"{type(error).__name__}: {error}")
        return
    yield from check_promises(subject, folder)


def subject_of(candidate: Candidate, params: Params, folder: Path) -> Subject:
    """The candidate, made ready to be trained on examples of its own kind."""
    size = load_backbone(candidate.backbone).smallest_input if candidate.backbone else params.data.image_size
    if candidate.family == CLASSICAL:
        return _classical(candidate, size)
    from pipeline.operations.checking.networks import NetworkSubject

    kind, task = _question(candidate.family, params)
    data = made_up_examples(kind, task, size)
    stage = importlib.import_module(f"pipeline.stages.{candidate.training_stage}")
    on_disk = {"weights_folder": WEIGHTS if weights_of(candidate) else None} if candidate.backbone else {}
    return NetworkSubject(stage.plan_candidate(candidate, data, **on_disk), data, folder / "activations")


def weights_of(candidate: Candidate) -> Path | None:
    """The file with the ImageNet weights of a candidate's backbone, where it is on disk."""
    path = WEIGHTS / f"{candidate.backbone}.weights.h5"
    return path if candidate.backbone and path.is_file() else None


def _classical(candidate: Candidate, size: int) -> ClassicalSubject:
    model = candidate.model.removesuffix(f"-{candidate.backbone}")
    row = load_classical(model)
    task = "classification" if tells_classes_apart(row.estimator, model) else "regression"
    data = made_up_examples(row.kinds[0], task, size)
    if not candidate.backbone:
        return ClassicalSubject(model, row, data)
    features = pooled_features(load_backbone(candidate.backbone), size, weights_of(candidate))
    return ClassicalSubject(model, row, data, features)


def _question(family: str, params: Params) -> tuple[Kind, str]:
    """Kind of data and task: those of params.yaml where the family can have them, else the family's first kind."""
    kinds = family_named(family).kinds
    if params.data.kind in kinds:
        return params.data.kind, params.data.task
    return kinds[0], "regression" if kinds[0] == "series" else "classification"
