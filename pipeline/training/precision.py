"""float32 or bfloat16: with `auto`, networks of photos take bfloat16 where the machine is made for it.

What decides is what the machine can do, never a clock: the same kind of machine always decides alike. The figures that
the rule follows are those of `python -m benchmarks.precision`.
"""

from __future__ import annotations

import logging

from pipeline.ground.processor import bfloat16_instructions

PRECISIONS = ["float32", "mixed_bfloat16"]
COMPUTE_CAPABILITY = (8, 0)  # of NVIDIA's GPUs, from which on they have bfloat16

log = logging.getLogger("kiyas")


def choose_precision(wanted: str, kind: str) -> str:
    """What a network computes in: "float32" or "mixed_bfloat16".

    Networks of tables and series stay in float32: their few small products gain nothing from shorter numbers.

    Args:
        wanted: `training.precision`; only for "auto" is anything decided here.
        kind: of data, "images", "table" or "series".
    """
    if wanted != "auto":
        return wanted
    chosen = PRECISIONS[kind == "images" and has_bfloat16()]
    log.info("precision: %s", chosen)
    return chosen


def has_bfloat16() -> bool:
    """Whether what TensorFlow computes on is made for bfloat16: the GPUs if there are any, else the processor.

    Only Linux says what its processor can do; elsewhere it counts as having none.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    capabilities = [tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus]
    return min(capabilities) >= COMPUTE_CAPABILITY if gpus else bfloat16_instructions() is not None
