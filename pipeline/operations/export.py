"""Write a model as a file that runs without this project: ONNX, or LiteRT for phones and small computers.

    python -m pipeline export --format onnx                       # the champion, into exports/
    python -m pipeline export --format litert 3                   # a registered version; networks only
    python -m pipeline export --format onnx finetune-resnet50-full --to shop/model.onnx

The file is compared with the model on the sealed test examples, and stays only where both answer alike. Beside it, in a
file of the same name and `.json`, stands what goes in, what comes out, and what was measured.
"""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.ground.files import replacing, write_json
from pipeline.operations.exporting.faults import ExportError
from pipeline.operations.exporting.formats import FORMATS, Format
from pipeline.operations.exporting.interface import described
from pipeline.operations.exporting.originals import Original, original_of
from pipeline.operations.exporting.output import lines, measured
from pipeline.operations.exporting.speed import milliseconds
from pipeline.operations.exporting.writing import write_what_agrees

EXPORTS = Path("exports")


def run(name: str | None, format: str, to: str | None = None, tolerance: float = 1e-3) -> None:
    """
    Args:
        name: a version's number or a candidate's name; None: the champion.
        format: "onnx" or "litert".
        to: the file to write; None: one in exports/.
        tolerance: the largest difference of a probability that is accepted, computed in float32 by both; of a
            predicted number, in standard deviations.

    Raises:
        ExportError: it cannot be exported, or the file would answer otherwise than the model; nothing was written.
        ChampionError: there is no such version, or it is not on disk as it was registered.
        SignatureError: signatures are demanded, and its own does not hold.
        PreparedError: there are no prepared test examples to compare on.
    """
    wanted = FORMATS[format]
    wanted.refuse_missing_packages()
    original = original_of(name)
    path = _path(original, wanted, to)
    about = described(original, wanted.by_column)
    # Both are complete before either appears. A kill between the two leaves the JSON of a file that is not there yet,
    # which its SHA-256 tells, and which the next export replaces.
    with replacing(path) as temporary, replacing(_beside(path)) as beside:
        written = write_what_agrees(original, wanted, temporary, about, tolerance)
        times = milliseconds(original, written.answer, written.inputs)
        numbers = measured(original, written, temporary, times, tolerance)
        write_json(beside, {"file": path.name, "format": format, **about, **numbers})
    print("\n".join(lines(original, path, numbers)))


def _path(original: Original, wanted: Format, to: str | None) -> Path:
    """
    Raises:
        ExportError: the file cannot be one of this format.
    """
    path = EXPORTS / f"{original.name}{wanted.suffix}" if to is None else Path(to).expanduser()
    if path.is_dir() or path.suffix != wanted.suffix:
        what = "is a folder" if path.is_dir() else f"does not end with {wanted.suffix}"
        raise ExportError(f"--to {path}: {what}; name a file, such as {EXPORTS / original.name}{wanted.suffix}")
    if to is not None:
        _refuse_anothers(path)
    return path


def _beside(path: Path) -> Path:
    """The file that says what a file holds."""
    return path.with_name(f"{path.name}.json")


def _refuse_anothers(path: Path) -> None:
    """What stands there may be replaced where an earlier export wrote it, which the JSON beside it says.

    Raises:
        ExportError: it is somebody's own.
    """
    beside = _beside(path)
    try:
        ours = {"file": path.name}.items() <= json.loads(beside.read_text(encoding="utf-8")).items()
    except (OSError, ValueError, AttributeError):
        ours = False
    for file in () if ours else (path, beside):
        if file.exists():
            raise ExportError(f"--to {path}: {file} is no export of this project; name another file, or move it away")
