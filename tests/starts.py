"""Commands and stages without the seconds that each process of its own takes to import its libraries."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.configuration.loading import load_params
from pipeline.forking.run import fork_server
from pipeline.operations.planning.expansion import stages_of

# A program that Ctrl-C ends in its own time; a file says that it has begun, another that it has ended well.
STOPPING_SLOWLY = """
import pathlib, time
try:
    pathlib.Path("begun").touch()
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    pathlib.Path("put in order").touch()
    raise SystemExit(255)
"""


def call(checkout: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m pipeline …` in a checkout, in this process.

    Args:
        environment: all of it.
    """
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(checkout)
        for name in os.environ.keys() - environment.keys():
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*arguments])
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def repro(checkout: Path, environment: Mapping[str, str], *arguments: str) -> None:
    """`dvc repro` of several stages without networks, forked from one process as those of a run are.

    Args:
        environment: all of it.
        arguments: of `dvc repro`.
    """
    with contextlib.chdir(checkout):
        stages = [stage.name for stage in stages_of(load_params())]
        with fork_server(environment, stages, ()) as given:
            command = [sys.executable, "-m", "dvc", "repro", *arguments]
            done = subprocess.run(command, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
