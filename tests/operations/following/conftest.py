"""A checkout of DVC as the current folder, once for the tests that run stages, and results of made-up candidates."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def simulation() -> ModuleType:
    """The made-up results of tests/comparison."""
    return module_at(Path(__file__).parents[2] / "comparison/conftest.py", "simulated_comparison")


def module_at(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("graph")
    module_at(Path(__file__).with_name("graph.py"), "small_graph").write_checkout(folder)
    with contextlib.chdir(folder):
        yield folder
