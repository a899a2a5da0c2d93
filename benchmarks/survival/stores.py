"""MLflow's database with bytes that were changed: `track` makes it right, or names it and what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from functools import cache
from pathlib import Path
from unittest import mock

from pipeline.configuration.loading import load_params
from pipeline.tracking.store import TrackingError
from pipeline.tracking.sync import sync

REMEDY = "elsewhere, and `python -m pipeline track` makes it anew"


def databases() -> list[bytes]:
    """One, with the runs of two candidates."""
    checkout = _checkout()
    connection = sqlite3.connect(checkout / "mlflow.db")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.execute("pragma journal_mode = delete")  # or an empty journal would be looked for beside each copy
    connection.close()
    return [(checkout / "mlflow.db").read_bytes()]


def read_database(file: Path) -> None:
    """
    Raises:
        TrackingError: it is damaged; with what brings it back.
    """
    with chdir(_checkout()), _stored_in(file):
        try:
            sync(load_params())
        except TrackingError as error:
            if REMEDY not in str(error) or str(file) not in str(error):
                raise RuntimeError(f"without its remedy: {error}") from error
            raise


@contextmanager
def _stored_in(file: Path) -> Iterator[None]:
    with mock.patch.dict(os.environ, {"MLFLOW_TRACKING_URI": f"sqlite:///{file}"}):
        yield


@cache
def _checkout() -> Path:
    """With results of two candidates; it stays until this process ends."""
    from tests.tracking.simulated import simulate, small_params

    home = tempfile.TemporaryDirectory(prefix="kiyas-store-")
    KEPT.append(home)
    folder = Path(home.name)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(name, folder)
    (folder / "pipeline").symlink_to(Path("pipeline").resolve())
    with chdir(folder), _stored_in(folder / "mlflow.db"):
        simulate(small_params())
        sync(load_params())
    return folder


KEPT: list[tempfile.TemporaryDirectory[str]] = []
