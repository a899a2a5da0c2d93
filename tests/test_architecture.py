"""The house has six floors and imports go downwards only; what does not train starts without TensorFlow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ["tensorflow", "keras"]
HELP = """
import contextlib, runpy
sys.argv = ["pipeline", "--help"]
with contextlib.suppress(SystemExit):
    runpy.run_module("pipeline", run_name="__main__")
"""


def test_imports_go_downwards_only() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    "module",
    ["pipeline.stages.prepare", "pipeline.stages.compare", "pipeline.operations.track", "pipeline.params.loading"],
)
def test_what_does_not_train_starts_without_tensorflow(module: str) -> None:
    assert heavy_packages_after(f"import {module}") == []


def test_help_starts_without_tensorflow() -> None:
    assert heavy_packages_after(HELP) == []


def heavy_packages_after(code: str) -> list[str]:
    """Which of HEAVY a fresh interpreter has loaded after running `code`."""
    report = f"print()\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    command = [sys.executable, "-c", f"import sys\n{code}\n{report}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()
