"""What layers compute in while a network is built: float32, or bfloat16 with weights kept in float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Layers made inside take this Keras dtype policy, unless they state their own.

    Args:
        precision: "float32" or "mixed_bfloat16". bfloat16 has the range of float32, so no loss needs to be scaled.
    """
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
