"""Made-up photos that a classical model can tell apart, and a pretrained network small enough to build in a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import keras

COLOURS = [(200, 60, 60), (60, 200, 60), (60, 60, 200)]


@pytest.fixture(scope="session")
def photos() -> tuple[np.ndarray, np.ndarray]:
    """48 noisy photos, (48, 40, 40, 3), of three colours, and their labels; a few wear a colour that is not theirs."""
    random = np.random.default_rng(7)
    labels = np.arange(48, dtype=np.int64) % 3
    worn = np.where(np.arange(48) % 10 == 9, (labels + 1) % 3, labels)
    images = np.array(COLOURS)[worn][:, None, None, :] + random.normal(0, 40, (48, 40, 40, 3))
    return images.clip(0, 255).astype(np.uint8), labels


@pytest.fixture
def tiny_constructor(monkeypatch: pytest.MonkeyPatch) -> Callable[..., keras.Model]:
    """keras.applications.Tiny: two convolutions and a BatchNorm that nobody named, then a named pooling."""
    import keras

    def build(input_tensor: keras.KerasTensor | None = None, **options: Any) -> keras.Model:
        assert options["include_top"] is False
        image = keras.Input((None, None, 3)) if input_tensor is None else input_tensor
        x = keras.layers.Conv2D(4, 3)(image)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Conv2D(2, 1)(x)
        return keras.Model(keras.utils.get_source_inputs(image)[0], keras.layers.MaxPooling2D(name="tiny_pool")(x))

    monkeypatch.setattr(keras.applications, "Tiny", build, raising=False)
    return build
