"""Kıyas: which model should I train? Measured on the reader's own data.

May import nothing of this project.

TensorFlow takes oneDNN's kernels by itself only where a processor has instructions made for networks, such as
AVX512-VNNI. On others Eigen's stand in, and a training step of a ResNet50 takes twice as long (`python -m
benchmarks.onednn`). TensorFlow looks at the variable when it is loaded, so it is set before anything else is; one that
is set already stays. What these kernels compute wrongly is refused (models/networks/kernels.py).

Python puts compiled code into its place even where a full disk took only the beginning of it (seen with 3.11), and then
no command starts any more: "EOFError: marshal data too short". So none is written where little room is left.
"""

import os
import platform
import sys

ROOM_FOR_COMPILED = 64 * 1024**2  # bytes; all of this project's take 5 MB

if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

if hasattr(os, "statvfs"):  # Windows has none
    _disk = os.statvfs(os.path.dirname(__file__))
    if _disk.f_bavail * _disk.f_frsize < ROOM_FOR_COMPILED:
        sys.dont_write_bytecode = True
