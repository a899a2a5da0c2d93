"""Ask a champion that learned from photos: files in, classes and probabilities or numbers out."""

from __future__ import annotations

import hashlib
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
from pipeline.formats import plain_number
from pipeline.ground.files import replacing

if TYPE_CHECKING:
    import pyarrow

PHOTO_COLUMNS = ("file", "path", "photo", "image")
BATCH = 256  # photos decoded and answered at a time: bounds the memory


class PredictError(ValueError):
    """What was named cannot be asked about."""


@dataclass(frozen=True)
class Answer:
    """One file: the class that is said and the probabilities of all classes, or the number; or why there is neither.

    Attributes:
        probabilities: empty where a number is predicted.
        digest: SHA-256 of the pixels that were answered.
    """

    file: Path
    probabilities: dict[str, float] | None
    error: str | None = None
    predicted: str | float | None = None
    digest: str = ""

    def row(self, of_classes: bool = True) -> dict[str, Any]:
        """What JSON and Parquet say of it, besides the probabilities of all classes.

        Args:
            of_classes: whether the champion tells classes apart, so that what it says has a probability.
        """
        said: dict[str, Any] = {"file": str(self.file), "predicted": self.predicted}
        if of_classes:
            known = self.probabilities or {}
            said["probability"] = known[self.predicted] if isinstance(self.predicted, str) else None
        return said | {"error": self.error}


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
            answers = iter(_answered(served, np.stack(images)) if images else [])
            for file, pixels in zip(batch, decoded, strict=True):
                if isinstance(pixels, str):
                    yield Answer(file, None, pixels)
                else:
                    probabilities, predicted = next(answers)
                    digest = hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
                    yield Answer(file, probabilities, predicted=predicted, digest=digest)


def _answered(served: Served, images: np.ndarray) -> Iterator[tuple[dict[str, float], str | float]]:
    """Of each of (N, S, S, 3) photos the probabilities of all classes and the class that is said; or none, and the
    number."""
    given = served.probabilities(images)
    if not served.class_names:
        yield from (({}, float(number)) for number in given[:, 0])
        return
    for row, number in zip(given, served.decision.classes(given), strict=True):
        yield dict(zip(served.class_names, map(float, row), strict=True)), served.class_names[number]


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
    """A row an answer: file, predicted, probability, error, p_<class>…; of numbers file, predicted, error. Returns how
    many have no answer."""
    import pyarrow.parquet

    schema, unanswered = _schema(champion), 0
    with replacing(path) as temporary, pyarrow.parquet.ParquetWriter(temporary, schema) as writer:
        while rows := list(islice(answers, BATCH)):
            unanswered += sum(answer.error is not None for answer in rows)
            writer.write_table(pyarrow.Table.from_pylist([_flat(answer, champion) for answer in rows], schema))
    return unanswered


def _schema(champion: Champion) -> pyarrow.Schema:
    import pyarrow

    said = [("predicted", pyarrow.float64())]
    if champion.class_names:
        said = [("predicted", pyarrow.string()), ("probability", pyarrow.float64())]
    numbers = [(f"p_{name}", pyarrow.float64()) for name in champion.class_names]
    answered_by = {"kiyas.version": str(champion.version), "kiyas.candidate": champion.candidate}
    return pyarrow.schema(
        [("file", pyarrow.string()), *said, ("error", pyarrow.string()), *numbers], metadata=answered_by
    )


def _flat(answer: Answer, champion: Champion) -> dict[str, Any]:
    return answer.row(bool(champion.class_names)) | {
        f"p_{name}": value for name, value in (answer.probabilities or {}).items()
    }


def _as_json(champion: Champion, answers: Sequence[Answer]) -> str:
    asked = {"version": champion.version, "candidate": champion.candidate, "fingerprint": champion.fingerprint}
    of_classes = bool(champion.class_names)
    by_class = [{"probabilities": answer.probabilities} if of_classes else {} for answer in answers]
    rows = [answer.row(of_classes) | more for answer, more in zip(answers, by_class, strict=True)]
    return json.dumps({"champion": asked, "predictions": rows}, indent=2, ensure_ascii=False)


def _as_line(answer: Answer) -> str:
    if answer.probabilities is None:
        return f"{answer.file}  not answered"
    if isinstance(answer.predicted, float):
        return f"{answer.file}  {plain_number(answer.predicted)}"
    best = sorted(answer.probabilities.items(), key=lambda item: (item[0] != answer.predicted, -item[1]))[:3]
    return f"{answer.file}  " + "  ".join(f"{name} {value:.3f}" for name, value in best)


def _decode(file: Path, size: int, white: int) -> np.ndarray | str:
    """(size, size, 3) uint8, or why the file is no photo."""
    try:
        return decode_photo(file, size, white)
    except (PhotoError, OSError) as error:
        return str(error)
