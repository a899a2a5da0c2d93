"""A SQLite store of one's own for each test; the tables are made once, since that takes seconds."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.configuration.whole import Params
from pipeline.tracking.live import writer
from tests.tracking.servers import free_port
from tests.tracking.simulated import simulate, small_params


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with MLflow's tables and nothing in them."""
    from pipeline.tracking.store import open_store

    database = tmp_path_factory.mktemp("store") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
        open_store("unused")
    return database


@pytest.fixture
def database(checkout: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout's own mlflow.db, initialised; nothing in the environment points elsewhere."""
    for variable in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(variable, raising=False)
    return Path(shutil.copy(empty_store, checkout / "mlflow.db"))


@pytest.fixture
def params(database: Path) -> Params:
    """Parameters of two candidates of two seeds each."""
    return small_params()


@pytest.fixture
def simulated(params: Params) -> Params:
    """The same, with everything that the stages would have left on disk."""
    simulate(params)
    return params


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live logging as in a process that has not warned yet, and none that goes on into the next test.

    What can be written is waited for, however busy the machine is; tests of giving up say themselves when.
    """
    monkeypatch.setattr(writer, "LONGEST_WAIT", 120.0)
    monkeypatch.setattr(writer, "process", writer.Process(waiting_left=600.0))
    yield
    for thread in threading.enumerate():
        if thread.name == "mlflow":
            thread.join(120)
            assert not thread.is_alive()


@pytest.fixture
def closed_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port of this machine where nobody answers, and no pause between MLflow's attempts."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return free_port()


@pytest.fixture(autouse=True, scope="session")
def hasty_sqlite() -> Iterator[None]:
    """SQLite does not wait for the disk: half of a test's time, and a power cut is not what is tested."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def hurry(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", hurry)
    yield
    event.remove(Engine, "connect", hurry)
