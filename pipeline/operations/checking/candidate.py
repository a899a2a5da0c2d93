"""Check one candidate: does it keep its promises? `python -m pipeline check --candidate NAME`.

It is trained for one step a phase on made-up examples, in a temporary folder; nothing of a run is read or written,
save pretrained weights where `data/weights` has them. A backbone of one's own is read from its file itself, as it is
now, and built at the size of the photos.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.whole import Params
from pipeline.ground.paths import WEIGHTS
from pipeline.models.backbone_files.reading import read_backbone_file
from pipeline.models.backbone_files.stored import with_architecture, write_stored
from pipeline.models.estimators import tells_classes_apart
from pipeline.operations.checking.classical import ClassicalSubject, pooled_features
from pipeline.operations.checking.examples import ENOUGH, made_up_examples
from pipeline.operations.checking.promises import Finding, check_promises
from pipeline.operations.checking.subjects import Subject
from pipeline.params.schema.backbones import Backbone, BackboneFile, load_backbone
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
    row = load_backbone(candidate.backbone) if candidate.backbone else None
    size = row.smallest_input if isinstance(row, Backbone) else params.data.image_size
    weights = weights_of(candidate, folder)
    if candidate.family == CLASSICAL:
        return _classical(candidate, size, weights)
    from pipeline.operations.checking.networks import NetworkSubject

    kind, task = _question(candidate.family, params)
    data = made_up_examples(kind, task, size)
    stage = importlib.import_module(f"pipeline.stages.{candidate.training_stage}")
    on_disk = {"weights_folder": weights.parent if weights else None} if candidate.backbone else {}
    return NetworkSubject(stage.plan_candidate(candidate, data, **on_disk), data, folder / "activations")


def weights_of(candidate: Candidate, folder: Path) -> Path | None:
    """The file with the pretrained weights of a candidate's backbone, where it is on disk.

    Args:
        folder: where those of a file of one's own are put, as the weights stage will do.

    Raises:
        ParamsError: something is wrong with that file.
    """
    if candidate.backbone is None:
        return None
    row, name = load_backbone(candidate.backbone), f"{candidate.backbone}.weights.h5"
    if isinstance(row, BackboneFile):
        if not (folder / name).is_file():
            write_stored(folder / name, *read_backbone_file(candidate.backbone, row))
        return folder / name
    return WEIGHTS / name if (WEIGHTS / name).is_file() else None


def _classical(candidate: Candidate, size: int, weights: Path | None) -> ClassicalSubject:
    model = candidate.row
    row = load_classical(model)
    task = "classification" if tells_classes_apart(row.estimator, model) else "regression"
    data = made_up_examples(row.kinds[0], task, size, ENOUGH)
    if not candidate.backbone:
        return ClassicalSubject(model, row, data)
    backbone = with_architecture(load_backbone(candidate.backbone), weights or Path())
    features = pooled_features(backbone, size, weights)
    return ClassicalSubject(model, row, data, features)


def _question(family: str, params: Params) -> tuple[Kind, str]:
    """Kind of data and task: those of params.yaml where the family can have them, else the family's first kind."""
    kinds = family_named(family).kinds
    if params.data.kind in kinds:
        return params.data.kind, params.data.task
    return kinds[0], "regression" if kinds[0] == "series" else "classification"
