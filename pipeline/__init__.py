"""Kıyas: which model should I train? Measured on the reader's own data.

May import nothing of this project.

TensorFlow takes oneDNN's kernels by itself only where a processor has instructions made for networks, such as
AVX512-VNNI. On others Eigen's stand in, and a training step of a ResNet50 takes twice as long (`python -m
benchmarks.onednn`). TensorFlow looks at the variable when it is loaded, so it is set before anything else is; one that
is set already stays. What these kernels compute wrongly is refused (models/networks/kernels.py).

Before 3.12.8 and 3.13.1 Python puts compiled code into its place of which a full disk took only the beginning, and then
no command starts any more: "EOFError: marshal data too short" (gh-126606). Its own function is replaced there by one
that notices. This module's own compiled code is written before that; it fits into one block, which a disk takes whole
or not at all.
"""

import importlib._bootstrap_external
import os
import platform
import sys

if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def _write_whole(path: str, data: bytes, mode: int = 0o666) -> None:
    """Write a file whole or not at all.

    Raises:
        OSError: the disk did not take all of it; the importing module goes on without.
    """
    partial = f"{path}.{os.getpid()}"
    descriptor = os.open(partial, os.O_EXCL | os.O_CREAT | os.O_WRONLY, mode & 0o666)
    try:
        with open(descriptor, "wb") as file:  # buffered: goes on until all is written, or raises
            file.write(data)
        os.replace(partial, path)
    except OSError:
        os.unlink(partial)
        raise


if sys.version_info < (3, 13, 1):
    importlib._bootstrap_external._write_atomic = _write_whole  # type: ignore[attr-defined]
