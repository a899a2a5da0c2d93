"""LiteRT files (.tflite, once TensorFlow Lite): networks, one example at a time, for phones and small computers."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.champions.answering import Served
from pipeline.ground.files import reason_of
from pipeline.operations.exporting.faults import UnconvertibleError
from pipeline.operations.exporting.interface import (
    PIXELS,
    PREDICTED,
    PROBABILITIES,
    ROWS,
    WINDOW,
    Answer,
    smallest_float32,
)
from pipeline.operations.exporting.network_answers import answers_of
from pipeline.operations.exporting.originals import Original

if TYPE_CHECKING:
    import tensorflow as tf

SIGNATURE = "serving_default"  # what runtimes take where none is named


def write_litert(original: Original, path: Path) -> None:
    """
    Raises:
        UnconvertibleError: a part of it is no network, or LiteRT has no operator for something in it.
    """
    if not original.has_networks_only:
        raise UnconvertibleError("LiteRT holds networks only; `--format onnx` holds classical models")
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    for model in original.models:
        archive.track(model)
    with TemporaryDirectory() as folder:
        try:
            archive.add_endpoint(SIGNATURE, _answering(original), [_input(original.served)])
            archive.write_out(folder, verbose=False)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
            converted = converter.convert()
        except OSError:  # of the disk
            raise
        except Exception as error:  # of several libraries
            raise UnconvertibleError(f"TensorFlow does not convert it ({reason_of(error)})") from error
    path.write_bytes(converted)


def load_litert(path: Path, served: Served) -> Answer:
    """A LiteRT file as a function of what the model takes here; it computes on one thread.

    Raises:
        UnconvertibleError: LiteRT does not read it.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        runner = Interpreter(str(path), num_threads=1).get_signature_runner(SIGNATURE)
    except (RuntimeError, ValueError) as error:
        raise UnconvertibleError(f"LiteRT does not read it ({reason_of(error)})") from error
    name = input_name(served)

    def answer(inputs: NDArray[Any]) -> tuple[NDArray[np.floating], NDArray[Any]]:
        rows = inputs if served.columns is None else inputs.astype(np.float32)
        given = [runner(**{name: rows[place : place + 1]}) for place in range(len(rows))]
        predicted = np.concatenate([one[PREDICTED] for one in given])
        if not served.class_names:
            return predicted[:, None], predicted
        return np.concatenate([one[PROBABILITIES] for one in given]), predicted

    return answer


def input_name(served: Served) -> str:
    return PIXELS if served.columns is None else ROWS if served.series is None else WINDOW


def _input(served: Served) -> tf.TensorSpec:
    """Of one example: runtimes plan their memory, and what accelerates them, for one size."""
    import tensorflow as tf

    if served.columns is None:
        side = served.image_size
        return tf.TensorSpec((1, side, side, 3), tf.uint8, name=PIXELS)
    return tf.TensorSpec((1, len(served.columns)), tf.float32, name=input_name(served))


def _answering(original: Original) -> Any:
    """From pixels or numbers to probabilities and a class number, as `Served` answers."""
    import tensorflow as tf

    networks = [answers_of(model) for model in original.models]

    def mean(inputs: tf.Tensor) -> tf.Tensor:
        answers = [network(tf.cast(inputs, tf.float32)) for network in networks]
        shares = [weight * answer for weight, answer in zip(original.weights, answers, strict=True)]
        return answers[0] if len(answers) == 1 else tf.add_n(shares)

    def answer(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = mean(inputs)
        if not original.served.class_names:
            return {PREDICTED: tf.reshape(outputs, [-1])}
        return {PROBABILITIES: outputs, PREDICTED: _class(outputs, original.served)}

    # The name of the argument becomes that of the input.
    named = {
        PIXELS: lambda pixels: answer(pixels),
        ROWS: lambda rows: answer(rows),
        WINDOW: lambda window: answer(window),
    }
    return named[input_name(original.served)]


def _class(probabilities: tf.Tensor, served: Served) -> tf.Tensor:
    """(N,) int64, as `Decision.classes` says it."""
    import tensorflow as tf

    decision = served.decision
    if decision.threshold is not None:
        return tf.cast(probabilities[:, 1] >= smallest_float32(decision.threshold), tf.int64)
    if decision.costs is not None:
        return tf.argmin(tf.matmul(probabilities, decision.costs.astype(np.float32)), axis=1)
    return tf.argmax(probabilities, axis=1)
