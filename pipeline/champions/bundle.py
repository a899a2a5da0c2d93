"""A trained model, or the models of an ensemble, as a folder in MLflow's format that answers by itself.

It holds the models' own files (.keras, .skops), what they are (served.json), and the few modules of this project that
answering needs. Nothing in it is a pickle, and it needs no checkout:

    mlflow models serve -m champions/1/model --env-manager local
"""

from __future__ import annotations

import base64
import io
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from pipeline.champions.answering import DESCRIPTION
from pipeline.champions.packed_code import LOADER, PACKAGE, packed_files
from pipeline.champions.served.servable import Member, Servable
from pipeline.ground.files import write_json
from pipeline.mlflow_environment import set_mlflow_environment
from pipeline.models.backbone_files.archive import needs_hub

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

NEEDED = ("mlflow", "numpy", "pandas", "pillow", "pydantic", "ruamel.yaml", "scikit-image", "scikit-learn", "skops")
HUB_PACKAGE = "keras-hub"
NEEDED_BY_NETWORKS = ("keras", "tensorflow-cpu", "tensorflow")  # one of the last two was there


def write_model_folder(
    folder: Path, servable: Servable, model_id: str | None = None, run_id: str | None = None
) -> None:
    """Write an MLflow model folder; it is complete or absent afterwards.

    Args:
        folder: must not exist yet.
        servable: the model.
        model_id: of the logged model that it becomes, if any.
        run_id: of the run that it came from, if any.
    """
    set_mlflow_environment()
    from mlflow.models import Model
    from mlflow.pyfunc import save_model

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        parts, written = Path(temporary) / "parts", Path(temporary) / "written"
        save_model(
            written,
            mlflow_model=Model(model_id=model_id, run_id=run_id),
            loader_module=LOADER,
            data_path=str(write_served(parts / "model", servable)),
            code_paths=[str(_write_code(parts / PACKAGE.name))],
            signature=_signature(servable),
            input_example=_example(servable),
            pip_requirements=_requirements(servable),
            metadata=dict(servable.metadata),
        )
        written.rename(folder)


def write_served(folder: Path, servable: Servable) -> Path:
    """Links to the models' files (MLflow copies what they lead to) and served.json, as `answering.load` reads them."""
    alone = [Member(servable.file, 1.0)]
    files = {
        f"model{_number(place, servable)}{one.file.suffix}": one for place, one in enumerate(servable.members or alone)
    }
    members = [{"model": name, "weight": one.weight} for name, one in files.items()]
    description = {
        "task": servable.task,
        "class_names": servable.class_names,
        "image_size": servable.image_size,
        "columns": servable.columns,
        **({"members": members} if servable.members else {"model": members[0]["model"]}),
        **({} if servable.series is None else {"series": servable.series}),
        **({} if servable.white is None else {"white": servable.white}),
        **({"decision": dict(servable.decision)} if servable.decision else {}),
    }
    write_json(folder / DESCRIPTION, description)
    for name, one in files.items():
        (folder / name).symlink_to(one.file.resolve())
    return folder


def _number(place: int, servable: Servable) -> str:
    return f"-{place + 1}" if servable.members else ""


def _write_code(folder: Path) -> Path:
    for name in packed_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / name, folder / name)
    return folder


def _signature(servable: Servable) -> ModelSignature:
    """Any tensor of objects goes in: encoded photos (bytes, base64) as well as raw ones, which MLflow's more exact
    types would shut out.

    Of a table each column goes in as text: MLflow then hands over the cells of a CSV letter by letter, zeros in front
    included, leaves the numbers and truth values of JSON what they are, and guesses nothing. Typed as numbers it would
    refuse what it cannot read without naming the column, and whole numbers altogether. What a cell is, and whether a
    column is lacking, `Served.predict` says by the model's own columns; callers in Python pass `frame.astype(object)`.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    columns: list[ColSpec | TensorSpec] = [ColSpec(DataType.double, "predicted")]
    if servable.class_names:
        columns = [ColSpec(DataType.string, "predicted"), ColSpec(DataType.double, "probability")]
    columns += [ColSpec(DataType.double, f"p_{name}") for name in servable.class_names]
    inputs = Schema([TensorSpec(np.dtype(object), (-1,))])
    if servable.columns is not None:
        names = [column["name"] for column in servable.columns]
        names += [servable.series["target"], servable.series["time"]] if servable.series else []
        inputs = Schema([ColSpec(DataType.string, name, required=False) for name in names])
    return ModelSignature(inputs=inputs, outputs=Schema(columns))


def _example(servable: Servable) -> np.ndarray | pd.DataFrame:
    """Made up, since a real one would be handed on with every copy of the model."""
    if servable.columns is not None:
        first = {column["name"]: [(column["categories"] or [0.0])[0]] for column in servable.columns}
        return pd.DataFrame(first, dtype=object)
    assert servable.image_size is not None
    return np.array([_drawn_photo(servable.image_size)], dtype=object)


def _drawn_photo(size: int) -> str:
    """Base64 of a PNG."""
    ramp = np.linspace(0, 255, size).astype(np.uint8)
    red, green = np.meshgrid(ramp, ramp)
    picture = io.BytesIO()
    Image.fromarray(np.stack([red, green, 255 - red], axis=-1)).save(picture, "PNG")
    return base64.b64encode(picture.getvalue()).decode("ascii")


def _requirements(servable: Servable) -> list[str]:
    networks = [name for name in NEEDED_BY_NETWORKS if name in servable.versions]
    models = servable.members or [Member(servable.file, 1.0, servable.network_inside)]
    has_network = any(one.network_inside or one.file.suffix == ".keras" for one in models)
    needed = [*NEEDED, *(networks if has_network else [])]
    hub = [f"{HUB_PACKAGE}=={version(HUB_PACKAGE)}"] if any(needs_hub(one.file) for one in models) else []
    return [f"{name}=={servable.versions[name]}" if name in servable.versions else name for name in needed] + hub
