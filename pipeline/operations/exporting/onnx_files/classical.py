"""A scikit-learn model as a part of an ONNX graph: skl2onnx, of the ONNX project, converts scalers and estimators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.ground.files import reason_of
from pipeline.operations.exporting.faults import UnconvertibleError
from pipeline.operations.exporting.onnx_files.boosting import CONVERTERS
from pipeline.operations.exporting.onnx_files.features import add_columns, add_last_value, add_reduced_pixels
from pipeline.operations.exporting.onnx_files.graph import OPERATORS, Graph
from pipeline.operations.exporting.onnx_files.networks import add_network

if TYPE_CHECKING:
    from onnx import ModelProto

SMALLEST = 1e-12  # what scikit-learn adds to a probability before its logarithm is taken, in temperature scaling


def add_classical(graph: Graph, model: Any, tensor: str, image_size: int | None) -> str:
    """(N, S, S, 3) pixels or (N, columns) → (N, classes) probabilities or (N, 1) numbers, of float32.

    Args:
        model: a fitted pipeline.
        image_size: S, of photos.

    Raises:
        UnconvertibleError: naming the part of it that cannot be said in ONNX.
    """
    answer = _Converter(graph, image_size).add(model, graph.cast(tensor))
    return graph.cast(answer, np.float32)


@dataclass(frozen=True)
class _Converter:
    """Puts fitted parts of a pipeline behind a tensor; `add` knows which method converts what."""

    graph: Graph
    image_size: int | None

    def add(self, part: Any, tensor: str) -> str:
        own = {
            "Pipeline": self._pipeline,
            "ReducedPixels": self._reduced_pixels,
            "PooledFeatures": self._pooled,
            "HogColour": self._hog,
            "ColumnTransformer": lambda part, rows: add_columns(self.graph, part, rows),
            "RepeatLast": lambda part, rows: add_last_value(self.graph, part, rows),
            "CalibratedClassifierCV": self._calibrated,
            "TransformedTargetRegressor": self._in_target_units,
        }
        return own.get(type(part).__name__, self._converted)(part, tensor)

    def _pipeline(self, pipeline: Pipeline, tensor: str) -> str:
        for _, step in pipeline.steps:
            tensor = self.add(step, tensor)
        return tensor

    def _reduced_pixels(self, features: Any, pixels: str) -> str:
        return add_reduced_pixels(self.graph, pixels, int(self.image_size or 0), features.side)

    def _pooled(self, features: Any, pixels: str) -> str:
        return self.graph.cast(add_network(self.graph, features.network(int(self.image_size or 0)), pixels))

    def _hog(self, features: Any, pixels: str) -> str:
        raise UnconvertibleError(
            "its features (hog_colour) are computed by scikit-image, for which ONNX has no operators"
        )

    def _calibrated(self, model: Any, tensor: str) -> str:
        """softmax(β scores), of the one estimator that all training rows were fitted to (Guo et al. 2017)."""
        if model.method != "temperature" or len(model.calibrated_classifiers_) != 1:
            return self._converted(model, tensor)
        (only,) = model.calibrated_classifiers_
        *before, last = only.estimator.steps if isinstance(only.estimator, Pipeline) else [("", only.estimator)]
        for _, step in before:
            tensor = self.add(step, tensor)
        logits = self._logits(last[1], tensor, len(model.classes_))
        temperature = self.graph.constant(only.calibrators[0].beta_)
        return self.graph.add("Softmax", self.graph.add("Mul", logits, temperature), axis=1)

    def _logits(self, estimator: Any, tensor: str, classes: int) -> str:
        if not hasattr(estimator, "decision_function"):
            probabilities = self._converted(estimator, tensor)
            smallest = self.graph.constant(SMALLEST)
            return self.graph.add("Log", self.graph.add("Add", probabilities, smallest))
        scores = self._converted(estimator, tensor, raw_scores=True)
        if classes > 2:
            return scores
        second = self.graph.add("Gather", scores, self.graph.constant([-1], np.int64), axis=1)
        return self.graph.add("Concat", self.graph.add("Neg", second), second, axis=1)

    def _in_target_units(self, model: Any, tensor: str) -> str:
        scaler = model.transformer_
        if not isinstance(scaler, StandardScaler):
            return self._converted(model, tensor)
        scaled = self.add(model.regressor_, tensor)
        deviation, mean = self.graph.constant(scaler.scale_[None]), self.graph.constant(scaler.mean_[None])
        return self.graph.add("Add", self.graph.add("Mul", scaled, deviation), mean)

    def _converted(self, estimator: Any, tensor: str, **options: Any) -> str:
        """What skl2onnx makes of a transformer or an estimator: features, probabilities, scores, or (N, 1) numbers."""
        answer = self.graph.cast(self.graph.append(_convert(estimator, self.graph.numbers, options), tensor))
        column = self.graph.constant([-1, 1], np.int64)
        return self.graph.add("Reshape", answer, column) if is_regressor(estimator) else answer


def _convert(estimator: Any, numbers: type[np.floating], options: dict[str, Any]) -> ModelProto:
    """
    Raises:
        UnconvertibleError: skl2onnx does not know it, or only with other settings.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    kind = DoubleTensorType if numbers is np.float64 else FloatTensorType
    options = {**options, **({"zipmap": False} if is_classifier(estimator) else {})}
    name = type(estimator).__name__
    try:
        with catch_warnings(action="ignore", category=FutureWarning):  # attributes that scikit-learn will drop
            return convert_sklearn(
                estimator,
                initial_types=[("inputs", kind([None, estimator.n_features_in_]))],
                options={id(estimator): options} if options else None,
                target_opset=OPERATORS,
                custom_conversion_functions=CONVERTERS,
            )
    except (MissingConverter, MissingShapeCalculator) as error:
        raise UnconvertibleError(f"skl2onnx has no converter for {name}") from error
    except Exception as error:  # of several libraries
        raise UnconvertibleError(f"skl2onnx does not convert {name} ({reason_of(error)})") from error
