"""Opening the tracking store: a safe first start, and the experiment.

MLflow is imported inside functions: it costs seconds, and most commands never need it.
"""

from __future__ import annotations

import importlib
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.credentials import without_credentials
from pipeline.ground.files import replacing
from pipeline.ground.locks import hold
from pipeline.ground.system_faults import owners_remedy
from pipeline.mlflow_environment import set_mlflow_environment
from pipeline.tracking.address import (
    ARTIFACTS,
    DATABASE,
    SQLITE,
    artifact_location,
    home_of,
    is_server,
    reason_of,
    sqlite_file,
    tracking_uri,
)
from pipeline.tracking.moved import follow_move

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger("kiyas")

EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}  # else MLflow's pages open among its chat tools
ADVISORY_KEY = 0x6B697961  # "kiya": any number that no other program takes
OTHER_STORE = f"start the server, correct the variable, or unset it to use {DATABASE} in this folder"
DAMAGED = ("malformed", "not a database", "disk I/O error", "no such table", "unsupported file")  # as SQLite says it
SYNC_LOCK = Path(".kiyas/track.lock")


class TrackingError(ValueError):
    """The tracking store cannot be opened, read or written."""


@dataclass(frozen=True)
class Store:
    """An open store and the experiment that the parameters name."""

    client: MlflowClient
    experiment_id: str


def import_mlflow() -> None:
    """Import what opening the store needs, for a caller that does not want to pay for it later, in another thread."""
    set_mlflow_environment()
    importlib.import_module("mlflow" if is_server(tracking_uri()) else "mlflow.store.tracking.sqlalchemy_store")


def open_store(experiment: str) -> Store:
    """The store at the tracking URI, initialised if it is new, with the experiment created or restored.

    Raises:
        TrackingError: the store cannot be opened; the message names it without its credentials.
    """
    set_mlflow_environment()
    uri = tracking_uri()
    with _explained(uri), _first_start(uri):
        client, location = _open_client(uri), artifact_location(uri, experiment)
        store = Store(client, _experiment_id(client, experiment, location))
        _follow_move(store, sqlite_file(uri), location)
        return store


def _follow_move(store: Store, database: Path | None, location: str | None) -> None:
    """A checkout may be moved with its store and its artifacts."""
    before = store.client.get_experiment(store.experiment_id).artifact_location
    if database and location and follow_move(database, before, location):
        log.info("MLflow's artifacts are found in %s again: the checkout was moved", location)


def is_there() -> bool:
    """Whether there is a store already; what is no SQLite file may be one."""
    database = sqlite_file(tracking_uri())
    return database is None or database.exists()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """One process of a checkout at a time makes the store match the files: two at once would add everything twice."""
    with hold(home_of(tracking_uri()) / SYNC_LOCK):
        yield


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Whatever fails in the block becomes a TrackingError that names the store."""
    try:
        yield
    except Exception as error:  # of a damaged database not even SQLite's message can be read
        raise TrackingError(
            f"MLFLOW_TRACKING_URI = {without_credentials(uri)!r}: cannot open this store ({reason_of(error)}); "
            f"{damage_remedy(error) or OTHER_STORE}"
        ) from error


def damage_remedy(error: BaseException) -> str | None:
    """What to do about a SQLite store that is another user's, cut off or damaged; None where it is none of that."""
    database = sqlite_file(tracking_uri())
    if database is not None and (remedy := owners_remedy(database)):
        return remedy
    if database is None or not (any(word in str(error) for word in DAMAGED) or _is_damaged(database)):
        return None
    return _make_anew(database)


def how_to_go_on(error: BaseException) -> str:
    """What to do where the store failed while runs were written."""
    again, database = "run `python -m pipeline track` again", sqlite_file(tracking_uri())
    if (remedy := damage_remedy(error)) or database is None:
        return remedy or again
    # What stands in a row may be damaged too, and SQLite does not know that.
    return f"{again}; where it ends so again, {_make_anew(database)}"


def _make_anew(database: Path) -> str:
    return f"move {database} elsewhere, and `python -m pipeline track` makes it anew from the files on disk"


def _is_damaged(database: Path) -> bool:
    """Whether SQLite finds its file damaged: MLflow fails in many ways of what it reads there."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("pragma integrity_check(1)").fetchone() != ("ok",))
    except sqlite3.OperationalError:  # another process has it, or it is not there
        return False
    except (sqlite3.DatabaseError, UnicodeDecodeError):  # the latter of its own message, which quotes what is damaged
        return True


@contextmanager
def _first_start(uri: str) -> Iterator[None]:
    """One process at a time: several that create the tables of a new database at once all fail."""
    if database := sqlite_file(uri):
        with hold(database.with_name(f"{database.name}.lock")):
            if not database.exists():
                _make_tables(database)
            yield
    elif uri.startswith("postgresql"):
        with _advisory_lock(uri):
            yield
    else:
        yield  # a server has made its tables before it answers


def _make_tables(database: Path) -> None:
    """Under another name first: MLflow makes them one by one, and cannot open what a killed process left half-made."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    _quieten()
    with replacing(database) as temporary:
        temporary.touch()  # else SQLite makes it, for its owner alone, whatever the umask of a shared checkout says
        store = SqlAlchemyStore(f"{SQLITE}{temporary}", (database.parent / ARTIFACTS).as_uri())
        store.engine.dispose()


@contextmanager
def _advisory_lock(uri: str) -> Iterator[None]:
    """PostgreSQL lets go of it when the connection ends, however that comes about."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    with create_engine(uri, poolclass=NullPool).connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_KEY})
        yield


def _open_client(uri: str) -> MlflowClient:
    from mlflow import MlflowClient

    _quieten()
    return MlflowClient(uri, registry_uri=uri)


def _quieten() -> None:
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it tells tracebacks of what is raised, too
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # it warns at every retry


def _experiment_id(client: MlflowClient, name: str, location: str | None) -> str:
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name, location, EXPERIMENT_TAGS)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(name)  # another process was quicker
            assert experiment is not None
    if experiment.lifecycle_stage == "deleted":
        log.warning("the MLflow experiment %r had been deleted; it is restored, with its runs", name)
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)
