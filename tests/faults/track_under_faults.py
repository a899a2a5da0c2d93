"""`track` with calls that fail, in a checkout in miniature; started with benchmarks/survival/shim.c.

    LD_PRELOAD=… python -m tests.faults.track_under_faults CONTROL CHECKOUT

The file system of MLflow's artifacts is full; then what is left of that is made up for by calls of which many write a
part only. Prints JSON: how many calls failed, and a line for whatever was not survived.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import sys
import traceback
from pathlib import Path

from benchmarks.survival.miniature import State, state_of
from benchmarks.survival.shim import SHORT, Control, read_control, write_control
from pipeline.ground.system_faults import sentence
from pipeline.operations import track
from pipeline.tracking.store import import_mlflow
from tests.tracking.simulated import simulate, small_params

FULL = Control(fault=errno.ENOSPC, at=4, lasts=1, part=1)  # where artifacts are
PARTS = Control(fault=SHORT, share=150_000, seed=1)  # of a million calls


def main() -> None:
    control, checkout = Path(sys.argv[1]), Path(sys.argv[2])
    os.chdir(checkout)
    simulate(small_params())
    import_mlflow()  # but nothing is opened here: a database must not be carried into a child
    before = set(os.listdir())
    _track()
    undisturbed, told, struck = _state(), list[str](), list[int]()
    for path in set(os.listdir()) - before:
        shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink()
    for fault in (FULL, PARTS):
        write_control(control, fault)
        status, said = _track()
        struck.append(read_control(control).struck)
        write_control(control, Control())
        if status and ("\n" in said or fault is PARTS or "no space left on device; make room" not in said):
            told.append(said)
    print(json.dumps({"struck": struck, "faults": told + _state().differences(undisturbed)}))


def _track() -> tuple[int, str]:
    """(1 where it failed, what is told of it), in a child of this process, which has imported what takes seconds."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 0
        try:
            track.run()
        except (ValueError, OSError) as error:
            status = 1
            os.write(writing, sentence(error).encode())
        except BaseException:
            status = 1
            os.write(writing, traceback.format_exc().encode()[-4000:])
        os._exit(status)
    os.close(writing)
    with open(reading, encoding="utf-8") as told:
        said = told.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def _state() -> State:
    """Without the files of the database's journal, which whoever opens it next puts away."""
    sqlite3.connect("mlflow.db").execute("pragma wal_checkpoint(truncate)")
    return state_of(Path())


if __name__ == "__main__":
    main()
