"""A stand-in for a constructor of keras.applications, small enough to build in a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest


@pytest.fixture
def tiny_constructor(monkeypatch: pytest.MonkeyPatch) -> Callable[..., keras.Model]:
    """keras.applications.Tiny: two convolutions and a BatchNorm that nobody named, then a named pooling."""

    def build(input_tensor: keras.KerasTensor | None = None, **options: Any) -> keras.Model:
        assert options["include_top"] is False
        image = keras.Input((None, None, 3)) if input_tensor is None else input_tensor
        x = keras.layers.Conv2D(4, 3)(image)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Conv2D(2, 1)(x)
        return keras.Model(keras.utils.get_source_inputs(image)[0], keras.layers.MaxPooling2D(name="tiny_pool")(x))

    monkeypatch.setattr(keras.applications, "Tiny", build, raising=False)
    return build
