"""A trained candidate as an MLflow model: a folder that answers by itself, and a logged model made of it.

The folder holds the trained model's own file (.keras, .skops), what it is (served.json), and the few modules of this
project that answering needs. Nothing in it is a pickle, and it needs no checkout:

    mlflow models serve -m champions/1/model --env-manager local
"""

from __future__ import annotations

import base64
import io
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from pipeline.files import write_json
from pipeline.tracking.store import Store, import_mlflow
from pipeline.trials import Trial

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

LOADER = "pipeline.champions.answering"
PACKAGE = Path(__file__).resolve().parents[1]
# What LOADER imports of this package, directly or not, and what a .skops file names (a test compares).
CODE = (
    "__init__.py",
    "champions/__init__.py",
    "champions/answering.py",
    "datasets/__init__.py",
    "datasets/asked.py",
    "datasets/cells/__init__.py",
    "datasets/cells/dates.py",
    "datasets/cells/missing.py",
    "datasets/cells/numbers.py",
    "datasets/cells/text.py",
    "datasets/columns.py",
    "datasets/photos/__init__.py",
    "datasets/photos/decoding.py",
    "evaluation/__init__.py",
    "evaluation/answers/__init__.py",
    "evaluation/answers/models.py",
    "files.py",
    "models/__init__.py",
    "models/archive.py",
    "models/columns.py",
    "models/features.py",
    "models/networks/__init__.py",
    "models/networks/backbones.py",
    "models/networks/precision.py",
    "models/pooled.py",
    "params/__init__.py",
    "params/reading.py",
    "params/rows/__init__.py",
    "params/rows/backbones.py",
    "params/rows/packages.py",
    "params/rows/reading.py",
)
NEEDED = ("mlflow", "numpy", "pandas", "pillow", "pydantic", "ruamel.yaml", "scikit-image", "scikit-learn", "skops")
NEEDED_BY_NETWORKS = ("keras", "tensorflow-cpu", "tensorflow")  # one of the last two was there


@dataclass(frozen=True)
class Servable:
    """A trained model with what it takes to answer.

    Attributes:
        file: the model, .keras or .skops.
        task: "multiclass", "binary" or "regression".
        class_names: empty for a regression.
        image_size: pixels a side that the model was trained on; photos of another size are made to fit. None for rows.
        versions: of the packages it was trained with (cost.json); they become its requirements.
        metadata: shown in MLmodel: candidate, seed, fingerprint, …
        network_inside: whether a .skops file has a network inside: a backbone that makes its features.
        columns: of a table, as dataset.json has them: {"name": …, "categories": […] or None}; None for photos.
    """

    file: Path
    task: str
    class_names: list[str]
    image_size: int | None
    versions: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    network_inside: bool = False
    columns: list[dict[str, Any]] | None = None


def best_seed(trial: Trial) -> int:
    """The seed whose model stands for its candidate: that with the lowest validation loss, the first of equals."""
    losses = {int(entry["seed"]): entry.get("val_loss") for entry in trial.seeds}
    known = {seed: float(loss) for seed, loss in losses.items() if loss is not None}
    return min(known or losses, key=lambda seed: known.get(seed, math.inf))


def servable(trial: Trial, dataset: Mapping[str, Any], versions: Mapping[str, str], **metadata: str) -> Servable:
    """The model that stands for a candidate, with what it takes to answer.

    Args:
        dataset: dataset.json of the examples that it learned from.
        versions: of cost.json; metadata: beside candidate, seed and fingerprint.
    """
    seed = best_seed(trial)
    return Servable(
        file=trial.model_file(seed),
        task=trial.task,
        class_names=dataset["class_names"],
        image_size=dataset.get("image_size"),
        columns=dataset.get("columns"),
        versions=versions,
        metadata={"candidate": trial.candidate, "seed": str(seed), "fingerprint": trial.fingerprint, **metadata},
        network_inside=trial.family == "classical" and trial.backbone is not None,
    )


def answers(dataset: Mapping[str, Any]) -> bool:
    """Whether what learned from these examples answers about others: photos, or rows, but not windows of a series."""
    return dataset.get("image_size") is not None or dataset.get("kind") == "table"


def write_model_folder(
    folder: Path, servable: Servable, model_id: str | None = None, run_id: str | None = None
) -> None:
    """Write an MLflow model folder; `folder` must not exist yet, and is complete or absent afterwards.

    Args:
        model_id, run_id: of a logged model and the run that it came from.
    """
    import_mlflow()
    from mlflow.models import Model
    from mlflow.pyfunc import save_model

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        parts, written = Path(temporary) / "parts", Path(temporary) / "written"
        save_model(
            written,
            mlflow_model=Model(model_id=model_id, run_id=run_id),
            loader_module=LOADER,
            data_path=str(_data(parts / "model", servable)),
            code_paths=[str(_code(parts / PACKAGE.name))],
            signature=_signature(servable),
            input_example=_example(servable),
            pip_requirements=_requirements(servable),
            metadata=dict(servable.metadata),
        )
        written.rename(folder)


def log_model(store: Store, run_id: str, name: str, servable: Servable, tags: Mapping[str, str]) -> str:
    """Log the model as an output of a run; returns its id. It becomes READY only when all of it is there.

    MLflow's own `log_model` would load it to try it, and so import TensorFlow into `track`.
    """
    from mlflow.entities import LoggedModelOutput

    client = store.client
    model = client.create_logged_model(store.experiment_id, name, source_run_id=run_id, tags=dict(tags))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        write_model_folder(folder, servable, model_id=model.model_id, run_id=run_id)
        client.log_model_artifacts(model.model_id, str(folder))
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.finalize_logged_model(model.model_id, "READY")
    return str(model.model_id)


def _data(folder: Path, servable: Servable) -> Path:
    """The model's file (linked: MLflow copies it) and served.json."""
    name = f"model{servable.file.suffix}"
    described = {
        "task": servable.task,
        "class_names": servable.class_names,
        "image_size": servable.image_size,
        "columns": servable.columns,
    }
    write_json(folder / "served.json", {**described, "model": name})
    (folder / name).symlink_to(servable.file.resolve())
    return folder


def _code(folder: Path) -> Path:
    for name in CODE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / name, folder / name)
    return folder


def _signature(servable: Servable) -> ModelSignature:
    """Any tensor of objects goes in: encoded photos (bytes, base64) as well as raw ones, which MLflow's more exact
    types would shut out. Of a table nothing is said: MLflow would take no whole number for a column of numbers, and
    with columns of any type it reads no CSV. `Served.predict` checks both itself, by name."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    columns: list[ColSpec | TensorSpec] = [ColSpec(DataType.double, "predicted")]
    if servable.class_names:
        columns = [ColSpec(DataType.string, "predicted"), ColSpec(DataType.double, "probability")]
    columns += [ColSpec(DataType.double, f"p_{name}") for name in servable.class_names]
    photos = Schema([TensorSpec(np.dtype(object), (-1,))])
    return ModelSignature(inputs=photos if servable.columns is None else None, outputs=Schema(columns))


def _example(servable: Servable) -> np.ndarray | pd.DataFrame:
    """Made up, since a real one would be handed on with every copy of the model."""
    if servable.columns is not None:
        first = {column["name"]: [(column["categories"] or [0.0])[0]] for column in servable.columns}
        return pd.DataFrame(first)
    assert servable.image_size is not None
    return np.array([_drawn(servable.image_size)], dtype=object)


def _drawn(size: int) -> str:
    """A drawn photo, as base64 of a PNG."""
    ramp = np.linspace(0, 255, size).astype(np.uint8)
    red, green = np.meshgrid(ramp, ramp)
    picture = io.BytesIO()
    Image.fromarray(np.stack([red, green, 255 - red], axis=-1)).save(picture, "PNG")
    return base64.b64encode(picture.getvalue()).decode("ascii")


def _requirements(servable: Servable) -> list[str]:
    networks = [name for name in NEEDED_BY_NETWORKS if name in servable.versions]
    has_network = servable.network_inside or servable.file.suffix == ".keras"
    needed = [*NEEDED, *(networks if has_network else [])]
    return [f"{name}=={servable.versions[name]}" if name in servable.versions else name for name in needed]
