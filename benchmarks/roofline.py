"""What share of this machine's matrix-product speed full fine-tuning reaches, for each backbone.

    python -m benchmarks.roofline --backbones vgg16 resnet50
    python -m benchmarks.roofline --results benchmarks/results/roofline.json

Speed is counted in floating-point operations a second: of one large float32 matrix product, best of several; and of
training steps, where a step is taken as three forward passes (the gradient of each layer's inputs and of its weights
cost one each; Kaplan 2020, §2.1). Forward operations come from TensorFlow's own profiler. Random weights and images:
neither changes the time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import pipeline  # noqa: F401  # before TensorFlow, whose kernels it chooses

# isort: split
import keras
import numpy as np
import tensorflow as tf

from benchmarks.backbones import keras_backbone
from benchmarks.record import measured_here, processor, record
from pipeline.configuration.loading import load_params
from pipeline.folding import FoldedModel
from pipeline.ground.files import read_json
from pipeline.models.networks.backbones import build_backbone, preprocess
from pipeline.models.networks.heads import head_for

SIDE = 4096  # of the matrices
CLASSES = 14
STEPS_PER_FORWARD = 3


def main() -> None:
    params = load_params()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--backbones", nargs="+", default=params.finetune.backbones)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--results", type=Path, help="a JSON file that keeps them, by processor")
    options = parser.parse_args()
    backbones = {}
    peak = matrix_product_speed(options.steps)
    print(f"matrix product {SIDE}x{SIDE}, float32: {peak / 1e9:.0f} GFLOP/s")
    for name in options.backbones:
        model = full_network(name, params.data.image_size)
        operations = forward_operations(model) * STEPS_PER_FORWARD * params.training.batch_size
        speed = operations / step_seconds(as_trained(model), params.training.batch_size, options.steps)
        each = operations / params.training.batch_size
        backbones[name] = {"operations_an_image": each, "speed": speed, "share": speed / peak}
        print(
            f"{name:18s} {each / 1e9:6.1f} GFLOP an image and step, "
            f"{speed / 1e9:6.0f} GFLOP/s: {speed / peak:.0%} of the matrix product's",
            flush=True,
        )
    if options.results:
        measured = {"matrix_product": peak, "size": params.data.image_size, "backbones": backbones}
        earlier = read_json(options.results)["processors"] if options.results.exists() else {}
        record(options.results, {"processors": earlier | {processor(): measured | {"ran": measured_here()}}})


def matrix_product_speed(repeats: int) -> float:
    """Floating-point operations a second of the fastest of some products."""
    matrix = tf.random.normal((SIDE, SIDE))
    product = tf.function(lambda: tf.matmul(matrix, matrix))
    return 2 * SIDE**3 / min(_seconds(lambda: product().numpy(), repeats))


def full_network(name: str, size: int) -> keras.Model:
    """A backbone under a head, all of it trained but BatchNorm, as the strategy `full` has it."""
    row, head = keras_backbone(name), head_for("multiclass", CLASSES)
    keras.utils.clear_session()
    image = keras.Input((size, size, 3))
    features = keras.layers.GlobalAveragePooling2D()(build_backbone(row, preprocess(image, row.preprocessing)).output)
    model = keras.Model(image, head.attach(features, 0.0, pretrained=True))
    for layer in model.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    return model


def as_trained(model: keras.Model) -> keras.Model:
    """Compiled, frozen BatchNorm folded, as training has it."""
    folded = FoldedModel(model.inputs[0], model.outputs[0])
    folded.compile(keras.optimizers.AdamW(1e-4), "categorical_crossentropy", jit_compile=False)
    return folded


def forward_operations(model: keras.Model) -> int:
    """Of one image, counted by TensorFlow over the graph of a prediction."""
    one = tf.TensorSpec((1, *model.input.shape[1:]), tf.float32)
    graph = tf.function(lambda image: model(image, training=False)).get_concrete_function(one).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder(tf.compat.v1.profiler.ProfileOptionBuilder.float_operation())
    return tf.compat.v1.profiler.profile(graph, options=options.with_empty_output().build()).total_float_ops


def step_seconds(model: keras.Model, batch_size: int, steps: int) -> float:
    """The median of some training steps, traced before."""
    images = np.random.default_rng(0).uniform(0, 255, (batch_size, *model.input.shape[1:])).astype(np.float32)
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(batch_size) % CLASSES]
    return float(np.median(_seconds(lambda: model.train_on_batch(images, targets), steps)))


def _seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Of each of some repeats, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return times


if __name__ == "__main__":
    main()
