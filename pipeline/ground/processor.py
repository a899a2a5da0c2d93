"""What the processor can do, and which kernels TensorFlow is asked for on it."""

from __future__ import annotations

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
KERNELS = "TF_ENABLE_ONEDNN_OPTS"  # the environment variable that chooses oneDNN's; pipeline/__init__.py sets it


def processor_flags() -> set[str]:
    """What the processor's first core can do; cores of one machine are alike in this. Nothing where Linux is not."""
    try:
        with CPUINFO.open(encoding="utf-8") as lines:  # up to the first core's: there may be hundreds
            return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())
    except OSError:
        return set()
