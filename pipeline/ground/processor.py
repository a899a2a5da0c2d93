"""What the processor can do, and which kernels TensorFlow is asked for on it."""

from __future__ import annotations

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
KERNELS = "TF_ENABLE_ONEDNN_OPTS"  # the environment variable that chooses oneDNN's; pipeline/__init__.py sets it

# Instructions that multiply bfloat16 faster than float32, as Linux names them (`python -m benchmarks.precision`). By
# AVX512-BF16 alone Intel's processors gain nothing.
AMX, AVX512 = "amx_bf16", "avx512_bf16"
GAINS_BY_AVX512 = "AuthenticAMD"


def processor_flags() -> set[str]:
    """What the processor's first core can do; cores of one machine are alike in this. Nothing where Linux is not."""
    return set(_first_core("flags").split())


def bfloat16_instructions() -> str | None:
    """Those by which the processor multiplies bfloat16 faster than float32; None where it has none, or is unknown."""
    flags = processor_flags()
    if AVX512 in flags and _first_core("vendor_id") == GAINS_BY_AVX512:
        return AVX512
    return AMX if AMX in flags else None


def _first_core(key: str) -> str:
    try:
        with CPUINFO.open(encoding="utf-8") as lines:  # up to the first core's: there may be hundreds
            fields = (line.partition(":") for line in lines)
            return next((value.strip() for name, _, value in fields if name.strip() == key), "")
    except OSError:
        return ""
