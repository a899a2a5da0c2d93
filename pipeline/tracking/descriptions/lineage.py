"""Where a run's files came from: the stage and the entry of dvc.lock, and the prepared examples."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.dvc_leftovers import make_lock_file_whole
from pipeline.ground.files import DamagedFileError, read_json
from pipeline.ground.paths import DATASET
from pipeline.ownership import md5
from pipeline.params.schema.reading import read_yaml

LOCK = Path("dvc.lock")
DEVELOPMENT = "data/prepared/development"
STAGE_TAG = "kiyas.dvc_stage"
LOCK_TAG = "kiyas.dvc_lock"
LONGEST_DIGEST = 36  # of MLflow


@dataclass(frozen=True)
class DataInput:
    """One split, as MLflow shows a data set that a run has used; texts are JSON.

    Attributes:
        context: "training" or "evaluation".
    """

    name: str
    digest: str
    context: str
    source: str
    schema: str | None
    profile: str


def dvc_tags(out: Path) -> dict[str, str]:
    """Which stage made a file, and the SHA-256 of that stage's entry in dvc.lock.

    Two checkouts that share the SHA-256 have the same code, data, parameters and results. There are no tags where
    dvc.lock does not describe the file as it is on disk: a stage that still runs has no entry yet, and the entry of one
    that was run by hand does not fit.
    """
    stage, entry = _maker(out)
    if stage is None:
        return {}
    return {STAGE_TAG: stage, LOCK_TAG: hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()}


def dataset_of(out: Path) -> dict[str, Any]:
    """dataset.json, if a training stage made `out` from the examples that it describes.

    Empty where it is not there, or the examples have been prepared anew since, as far as dvc.lock knows.
    """
    return dict(read_json(DATASET)) if DATASET.is_file() and _is_of_todays_data(out) else {}


def was_made_from(out: Path, dependency: Path) -> bool:
    """Whether `out` was made from a file as it is on disk now, as far as dvc.lock knows."""
    _, entry = _outs(_stamp()).get(out.as_posix(), (None, {}))
    used = {dep["path"]: _digest(dep) for dep in entry.get("deps", [])}.get(dependency.as_posix())
    return used is None or used == md5(dependency)


def check_dataset() -> None:
    """
    Raises:
        DamagedFileError: dataset.json is not as dvc.lock has it, so every run would be described by something else.
    """
    recorded = _recorded_digest(DATASET.as_posix())
    if DATASET.is_file() and recorded is not None and recorded != md5(DATASET):
        raise DamagedFileError(
            f"{DATASET}: has changed since `prepare` wrote it, as dvc.lock has it; `dvc checkout --force {DATASET}` "
            "brings it back, and `dvc repro prepare` makes it anew"
        )


def data_inputs(dataset: Mapping[str, Any], evaluated: bool) -> list[DataInput]:
    """The splits that a trial has used: development, and the test split once it is evaluated."""
    if not dataset:
        return []
    contexts = {"development": "training", **({"test": "evaluation"} if evaluated else {})}
    return [_input(dataset, split, context) for split, context in contexts.items() if split in dataset["hashes"]]


def _input(dataset: Mapping[str, Any], split: str, context: str) -> DataInput:
    source = dataset.get("source") or {}
    sizes = {
        key: dataset[part][split] for key, part in (("examples", "sizes"), ("classes", "counts")) if part in dataset
    }
    return DataInput(
        name=f"{source.get('name') or Path(source.get('path') or 'data').name}-{split}",
        digest=str(dataset["hashes"][split])[:LONGEST_DIGEST],
        context=context,
        source=json.dumps({"uri": source.get("path"), "package": source.get("package")}),
        schema=_schema(dataset),
        profile=json.dumps({**sizes, "sha256": dataset["hashes"][split]}, ensure_ascii=False),
    )


def _schema(dataset: Mapping[str, Any]) -> str | None:
    """Images and their class numbers, in the words of MLflow's TensorDatasetSchema."""
    if "image_size" not in dataset:
        return None
    size = dataset["image_size"]
    tensors = {"features": ("uint8", [-1, size, size, 3]), "targets": ("int64", [-1])}
    described = {
        name: json.dumps([{"type": "tensor", "tensor-spec": {"dtype": kind, "shape": shape}}])
        for name, (kind, shape) in tensors.items()
    }
    return json.dumps({"mlflow_tensorspec": described})


def _is_of_todays_data(out: Path) -> bool:
    stage, entry = _maker(out)
    if stage is None:
        return True
    used = {dep["path"]: _digest(dep) for dep in entry.get("deps", [])}.get(DEVELOPMENT)
    prepared = _recorded_digest(DEVELOPMENT)
    return used is None or prepared is None or used == prepared


def _maker(out: Path) -> tuple[str | None, dict[str, Any]]:
    stage, entry = _outs(_stamp()).get(out.as_posix(), (None, {}))
    if stage is None or not out.is_file() or _recorded_digest(out.as_posix()) != md5(out):
        return None, {}
    return stage, entry


def _recorded_digest(out: str) -> str | None:
    _, entry = _outs(_stamp()).get(out, (None, {}))
    return next((_digest(made) for made in entry.get("outs", []) if made["path"] == out), None)


def _digest(entry: Mapping[str, Any]) -> str | None:
    return entry.get("md5")


def _stamp() -> tuple[str, int, int] | None:
    """What tells one state of dvc.lock from another, so that it is read once."""
    if not LOCK.is_file():
        return None
    state = LOCK.stat()
    return str(LOCK.resolve()), state.st_mtime_ns, state.st_size


@functools.lru_cache(maxsize=2)
def _outs(stamp: tuple[str, int, int] | None) -> dict[str, tuple[str, dict[str, Any]]]:
    """{path of an out: (its stage, that stage's entry)}."""
    make_lock_file_whole()
    stages = read_yaml(LOCK).get("stages", {}) if stamp and LOCK.is_file() else {}
    return {out["path"]: (name, entry) for name, entry in stages.items() for out in entry.get("outs", [])}
