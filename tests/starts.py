"""Commands, stages and processes without the seconds that each process of its own takes to import its libraries."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
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


def forked(work: Callable[[], object]) -> int:
    """Work in a process of its own that starts with all that is imported here; returns its number.

    It must use neither TensorFlow nor a database that is open here: neither can be carried into a child.
    """
    process = os.fork()
    if process == 0:
        status = 1
        signal.alarm(240)  # whoever waits for it waits no longer
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return process


def ended(process: int) -> int:
    """The exit code of a forked process, once it has ended; that of a signal is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def dvc(folder: Path, *arguments: str) -> str:
    """`dvc …` in a folder, in a process of its own that starts with DVC's imports; returns what it prints.

    Programs of this environment are found first, as the stages of a run find them.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = forked_dvc(folder, arguments, os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1"})
    assert done.returncode == 0, f"dvc {' '.join(arguments)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def forked_dvc(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """
    Args:
        environment: all of it.
    """
    import colorama
    from dvc.cli import main as dvc_main

    importlib.import_module("dvc.repo")  # what DVC imports once it knows its command
    given = dict(environment)  # which may be this process's own, emptied below

    def work() -> None:
        for number, name, file in ((1, "stdout", out), (2, "stderr", err)):
            os.dup2(file.fileno(), number)
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
            setattr(colorama.initialise, f"orig_{name}", getattr(sys, name))  # to which DVC goes back for JSON
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(given)
        code = dvc_main([*arguments])
        sys.stdout.flush()
        os._exit(code)

    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = ended(forked(work))
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess([*arguments], code, out.read(), err.read())
