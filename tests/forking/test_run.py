"""The server of a run, with the libraries: what its forks find, and when there is none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pipeline.forking.libraries import PLAIN
from pipeline.forking.messages import ADDRESS
from pipeline.forking.run import NOTES, fork_server

ROOT = Path(__file__).resolve().parents[2]
CALCULATE = """
import json, os, subprocess, sys
before = sorted(sys.modules)
import numpy as np
product = float((np.ones((500, 500)) @ np.ones((500, 500))).sum())  # of which each thread has a part
if "tensorflow" in before:
    import tensorflow as tf
    product = float(tf.reduce_sum(tf.linalg.matmul(tf.ones((500, 500)), tf.ones((500, 500)))))
command = [sys.executable, "-m", "pipeline.forking.client", "pipeline.nested"]
environment = {name: value for name, value in os.environ.items() if name != "KIYAS_FORKED"}
nested = subprocess.check_output(command, env=environment, text=True).strip()
print(json.dumps({"before": before, "product": product, "forked": "KIYAS_FORKED" in os.environ, "nested": nested}))
"""
STAGES = ["prepare", "baseline@logistic_hog", "cnn@lecture"]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")
def test_stages_find_the_libraries_that_they_use_and_nothing_of_this_project(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "pipeline/forking", tmp_path / "pipeline/forking")
    shutil.copy(ROOT / "pipeline/__init__.py", tmp_path / "pipeline")
    (tmp_path / "pipeline/__main__.py").write_text(
        "import sys\nfrom pipeline.forking.client import run_forked\n"
        f"if (status := run_forked('pipeline', sys.argv[1:])) is not None:\n    sys.exit(status)\n{CALCULATE}"
    )
    (tmp_path / "pipeline/nested.py").write_text("import os\nprint('KIYAS_FORKED' in os.environ)\n")
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        with fork_server(os.environ, STAGES, ["cnn@lecture"]) as environment:
            _await_sockets(environment[ADDRESS])
            found = {}
            for stage in STAGES[1:]:
                command = [sys.executable, "-m", "pipeline", "stage"]
                said = subprocess.check_output(command, env=environment | {"DVC_STAGE": stage})
                found[stage] = json.loads(said)
    finally:
        os.chdir(before)
    for stage in STAGES[1:]:
        assert found[stage]["forked"] and found[stage]["product"] == 500**3
        assert found[stage]["nested"] == "True", (tmp_path / NOTES).read_text()
        assert set(PLAIN) <= set(found[stage]["before"])
        own = [name for name in found[stage]["before"] if name.startswith("pipeline.")]
        assert all(name.startswith("pipeline.forking") for name in own), own
    assert "keras" in found["cnn@lecture"]["before"] and "tensorflow" not in found["baseline@logistic_hog"]["before"]
    name = environment[ADDRESS]
    end = time.monotonic() + 30
    while any(name in _command_line(process) for process in psutil.process_iter()):
        assert time.monotonic() < end, "the servers are still there"
        time.sleep(0.1)


def test_a_run_of_few_stages_has_none() -> None:
    with fork_server({"A": "1"}, STAGES[:2], ()) as environment:
        assert environment == {"A": "1"}


def test_nor_has_a_system_whose_libraries_may_not_bear_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with fork_server({"A": "1"}, STAGES, ()) as environment:
        assert environment == {"A": "1"}


def _await_sockets(name: str) -> None:
    end = time.monotonic() + 120
    while Path("/proc/net/unix").read_text().count(name) < 2:
        assert time.monotonic() < end
        time.sleep(0.1)


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if process.status() != psutil.STATUS_ZOMBIE else []
    except psutil.Error:
        return []
