"""The formats that a model can be exported to: what each needs, how it is written, and how it is asked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.champions.answering import Served
from pipeline.operations.exporting.faults import ExportError
from pipeline.operations.exporting.interface import Answer
from pipeline.operations.exporting.originals import Original

Write = Callable[[Original, Path, Mapping[str, Any], type[np.floating]], None]


@dataclass(frozen=True)
class Format:
    """
    Attributes:
        suffix: of its files.
        packages: what has to be installed, as Python imports it.
        by_column: whether a table has an input for each column; else one for all.
        write: a file; the third argument is what it says of itself, the fourth what a classical model computes in.
        load: a file that answers.
    """

    suffix: str
    packages: tuple[str, ...]
    by_column: bool
    write: Write
    load: Callable[[Path, Served], Answer]

    def refuse_missing_packages(self) -> None:
        """
        Raises:
            ExportError: the extra is not installed.
        """
        if missing := [name for name in self.packages if find_spec(name) is None]:
            raise ExportError(
                f"--format: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed; "
                "`.venv/bin/python -m pip install -e '.[export]'` brings what exporting needs"
            )


def _write_onnx(original: Original, path: Path, about: Mapping[str, Any], numbers: type[np.floating]) -> None:
    from pipeline.operations.exporting.onnx_files.files import write_onnx

    write_onnx(original, path, about, numbers)


def _load_onnx(path: Path, served: Served) -> Answer:
    from pipeline.operations.exporting.onnx_files.files import load_onnx

    return load_onnx(path, served)


def _write_litert(original: Original, path: Path, about: Mapping[str, Any], numbers: type[np.floating]) -> None:
    """The format has no place for what a file says of itself: that stands beside it."""
    from pipeline.operations.exporting.litert_files import write_litert

    write_litert(original, path)


def _load_litert(path: Path, served: Served) -> Answer:
    from pipeline.operations.exporting.litert_files import load_litert

    return load_litert(path, served)


FORMATS = {
    "onnx": Format(".onnx", ("onnx", "onnxruntime", "skl2onnx", "tf2onnx"), True, _write_onnx, _load_onnx),
    "litert": Format(".tflite", ("ai_edge_litert",), False, _write_litert, _load_litert),
}
