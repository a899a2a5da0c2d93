"""Faults of single calls: `write`, `fsync` or `close` of a file in one folder fails, or writes a part of it.

shim.c does that in every process that is started with `variables`, at the call that `Control` names, or at drawn ones.
"""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import struct
import subprocess
from dataclasses import astuple, dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
NEEDED = "needs a C compiler as `cc` and Linux, for faults of single calls (benchmarks/survival/shim.c)"
SHORT = 1
FAULTS = {"short writes": SHORT, "input/output errors": errno.EIO, "no space left": errno.ENOSPC}


@dataclass
class Control:
    """What is to fail, as shim.c reads it; see there for the fields."""

    seen: int = 0
    at: int = 0
    fault: int = 0
    lasts: int = 0
    share: int = 0
    seed: int = 0
    struck: int = 0
    clock: int = 0
    part: int = 0


LAYOUT = struct.Struct(f"={len(astuple(Control()))}q")


class Shim:
    """shim.c, compiled, and the file by which it is told what is to fail.

    Args:
        folder: gets both; it lies outside of where faults strike.

    Raises:
        RuntimeError: it cannot be compiled here.
    """

    def __init__(self, folder: Path) -> None:
        if reason := missing():
            raise RuntimeError(reason)
        self.library, self.file = folder / "shim.so", folder / "shim.control"
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(self.library), str(SOURCE), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{SOURCE} cannot be compiled: {done.stderr[-400:]}")
        self.file.write_bytes(LAYOUT.pack(*astuple(Control())))

    def variables(self, under: Path, part: str = "") -> dict[str, str]:
        """Of the environment of a process in which calls for files in a folder are to fail.

        Args:
            part: what is in the paths of those that `Control.part` leaves.
        """
        told = {"KIYAS_SHIM": str(self.file), "KIYAS_SHIM_UNDER": str(under.resolve()), "KIYAS_SHIM_PART": part}
        return {"LD_PRELOAD": str(self.library), **told}

    def set(self, control: Control) -> None:
        write_control(self.file, control)

    def get(self) -> Control:
        return read_control(self.file)


def missing() -> str | None:
    """Why there is none here; None where there can be one."""
    return None if os.name == "posix" and os.uname().sysname == "Linux" and shutil.which("cc") else NEEDED


def write_control(file: Path, control: Control) -> None:
    with file.open("r+b") as stream, mmap.mmap(stream.fileno(), LAYOUT.size) as shared:
        shared[:] = LAYOUT.pack(*astuple(control))


def read_control(file: Path) -> Control:
    return Control(*LAYOUT.unpack(file.read_bytes()))
