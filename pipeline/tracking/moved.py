"""A store whose checkout was moved: MLflow keeps absolute addresses of artifacts, which lead to where it was before.

MLflow has no call that changes an address, so they are changed in its tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from pipeline.tracking.address import SQLITE


def follow_move(database: Path, before: str, now: str) -> bool:
    """Let all artifacts below one address be found below another; returns whether that was due.

    Nothing is done while the old folder is there, or where the new one is not: then nothing was moved.

    Args:
        database: MLflow's SQLite file.
        before: a file:// address of artifacts, as the store has it.
        now: where they are to be by the place of the database.
    """
    if before == now or not before.startswith("file:") or _folder(before).exists() or not _folder(now).is_dir():
        return False
    from mlflow.store.tracking.dbmodels.models import SqlExperiment, SqlLoggedModel, SqlRun
    from sqlalchemy import create_engine, func, update

    engine = create_engine(f"{SQLITE}{database}")
    addresses: list[tuple[Any, Any]] = [
        (SqlExperiment, SqlExperiment.artifact_location),
        (SqlRun, SqlRun.artifact_uri),
        (SqlLoggedModel, SqlLoggedModel.artifact_location),
    ]
    with engine.begin() as connection:
        for table, column in addresses:
            below = column.startswith(f"{before}/", autoescape=True) | (column == before)
            moved = now + func.substr(column, len(before) + 1)
            connection.execute(update(table).where(below).values({column.key: moved}))
    engine.dispose()
    return True


def _folder(address: str) -> Path:
    return Path(unquote(urlparse(address).path))
