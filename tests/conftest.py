"""What several test folders share: a miniature checkout, a browser, a pretrained network small enough to be built."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pipeline  # noqa: F401  tells TensorFlow which kernels to take, before a test's file loads it
from pipeline.ground.files import replacing
from pipeline.ground.locks import hold
from pipeline.tracking import store

if TYPE_CHECKING:
    import keras

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:  # one of several: it computes on one core, and so does whatever it starts
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

ROOT = Path(__file__).resolve().parents[1]
LONGEST = (  # first
    "test_end_to_end.py",
    "operations/scaling/test_ray.py",
    "operations/checking/test_candidate.py",
    "operations/retraining/test_on_a_runner.py",
    "operations/retraining/test_life.py",
    "tracking/test_server.py",
    "operations/retraining/test_life_of_a_table.py",
    "training/test_trainer.py",
    "stages/test_tables.py",
    "operations/starting/test_start.py",
    "tracking/test_with_dvc.py",
    "training/test_checkpoint.py",
    "stages/test_switches.py",
)
PATH: list[str] = []  # as it is when all test files are imported


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers begin with the files that take longest, so that none of these is still running alone at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = {ROOT / "tests" / file: number for number, file in enumerate(LONGEST)}
        items.sort(key=lambda item: place.get(item.path, len(LONGEST)))


def pytest_collection() -> None:
    """Importing all test files makes no garbage, but hundreds of thousands of objects to look through."""
    gc.disable()


def pytest_collection_finish() -> None:
    """They stay to the end, so Python need not look through them each time it collects garbage."""
    gc.freeze()
    gc.enable()
    PATH[:] = sys.path


@pytest.fixture
def code_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that holds no code of this project, what starts DVC still finds it."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """What libraries leave in the process: MLflow the code of a model on the path, where processes that a later test
    starts would find it first; DVC loggers that write to the captured output of the test that called it."""
    loggers = [logging.getLogger(name) for name in ("dvc", "dvc_data", "dvc_objects", "dvc_task")]
    handlers = [list(logger.handlers) for logger in loggers]
    yield
    sys.path[:] = PATH  # and not as it was before the test, since fixtures of its module load models, too
    for logger, before in zip(loggers, handlers, strict=True):
        logger.handlers[:] = before


@pytest.fixture(autouse=True, scope="session")
def tables_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], None]]:
    """A new database of MLflow's is a copy of one, since its tables take seconds; yields what makes them really."""
    own = tmp_path_factory.getbasetemp()
    template = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "tables/mlflow.db"
    template.parent.mkdir(exist_ok=True)
    really = store._make_tables

    def copy_tables(database: Path) -> None:
        if not template.exists():
            with hold(template.with_suffix(".lock")):
                if not template.exists():
                    really(template)
        with replacing(database) as temporary:
            shutil.copyfile(template, temporary)
            with contextlib.closing(sqlite3.connect(temporary)) as copy, copy:
                artifacts = (database.parent / store.ARTIFACTS / "0").as_uri()
                copy.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", [artifacts])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_make_tables", copy_tables)
        yield really


@pytest.fixture
def real_tables(tables_made_once: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what happens while MLflow makes its tables."""
    monkeypatch.setattr(store, "_make_tables", tables_made_once)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with this project's params.yaml and dvc.yaml, as the current directory."""
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "pipeline").symlink_to(ROOT / "pipeline")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def chromium() -> str:
    """Its path. Without it the test is skipped, or fails where KIYAS_NEEDS_CHROMIUM says that it was installed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        give_up = pytest.fail if os.environ.get("KIYAS_NEEDS_CHROMIUM") else pytest.skip
        give_up("there is no Chromium here")
    return str(path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window; tests that need it are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium()
    options = ["--no-sandbox", "--disable-gpu"]
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=path, args=options, timeout=120_000)
        yield launched
        launched.close()


def tiny_network(input_tensor: keras.KerasTensor | None = None, **options: Any) -> keras.Model:
    """As keras.applications builds them: two convolutions and a BatchNorm that nobody named, then a named pooling."""
    import keras

    assert options["include_top"] is False
    image = keras.Input((None, None, 3)) if input_tensor is None else input_tensor
    x = keras.layers.Conv2D(4, 3)(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2D(2, 1)(x)
    return keras.Model(keras.utils.get_source_inputs(image)[0], keras.layers.MaxPooling2D(name="tiny_pool")(x))


@pytest.fixture
def tiny_constructor(monkeypatch: pytest.MonkeyPatch) -> Callable[..., keras.Model]:
    """keras.applications.Tiny."""
    import keras

    monkeypatch.setattr(keras.applications, "Tiny", tiny_network, raising=False)
    return tiny_network
