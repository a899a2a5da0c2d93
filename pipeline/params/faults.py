"""What no single key of params.yaml can tell: names that point nowhere, combinations that cannot run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.floors import LAST_VALUE
from pipeline.params.data import ARCHIVES, FETCHED, TABLE_FILES, TABLE_TARGETS, Data, tables_in
from pipeline.params.own_data import column_faults, place_faults
from pipeline.params.reading import did_you_mean
from pipeline.params.rows.backbones import load_backbone
from pipeline.params.rows.classical import load_classical
from pipeline.params.rows.families import families
from pipeline.params.rows.reading import row_names
from pipeline.params.whole import Params


def cross_faults(params: Params, path: Path) -> Iterator[str]:
    """What no single key can tell: names that point nowhere, combinations that cannot run."""
    yield from _unknown_names(params, path)
    yield from _misplaced_models(params, path)
    yield from _backbone_faults(params, path)
    yield from _source_faults(params, path)
    yield from _study_faults(params, path)
    yield from _table_faults(params, path)
    yield from _family_faults(params, path)
    if not params.candidates():
        yield f"{path}: baseline.models, cnn, mlp, recurrent and finetune are all empty; name at least one candidate"


def _unknown_names(params: Params, path: Path) -> Iterator[str]:
    finetune, rows = params.finetune, "pipeline/models"
    lists = [
        ("baseline.models", params.baseline.models, row_names("classical.yaml"), f"{rows}/classical.yaml"),
        ("baseline.probes", params.baseline.probes, row_names("classical.yaml"), f"{rows}/classical.yaml"),
        *(
            (family.section, params.named_in(family.section), list(getattr(params, home)), home)
            for family in families().values()
            if (home := family.architectures)
        ),
        ("finetune.backbones", finetune.backbones, row_names("backbones.yaml"), f"{rows}/backbones.yaml"),
        ("finetune.strategies", finetune.strategies, list(params.strategies), "strategies"),
    ]
    for key, names, known, home in lists:
        for name in names:
            if name not in known:
                yield f"{path}: {key}: {name!r} is not in {home}{did_you_mean(name, known)}"
            if names.count(name) > 1:
                yield f"{path}: {key}: {name!r} stands twice; name each once"


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


def _study_faults(params: Params, path: Path) -> Iterator[str]:
    study, names = params.study, [candidate.name for candidate in params.candidates()]
    for name in study.candidates:
        if name not in names:
            yield f"{path}: study.candidates: {name!r} does not compete{did_you_mean(name, names)}"
    for key, values in study.model_dump().items():
        for value in dict.fromkeys(values):
            if values.count(value) > 1:
                yield f"{path}: study.{key}: {value!r} stands twice; name each once"
    for key, values in study.model_dump().items():
        if not values and (study.candidates or study.fractions):
            yield f"{path}: study.{key} is empty; a data-size study needs candidates and fractions, or neither"
    if study.candidates and params.data.task == "regression":
        yield f"{path}: study.candidates = {study.candidates}: the study is of accuracies, not of numbers; set it to []"


def _source_faults(params: Params, path: Path) -> Iterator[str]:
    if params.data.fetch:
        if params.data.path != FETCHED:
            yield (
                f"{path}: data.path = {params.data.path!r}: data.fetch names a source, which is put in {FETCHED}; "
                f"set data.path to {FETCHED}, or empty data.fetch (`fetch: []`) to use your own folder"
            )
        return
    misplaced = list(place_faults(params.data, path))
    yield from misplaced
    if misplaced:
        return
    if params.data.kind == "images":
        yield from _photo_faults(params.data, path)
    else:
        yield from _file_faults(Path(params.data.path), path)


def _photo_faults(data: Data, path: Path) -> Iterator[str]:
    folder, said = Path(data.path), f"{path}: data.path = {data.path!r}"
    if folder.is_file():
        if not folder.name.lower().endswith(ARCHIVES):
            yield (
                f"{said}: is a file, but no archive of photos ({', '.join(ARCHIVES)}); give a folder or an archive; a "
                "table of paths and labels goes into data.labels.file, and its folder into data.path"
            )
    elif not folder.is_dir():
        yield (
            f"{said}: there is no such folder; give a folder with one sub-folder a class, or an archive of one, or "
            "name a source in data.fetch"
        )
    elif data.labels is not None:
        if not (folder / data.labels.file).is_file():
            yield (
                f"{path}: data.labels.file = {data.labels.file!r}: there is no such file in {data.path}; give its path "
                "within data.path"
            )
    elif sum(child.is_dir() and not child.name.startswith(".") for child in folder.iterdir()) < 2:
        yield (
            f"{said}: needs at least two class folders (one sub-folder a class, photos inside), or train/ and test/ "
            "with one sub-folder a class each, or a table of paths and labels (data.labels)"
        )


def _file_faults(found: Path, path: Path) -> Iterator[str]:
    """A table is one file, or the only table in a folder."""
    if found.is_file():
        if found.suffix.lower() not in TABLE_FILES:
            known = ", ".join(TABLE_FILES)
            yield f"{path}: data.path = {str(found)!r}: a table ends in one of {known}; convert it, or rename it"
    elif not found.is_dir():
        yield f"{path}: data.path = {str(found)!r}: there is no such file; give a CSV or Parquet file"
    elif (count := len(tables_in(found))) != 1:
        yield (
            f"{path}: data.path = {str(found)!r}: is a folder with {count} tables ({', '.join(TABLE_FILES)}); name the "
            "file itself"
        )


def _table_faults(params: Params, path: Path) -> Iterator[str]:
    """Keys of `data` that only some kinds of data have, and settings that only some tasks have."""
    data = params.data
    for source in data.fetch:
        if data.target is None and source in TABLE_TARGETS:
            known = TABLE_TARGETS[source]
            yield f"{path}: data.target = None: {source} is a table; name its column to predict, {known}"
        if data.target is not None and source not in TABLE_TARGETS:
            yield f"{path}: data.target = {data.target!r}: {source} is a source of photos; set data.target to null"
    if data.kind != "images" and data.labels is not None:
        yield f"{path}: data.labels: is for photos that a table names; remove it, or set data.target to null"
    if data.kind != "table" and data.duplicates == "together":
        yield f"{path}: data.duplicates = 'together': is for rows of a table; use drop, fail or keep"
    if data.target is None:
        for key, value in {"time": data.time, "window": data.window, "drop": data.drop}.items():
            if value:
                yield f"{path}: data.{key} = {value!r}: is for tables; name the column to predict in data.target"
        if data.task == "regression":
            yield f"{path}: data.task = 'regression': photos have classes; set it to classification"
    elif data.time is None:
        if data.window is not None:
            yield f"{path}: data.window = {data.window}: is for series; name the column that orders it in data.time"
    else:
        if data.window is None:
            yield f"{path}: data.window = None: a series is predicted from its last values; say how many, such as 12"
        if data.task != "regression":
            yield f"{path}: data.task = {data.task!r}: a series is of numbers; set it to regression"
        if data.time == data.target:
            yield f"{path}: data.time = {data.time!r}: is the target too; name the column that orders the rows"
        if LAST_VALUE.model not in params.baseline.models:
            yield f"{path}: baseline.models: lacks {LAST_VALUE.model!r}, the floor of every series; add it"
    for name in data.drop:
        if name in (data.target, data.time):
            yield f"{path}: data.drop: {name!r} is the target or the time; leave it out of drop"
    yield from column_faults(data, path)
    if data.kind != "images":
        yield from _training_faults(params, path)


def _training_faults(params: Params, path: Path) -> Iterator[str]:
    """Settings of training, of all networks or of one architecture, that photos or classes alone have."""
    sections = {"training": params.training}
    for home in [family.architectures for family in families().values() if params.data.kind in family.kinds]:
        for name, row in (getattr(params, home) if home else {}).items():
            sections[f"{home}.{name}.training"] = params.training.changed_by(row.training)
    for place, training in sections.items():
        if training.augmentation.views:
            views = training.augmentation.views
            yield f"{path}: {place}.augmentation.views = {views}: only photos are augmented; set it to 0"
        if params.data.task == "regression" and training.label_smoothing:
            yield f"{path}: {place}.label_smoothing = {training.label_smoothing}: numbers are no classes; set it to 0"
        if params.data.task == "regression" and training.class_weights != "none":
            yield f"{path}: {place}.class_weights = {training.class_weights!r}: numbers are no classes; set it to none"


def _family_faults(params: Params, path: Path) -> Iterator[str]:
    """Families and rows that do not fit the kind of data, or its task."""
    data = params.data
    called = {"images": "photos", "table": "a table", "series": "a series"}
    for family in families().values():
        key, names = family.section, params.named_in(family.section)
        if names and data.kind not in family.kinds:
            taken = " or ".join(called[kind] for kind in family.kinds)
            yield (
                f"{path}: {key} = {names}: takes {taken}, and data.target = {data.target!r} makes the data "
                f"{called[data.kind]}; set {key} to []"
            )
    known = row_names("classical.yaml")
    rows = {name: load_classical(name) for name in dict.fromkeys(params.baseline.models) if name in known}
    unfit = [name for name, row in rows.items() if data.kind not in row.kinds or row.task != data.task]
    if unfit:
        fitting = [name for name in known if data.kind in (row := load_classical(name)).kinds and row.task == data.task]
        yield (
            f"{path}: baseline.models: {', '.join(unfit)}: not for {data.task} of {called[data.kind]}; rows for that: "
            f"{', '.join(fitting)}"
        )
