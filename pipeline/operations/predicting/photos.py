"""Ask a champion that learned from photos: files in, classes and probabilities out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.champions.answering import Served
from pipeline.champions.versions import Champion
from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.photos.decoding import PhotoError, decode_photo
from pipeline.ground.files import replacing

if TYPE_CHECKING:
    import pyarrow

PHOTO_COLUMNS = ("file", "path", "photo", "image")
BATCH = 256  # photos decoded and answered at a time: bounds the memory


class PredictError(ValueError):
    """What was named cannot be asked about."""


@dataclass(frozen=True)
class Answer:
    """One file: the class that is said and the probabilities of all classes, or why there are none."""

    file: Path
    probabilities: dict[str, float] | None
    error: str | None = None
    predicted: str | None = None

    def row(self) -> dict[str, Any]:
        """What JSON and Parquet say of it, besides the probabilities of all classes."""
        probability = self.probabilities[self.predicted] if self.probabilities and self.predicted is not None else None
        return {"file": str(self.file), "predicted": self.predicted, "probability": probability, "error": self.error}


def photos_of(table: Path) -> list[Path]:
    """The photos that a CSV or Parquet file names, relative to its own folder; other columns are not looked at.

    Raises:
        PredictError: no column is called file, path, photo or image, or a row names none.
        TableError: it is no table.
    """
    rows = read_cells(table)
    column = next((name for name in PHOTO_COLUMNS if name in rows), rows.columns[0] if len(rows.columns) == 1 else None)
    if column is None:
        has = ", ".join(map(str, rows.columns))
        names = ", ".join(PHOTO_COLUMNS)
        raise PredictError(
            f"{table}: has no column called {names}, but {has}; the champion learned from photos: give the column of "
            "their paths such a name"
        )
    if rows[column].isna().any():
        row = int(rows[column].isna().to_numpy().argmax()) + 1
        raise PredictError(f"{table}: row {row}: column {column!r} is empty; name a photo in every row")
    return [table.parent / str(path) for path in rows[column]]


def answer_photos(served: Served, files: Sequence[Path]) -> Iterator[Answer]:
    """Answers in the order of the files."""
    size = served.image_size
    assert size is not None
    with ThreadPoolExecutor() as threads:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            decoded = list(threads.map(lambda file: _decode(file, size, served.white), batch))
            images = [pixels for pixels in decoded if isinstance(pixels, np.ndarray)]
            given = served.probabilities(np.stack(images)) if images else np.zeros((0, len(served.class_names)))
            rows = iter(zip(given, served.decision.classes(given), strict=True))
            for file, pixels in zip(batch, decoded, strict=True):
                if isinstance(pixels, str):
                    yield Answer(file, None, pixels)
                else:
                    row, number = next(rows)
                    by_class = dict(zip(served.class_names, map(float, row), strict=True))
                    yield Answer(file, by_class, predicted=served.class_names[number])


def print_answers(champion: Champion, answers: Sequence[Answer], as_json: bool) -> None:
    """On stdout; where they are not JSON, files that could not be answered are named on stderr, too."""
    if as_json:
        print(_as_json(champion, answers))
        return
    print(f"answered by {champion.title}", file=sys.stderr)
    print("\n".join(_as_line(answer) for answer in answers))
    for answer in answers:
        if answer.error:
            print(f"kiyas predict: {answer.file}: {answer.error}", file=sys.stderr)


def write_parquet(path: Path, champion: Champion, answers: Iterator[Answer]) -> int:
    """A row an answer: file, predicted, probability, error, p_<class>…; returns how many have no answer."""
    import pyarrow.parquet

    schema, unanswered = _schema(champion), 0
    with replacing(path) as temporary, pyarrow.parquet.ParquetWriter(temporary, schema) as writer:
        while rows := list(islice(answers, BATCH)):
            unanswered += sum(answer.error is not None for answer in rows)
            writer.write_table(pyarrow.Table.from_pylist([_flat(answer) for answer in rows], schema))
    return unanswered


def _schema(champion: Champion) -> pyarrow.Schema:
    import pyarrow

    texts = [("file", pyarrow.string()), ("predicted", pyarrow.string()), ("probability", pyarrow.float64())]
    numbers = [(f"p_{name}", pyarrow.float64()) for name in champion.class_names]
    answered_by = {"kiyas.version": str(champion.version), "kiyas.candidate": champion.candidate}
    return pyarrow.schema([*texts, ("error", pyarrow.string()), *numbers], metadata=answered_by)


def _flat(answer: Answer) -> dict[str, Any]:
    return answer.row() | {f"p_{name}": value for name, value in (answer.probabilities or {}).items()}


def _as_json(champion: Champion, answers: Sequence[Answer]) -> str:
    asked = {"version": champion.version, "candidate": champion.candidate, "fingerprint": champion.fingerprint}
    rows = [answer.row() | {"probabilities": answer.probabilities} for answer in answers]
    return json.dumps({"champion": asked, "predictions": rows}, indent=2, ensure_ascii=False)


def _as_line(answer: Answer) -> str:
    if answer.probabilities is None:
        return f"{answer.file}  not answered"
    best = sorted(answer.probabilities.items(), key=lambda item: (item[0] != answer.predicted, -item[1]))[:3]
    return f"{answer.file}  " + "  ".join(f"{name} {value:.3f}" for name, value in best)


def _decode(file: Path, size: int, white: int) -> np.ndarray | str:
    """(size, size, 3) uint8, or why the file is no photo."""
    try:
        return decode_photo(file, size, white)
    except (PhotoError, OSError) as error:
        return str(error)
