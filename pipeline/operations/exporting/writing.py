"""A file in the first way of computing in which it answers as the model does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.operations.exporting.faults import ExportError, UnconvertibleError
from pipeline.operations.exporting.formats import Format
from pipeline.operations.exporting.interface import Answer
from pipeline.operations.exporting.originals import Original
from pipeline.operations.exporting.verification import Agreement, compare, expected_of

# Of a probability, where the model here computes in bfloat16, with 8 bits, and the file in float32. On 661 photos up to
# 0.041 was seen of a ResNet50 and 0.084 of an InceptionV3; what is beyond this is no rounding.
ROUNDED = 0.2


@dataclass(frozen=True)
class Written:
    """
    Attributes:
        answer: the file, asked.
        inputs: the test examples that it was asked about.
        exact: how far it agrees with what the model answers in float32; served: with what the model answers here.
    """

    answer: Answer
    inputs: NDArray[Any]
    exact: Agreement
    served: Agreement


def write_what_agrees(
    original: Original, wanted: Format, path: Path, about: Mapping[str, Any], tolerance: float
) -> Written:
    """
    Raises:
        ExportError: the format cannot say what the model computes, or the file answers otherwise.
    """
    expected = expected_of(original)
    reasons: list[str] = []
    for numbers in _numbers(original):
        try:
            wanted.write(original, path, about, numbers)
            answer = wanted.load(path, original.served)
            exact, served = compare(original, expected, answer)
        except UnconvertibleError as error:
            reasons.append(str(error))
            continue
        if exact.largest <= tolerance and served.largest <= max(tolerance, ROUNDED):
            return Written(answer, expected.inputs, exact, served)
        reasons.append(_disagreement(original, exact if exact.largest > tolerance else served, tolerance))
    raise ExportError(f"{original.title}: not exported: {'; '.join(dict.fromkeys(reasons))}")


def _numbers(original: Original) -> Sequence[type[np.floating]]:
    """What a classical model computes in, the best first.

    scikit-learn computes in float64, and only so does a row stand on the same side of a tree's thresholds; some of
    onnxruntime's operators know float32 alone. Networks have float32.
    """
    return (np.float32,) if original.has_networks_only else (np.float64, np.float32)


def _disagreement(original: Original, exact: Agreement, tolerance: float) -> str:
    what = "a probability" if original.served.class_names else "a predicted number, in standard deviations,"
    classes = f", and {exact.others} get another class" if exact.others else ""
    return (
        f"on {exact.examples} test examples {what} differs by up to {exact.largest:.2g}{classes}, more than "
        f"--tolerance {tolerance:g} allows"
    )
