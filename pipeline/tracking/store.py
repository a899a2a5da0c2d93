"""Where the runs are kept, and how it is opened: the tracking URI, a safe first start, the experiment.

MLflow is imported inside functions: it costs seconds, and most commands never need it.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.files import replacing
from pipeline.locks import hold

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger("kiyas")

DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
SQLITE = "sqlite:///"
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}  # else MLflow's pages open among its chat tools
CHECKOUT_FILE = Path(".kiyas/checkout")
ADVISORY_KEY = 0x6B697961  # "kiya": any number that no other program takes
SYNC_LOCK = Path(".kiyas/track.lock")

# Nothing is sent to anybody, and a server that does not answer is given up within a minute: its runs can always be
# written again from the files. What the environment already says goes first.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it would print the server's URL at the end of every run
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}


class TrackingError(ValueError):
    """The tracking store cannot be opened, read or written."""


@dataclass(frozen=True)
class Store:
    """An open store and the experiment that the parameters name."""

    client: MlflowClient
    experiment_id: str


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, else mlflow.db in the current folder; a SQLite path is made absolute.

    A workspace shares its parent's store because the command that starts it sets MLFLOW_TRACKING_URI.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{DATABASE}"
    path, mark, options = uri.removeprefix(SQLITE).partition("?")
    if not uri.startswith(SQLITE) or not path:
        return uri
    return f"{SQLITE}{Path(path).absolute()}{mark}{options}"


def checkout_id() -> str:
    """A name for this checkout that no other has: made up once and kept in .kiyas/checkout.

    It lies beside a SQLite store, so that a workspace, which shares its parent's store, shares its name too.
    """
    path = home() / CHECKOUT_FILE
    if not path.exists():
        name = uuid.uuid4().hex
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".checkout-{name}")
        temporary.write_text(name, encoding="utf-8")
        with suppress(FileExistsError):  # of several processes the first one names it
            os.link(temporary, path)
        temporary.unlink()
    return path.read_text(encoding="utf-8")


def import_mlflow() -> None:
    """Import what opening the store needs, for a caller that does not want to pay for it later, in another thread."""
    _set_environment()
    importlib.import_module("mlflow" if is_server(tracking_uri()) else "mlflow.store.tracking.sqlalchemy_store")


def open_store(experiment: str) -> Store:
    """The store at the tracking URI, initialised if it is new, with the experiment created or restored.

    Raises:
        TrackingError: the store cannot be opened; the message names it without its credentials.
    """
    _set_environment()
    uri = tracking_uri()
    with _explained(uri), _first_start(uri):
        client = _open_client(uri)
        return Store(client, _experiment_id(client, experiment, _artifact_location(uri, experiment)))


def is_there() -> bool:
    """Whether there is a store already; what is no SQLite file may be one."""
    database = _sqlite_path(tracking_uri())
    return database is None or database.exists()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """One process of a checkout at a time makes the store match the files: two at once would add everything twice."""
    with hold(home() / SYNC_LOCK):
        yield


def without_credentials(text: str) -> str:
    """A URI, or a text that quotes one, with neither user nor password in it."""
    text = re.sub(r"//\S*@", "//***@", text)  # to the last @: a password may hold one
    return re.sub(r"([?&](?:\w*passw(?:or)?d|\w*token|user)=)[^&\s'\")]+", r"\1***", text, flags=re.IGNORECASE)


def reason_of(error: BaseException) -> str:
    """The first line of what an exception says, without credentials."""
    return without_credentials(str(error).strip().partition("\n")[0]) or type(error).__name__


def is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _sqlite_path(uri: str) -> Path | None:
    path = uri.removeprefix(SQLITE).partition("?")[0]
    return Path(path) if uri.startswith(SQLITE) and path and ":memory:" not in path else None


def _artifact_location(uri: str, experiment: str) -> str | None:
    """mlartifacts/ beside the SQLite file (or in the checkout, for another database); a server decides for itself."""
    if is_server(uri):
        return None
    folder = re.sub(r"[^\w-]+", "-", experiment)  # a name such as "../x" must not lead out of the folder
    return (home(uri) / ARTIFACTS / folder).as_uri()


def home(uri: str | None = None) -> Path:
    """The folder of the SQLite file, or the checkout for another kind of store; of the tracking URI unless told."""
    return (_sqlite_path(uri or tracking_uri()) or Path(DATABASE).absolute()).parent


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        raise TrackingError(
            f"MLFLOW_TRACKING_URI = {without_credentials(uri)!r}: cannot open this store ({reason_of(error)}); start "
            f"the server, correct the variable, or unset it to use {DATABASE} in this folder"
        ) from None


@contextmanager
def _first_start(uri: str) -> Iterator[None]:
    """One process at a time: several that create the tables of a new database at once all fail."""
    if database := _sqlite_path(uri):
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

    _be_quiet()
    with replacing(database) as temporary:
        made = SqlAlchemyStore(f"{SQLITE}{temporary}", (database.parent / ARTIFACTS).as_uri())
        made.engine.dispose()


@contextmanager
def _advisory_lock(uri: str) -> Iterator[None]:
    """PostgreSQL lets go of it when the connection ends, however that comes about."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    with create_engine(uri, poolclass=NullPool).connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_KEY})
        yield


def _set_environment() -> None:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def _open_client(uri: str) -> MlflowClient:
    from mlflow import MlflowClient

    _be_quiet()
    return MlflowClient(uri, registry_uri=uri)


def _be_quiet() -> None:
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # it warns at every retry


def _experiment_id(client: MlflowClient, name: str, artifact_location: str | None) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name, artifact_location, EXPERIMENT_TAGS)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)  # another process was quicker
            assert found is not None
    if found.lifecycle_stage == "deleted":
        log.warning("the MLflow experiment %r had been deleted; it is restored, with its runs", name)
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)
