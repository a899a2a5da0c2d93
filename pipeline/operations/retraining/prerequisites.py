"""What a retraining needs before it starts: the data that .dvc files name, and stores that outlive the machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pipeline.champions.log import POINTER
from pipeline.datasets.accepted import ACCEPTED
from pipeline.dvc_command import VersioningError, default_remote, run_dvc
from pipeline.models.backbone_files.archive import FOLDER
from pipeline.params.schema.backbones import BackboneFile, load_backbone
from pipeline.params.schema.reading import read_yaml
from pipeline.params.schema.rows import row_names
from pipeline.tracking.address import is_server, tracking_uri

PARAMS = Path("params.yaml")


class PrerequisiteError(ValueError):
    """Something that a retraining needs is missing."""


def refuse_forgetful_runner() -> None:
    """A GitHub Actions runner is thrown away: without a DVC remote and a tracking server all would be lost.

    Raises:
        PrerequisiteError: naming what is missing there.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    missing = []
    if default_remote() is None:
        missing.append("a DVC remote (`dvc remote add --default storage s3://…`, and its credentials as secrets)")
    if not _outlives_the_runner(tracking_uri()):
        missing.append("a tracking server (MLFLOW_TRACKING_URI=https://…)")
    if missing:
        raise PrerequisiteError(f"this runner keeps nothing, so retraining needs {' and '.join(missing)}")


def bring_data() -> None:
    """Bring what the checkout's .dvc files name and is not here: one's own data and backbones, champions, batches.

    Raises:
        PrerequisiteError: they are in no cache here, and there is no remote; or it does not have them.
    """
    missing = missing_data()
    if missing:
        _quietly("checkout", *map(str, missing))
        missing = missing_data()
    if not missing:
        return
    named = ", ".join(map(str, missing))
    if default_remote() is None:
        raise PrerequisiteError(
            f"{named}: what this names is not here, as in a fresh clone; say where it is kept: "
            "`dvc remote add --default storage URL`, then call again"
        )
    try:
        run_dvc("pull", *map(str, missing))
    except VersioningError as error:
        raise PrerequisiteError(f"{named}: the DVC remote does not have what this names: {error}") from None


def bring_comparison() -> None:
    """The last full comparison, where it is not here and a remote may have it: it says what else is worth training."""
    files = ["comparison/ranking.csv", "comparison/verdict.json"]
    if not all(Path(file).is_file() for file in files) and default_remote():
        _quietly("pull", *files)


def missing_data() -> list[Path]:
    """Pointers without what they point to."""
    pointers = [*_pointer_to_own_data(), *_pointers_to_own_backbones(), POINTER, *sorted(ACCEPTED.glob("*.dvc"))]
    return [pointer for pointer in pointers if pointer.is_file() and not pointer.with_suffix("").exists()]


def _pointer_to_own_data() -> list[Path]:
    """Where `dvc add` of data.path leaves its pointer."""
    path = _given("data", "path")
    return [Path(f"{path.rstrip('/')}.dvc")] if isinstance(path, str) and path.rstrip("/") else []


def _pointers_to_own_backbones() -> list[Path]:
    """Where `dvc add` leaves those of files that compete, or that of a folder of them."""
    named, known = _given("finetune", "backbones"), row_names("backbones.yaml")
    rows = [load_backbone(name) for name in named if name in known] if isinstance(named, list) else []
    files = [FOLDER / row.file for row in rows if isinstance(row, BackboneFile)]
    places = [place for file in files for place in (file, *file.parents) if FOLDER in (place, *place.parents)]
    return [place.with_name(f"{place.name}.dvc") for place in dict.fromkeys(places)]


def _given(section: str, key: str) -> Any:
    """What params.yaml has, read unchecked: its check wants what is brought here."""
    content = read_yaml(PARAMS).get(section) if PARAMS.is_file() else None
    return content.get(key) if isinstance(content, dict) else None


def _outlives_the_runner(uri: str) -> bool:
    """A server, or a database elsewhere."""
    return is_server(uri) or (not uri.startswith("sqlite:") and "://" in uri and not uri.startswith("file:"))


def _quietly(*arguments: str) -> None:
    try:
        run_dvc(*arguments)
    except VersioningError:
        return
