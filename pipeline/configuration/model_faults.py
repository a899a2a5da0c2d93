"""What may be wrong with the models that compete: not for such data, or without what they need."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.own_data import ON_A_NODE
from pipeline.configuration.whole import Params
from pipeline.ground.paths import WEIGHTS
from pipeline.models.backbone_files.archive import FOLDER, file_faults
from pipeline.models.estimators import tells_classes_apart
from pipeline.params.data import Data
from pipeline.params.schema.backbones import BackboneFile, load_backbone
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.families import families
from pipeline.params.schema.reading import ParamsError
from pipeline.params.schema.rows import row_names
from pipeline.params.training.settings import UNALTERED

CALLED = {"images": "photos", "table": "a table", "series": "a series"}


def model_faults(params: Params, path: Path) -> Iterator[str]:
    """Families, rows, strategies and settings that do not fit the data, or one another."""
    yield from _misplaced_models(params, path)
    yield from _backbone_faults(params, path)
    yield from _faults_of_cnns(params, path)
    yield from _family_faults(params, path)
    yield from _row_faults(params, path)
    yield from _training_faults(params, path)


def _misplaced_models(params: Params, path: Path) -> Iterator[str]:
    known = row_names("classical.yaml")
    for key, needs_backbone in (("models", False), ("probes", True)):
        for name in getattr(params.baseline, key):
            if name in known and (load_classical(name).features == "pooled") != needs_backbone:
                sees, other = ("no backbone", "models") if needs_backbone else ("a backbone", "probes")
                yield (
                    f"{path}: baseline.{key}: {name!r} learns from {sees} (its features in "
                    f"pipeline/models/classical.yaml); name it in baseline.{other}"
                )


def _backbone_faults(params: Params, path: Path) -> Iterator[str]:
    known = row_names("backbones.yaml")
    for name in dict.fromkeys(params.finetune.backbones):
        if name not in known:
            continue
        row = load_backbone(name)
        if isinstance(row, BackboneFile) and _needs_file(name, row):
            yield from file_faults(name, row, side=params.data.image_size)
        if params.data.image_size < row.smallest_input:
            yield (
                f"{path}: data.image_size = {params.data.image_size}: {name} takes no image smaller than "
                f"{row.smallest_input}; raise it, or leave {name} out of finetune.backbones"
            )
        for strategy in dict.fromkeys(params.finetune.strategies):
            phases = params.strategies[strategy].phases if strategy in params.strategies else []
            for index, phase in enumerate(phases):
                depth = int(phase.train.split()[1]) if " " in phase.train else 0
                if depth > len(row.blocks):
                    yield (
                        f"{path}: strategies.{strategy}.phases[{index}].train = {phase.train!r}: {name} has "
                        f"{len(row.blocks)} blocks; use at most {len(row.blocks)}, or 'all'"
                    )


def _faults_of_cnns(params: Params, path: Path) -> Iterator[str]:
    """CNNs whose poolings leave nothing of the photos."""
    side = params.data.image_size
    for family in families().values() if params.data.kind == "images" else ():
        known = params.architectures_of(family)
        for name in dict.fromkeys(name for name in params.named_in(family.section) if name in known):
            if side < (smallest := getattr(known[name], "smallest_side", 0)):
                yield (
                    f"{path}: data.image_size = {side}: the poolings of {family.architectures}.{name} leave nothing of "
                    f"it; use at least {smallest}, or fewer blocks with pool"
                )


def _needs_file(name: str, row: BackboneFile) -> bool:
    """Not on a node, nor where its weights lie here already, which is all that trains or answers by it."""
    if ON_A_NODE in os.environ:
        return False
    return (FOLDER / row.file).is_file() or not (WEIGHTS / f"{name}.weights.h5").is_file()


def _family_faults(params: Params, path: Path) -> Iterator[str]:
    """Families that do not fit the kind of data."""
    data = params.data
    for family in families().values():
        key, names = family.section, params.named_in(family.section)
        if names and data.kind not in family.kinds:
            taken = " or ".join(CALLED[kind] for kind in family.kinds)
            yield (
                f"{path}: {key} = {names}: takes {taken}, and data.target = {data.target!r} makes the data "
                f"{CALLED[data.kind]}; set {key} to []"
            )


def _row_faults(params: Params, path: Path) -> Iterator[str]:
    """Classical models whose estimator does not exist, or that do not fit the kind of data or its task."""
    known = row_names("classical.yaml")
    for key, named, on_backbone in (
        ("models", params.baseline.models, False),
        ("probes", params.baseline.probes if params.data.kind == "images" else [], True),
    ):
        unfit = []
        for name in dict.fromkeys(name for name in named if name in known):
            try:
                if not fits(name, params.data):
                    unfit.append(name)
            except ParamsError as error:
                yield str(error)
        if unfit:
            fitting = [name for name in known if _on_backbone(name) == on_backbone and fits(name, params.data)]
            yield (
                f"{path}: baseline.{key}: {', '.join(unfit)}: not for {params.data.task} of "
                f"{CALLED[params.data.kind]}; rows for that: {', '.join(fitting)}"
            )


def _on_backbone(name: str) -> bool:
    return load_classical(name).features == "pooled"


def fits(name: str, data: Data) -> bool:
    """Whether a row of classical.yaml is for such data."""
    row = load_classical(name)
    return tells_classes_apart(row.estimator, name) == data.has_classes and data.kind in row.kinds


def _training_faults(params: Params, path: Path) -> Iterator[str]:
    """Settings of training, of all networks, one architecture or one strategy, that photos or classes alone have."""
    sections = {"training": params.training}
    if params.data.kind == "images":
        for name in dict.fromkeys(params.finetune.strategies):
            if name in params.strategies:
                own = params.strategies[name].training
                sections[f"strategies.{name}.training"] = params.training.changed_by(own)
    for family in families().values():
        if params.data.kind in family.kinds:
            for name, row in params.architectures_of(family).items():
                sections[f"{family.architectures}.{name}.training"] = params.training.changed_by(row.training)
    for place, training in sections.items():
        if training.devices > training.batch_size:
            yield (
                f"{path}: {place}.devices = {training.devices}: a batch has {training.batch_size} examples, and each "
                f"device needs one at least; set it to {training.batch_size} or less, or raise batch_size"
            )
        if training.augmentation.repeats_photos:
            yield f"{path}: {place}.augmentation: {UNALTERED}"
        if training.augmentation.views and params.data.kind != "images":
            views = training.augmentation.views
            yield f"{path}: {place}.augmentation.views = {views}: only photos are augmented; set it to 0"
        if not params.data.has_classes and training.label_smoothing:
            yield f"{path}: {place}.label_smoothing = {training.label_smoothing}: numbers are no classes; set it to 0"
        if not params.data.has_classes and training.class_weights != "none":
            yield f"{path}: {place}.class_weights = {training.class_weights!r}: numbers are no classes; set it to none"
