"""Convolutions that oneDNN's kernels for AVX2 train wrongly are known, and those beside them are computed rightly."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.ground import processor
from pipeline.models.networks import kernels

NARROW = "flags : fpu sse4_2 avx avx2 fma\n"
WIDE = "flags : fpu avx2 avx512f avx512_vnni\n"


def network(channels: int, kernel: int, strides: int) -> keras.Model:
    image = keras.Input((8, 8, channels))
    inner = keras.Sequential([keras.layers.Conv2D(4, kernel, strides=strides, name="link")], name="inside")
    return keras.Model(image, inner(image))


@pytest.mark.parametrize(
    ("channels", "kernel", "strides", "found"),
    [(3, 1, 2, "link"), (7, 1, 3, "link"), (8, 1, 2, None), (3, 1, 1, None), (3, 3, 2, None)],
)
def test_a_1x1_convolution_with_steps_over_few_channels_is_found(
    channels: int, kernel: int, strides: int, found: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(NARROW)
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    model = network(channels, kernel, strides)
    assert kernels.wrongly_computed(model) == found
    monkeypatch.setenv(kernels.KERNELS, "0")
    assert kernels.wrongly_computed(model) is None
    monkeypatch.delenv(kernels.KERNELS)
    cpuinfo.write_text(WIDE)
    assert kernels.wrongly_computed(model) is None


@pytest.mark.parametrize(("channels", "kernel", "strides"), [(8, 1, 2), (64, 1, 2), (3, 1, 1), (3, 3, 2), (4, 3, 1)])
def test_gradients_of_the_others_are_right_on_this_processor(channels: int, kernel: int, strides: int) -> None:
    draw = np.random.default_rng(0)
    photos = draw.normal(size=(4, 12, 12, channels)).astype(np.float32)
    side = -(-12 // strides)
    above = draw.normal(size=(4, side, side, 16)).astype(np.float32)

    @tf.function(jit_compile=False)
    def gradient(photos: tf.Tensor, above: tf.Tensor) -> tf.Tensor:
        return tf.raw_ops.Conv2DBackpropFilter(
            input=photos,
            filter_sizes=[kernel, kernel, channels, 16],
            out_backprop=above,
            strides=[1, strides, strides, 1],
            padding="SAME",
        )

    extra = max((side - 1) * strides + kernel - 12, 0)
    before = extra // 2
    padded = np.pad(photos, ((0, 0), (before, extra - before), (before, extra - before), (0, 0)))
    for row in range(kernel):
        for column in range(kernel):
            steps = np.arange(side) * strides
            seen = padded[:, row + steps][:, :, column + steps]
            expected = np.einsum("bijc,bijo->co", seen, above)
            computed = gradient(photos, above).numpy()[row, column]
            np.testing.assert_allclose(computed, expected, atol=1e-4 * np.abs(expected).max())
