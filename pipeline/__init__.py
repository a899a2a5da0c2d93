"""Kıyas: which model should I train? Measured on the reader's own data.

May import nothing of this project.

TensorFlow takes oneDNN's kernels by itself only where a processor has instructions made for networks, such as
AVX512-VNNI. On others Eigen's stand in, and a training step of a ResNet50 takes twice as long (`python -m
benchmarks.onednn`). TensorFlow looks at the variable when it is loaded, so it is set before anything else is; one that
is set already stays. What these kernels compute wrongly is refused (models/networks/kernels.py).
"""

import os
import platform

if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
