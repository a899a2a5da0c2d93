"""The libraries that stages use, imported once. None of this project's own modules: each stage reads those anew."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

# The modules that take stages longest to import; whatever is missing here is imported by the stage, as ever.
PLAIN = (
    "numpy",
    "scipy.stats",
    "scipy.optimize",
    "pandas",
    "pyarrow.parquet",
    "sklearn",
    "skimage.feature",
    "skimage.color",
    "PIL.Image",
    "pydantic",
    "ruamel.yaml",
    "requests",
    "filelock",
    "psutil",
    "rich.console",
    "skops.io",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "mlflow",
    "mlflow.store.tracking.sqlalchemy_store",
)


def import_libraries(names: Sequence[str] = PLAIN) -> None:
    """Import modules, and every estimator of scikit-learn, whose names parameters are checked against at each start."""
    with uncollected():
        for name in names:
            importlib.import_module(name)
        importlib.import_module("sklearn.utils").all_estimators()


def import_keras_quietly() -> None:
    """TensorFlow greets from C++ before any logging can be set; what it raises still comes through.

    Meanwhile libraries are hidden that Keras imports where it finds them, for wrappers and plots that nobody uses here:
    they take a third of the time, and who needs them imports them afterwards.
    """
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        with _hidden("sklearn", "matplotlib", "pandas"):
            importlib.import_module("keras")
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Libraries make hundreds of thousands of objects while they are imported, all of which stay: to look through them
    for garbage takes a tenth of that time. Nor are they looked through afterwards, once for each process.
    """
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        gc.enable()


@contextlib.contextmanager
def _hidden(*libraries: str) -> Iterator[None]:
    """As if these libraries were not installed; those that are imported already stay as they are."""
    absent: dict[str, Any] = {name: None for name in libraries if name not in sys.modules}
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
