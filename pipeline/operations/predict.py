"""Ask the champion: photos, or rows of a table, in; classes and probabilities, or numbers, out.

    python -m pipeline predict apple.jpg pear.jpg
    python -m pipeline predict shelf/ --json
    python -m pipeline predict shelf/ --parquet answers.parquet      # a row a photo; any number of photos
    python -m pipeline predict photos.csv                            # its column `file` (path, photo, image) names them
    python -m pipeline predict patients.csv --json                   # where the champion learned from a table

A folder stands for all files under it, save hidden ones. A file that is no photo is named; the others are answered.
"""

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

from pipeline.champions.answering import Served, load
from pipeline.champions.log import Champion, answering_folder, current_champion
from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.photos.decoding import PhotoError, decode_photo
from pipeline.files import replacing
from pipeline.operations.predict_rows import TABLES, answer_tables, tell

if TYPE_CHECKING:
    import pyarrow

PHOTO_COLUMNS = ("file", "path", "photo", "image")
BATCH = 256  # photos decoded and answered at a time: bounds the memory


class PredictError(ValueError):
    """What was named cannot be asked about."""


@dataclass(frozen=True)
class Answer:
    """One file: probabilities by class, or why there are none."""

    file: Path
    probabilities: dict[str, float] | None
    error: str | None = None

    @property
    def predicted(self) -> str | None:
        return max(self.probabilities, key=self.probabilities.__getitem__) if self.probabilities else None

    def row(self) -> dict[str, Any]:
        """What JSON and Parquet say of it, besides the probabilities of all classes."""
        probability = max(self.probabilities.values()) if self.probabilities else None
        return {"file": str(self.file), "predicted": self.predicted, "probability": probability, "error": self.error}


def run(files: list[str], as_json: bool, parquet: str | None) -> int:
    """Print or write the answers; 1 where a file could not be answered.

    Raises:
        ChampionError: there is no champion, or it is not on disk.
        PredictError: a file or folder that is not there, a folder without files, or a table that names no photos.
        TableError: a table that lacks what the champion learned from.
    """
    paths = list_files([Path(name) for name in files])
    champion = current_champion()
    if champion.columns is not None:
        tell(champion, answer_tables(load(answering_folder(champion.version)), paths), as_json, parquet)
        return 0
    paths = [photo for path in paths for photo in (photos_of(path) if path.suffix.lower() in TABLES else [path])]
    answers = answer_all(load(answering_folder(champion.version)), paths)
    if parquet:
        unanswered = write_parquet(Path(parquet), champion, answers)
        print(f"{parquet}: {len(paths)} photos, {unanswered} of them not answered", file=sys.stderr)
        return 1 if unanswered else 0
    told = list(answers)
    print(_as_json(champion, told) if as_json else "\n".join(_as_line(one) for one in told))
    for one in told:
        if one.error and not as_json:
            print(f"kiyas predict: {one.file}: {one.error}", file=sys.stderr)
    return 1 if any(one.error for one in told) else 0


def list_files(named: Sequence[Path]) -> list[Path]:
    """Files as they were named, folders as all files under them, sorted.

    Raises:
        PredictError: naming what is not there.
    """
    found: list[Path] = []
    for path in named:
        if not path.exists():
            raise PredictError(f"{path}: there is no such file or folder")
        inside = sorted(child for child in path.rglob("*") if child.is_file() and not _is_hidden(child, path))
        if path.is_dir() and not inside:
            raise PredictError(f"{path}: holds no file; name photos, or a folder with photos")
        found += inside if path.is_dir() else [path]
    return found


def photos_of(table: Path) -> list[Path]:
    """The photos that a CSV or Parquet file names, relative to its own folder; other columns are not looked at.

    Raises:
        PredictError: no column is called file, path, photo or image, or a row names none.
        TableError: it is no table.
    """
    rows = read_cells(table)
    named = next((name for name in PHOTO_COLUMNS if name in rows), rows.columns[0] if len(rows.columns) == 1 else None)
    if named is None:
        has = ", ".join(map(str, rows.columns))
        raise PredictError(
            f"{table}: has no column called {', '.join(PHOTO_COLUMNS)}, but {has}; call that of paths so"
        )
    if rows[named].isna().any():
        row = int(rows[named].isna().to_numpy().argmax()) + 1
        raise PredictError(f"{table}: row {row}: column {named!r} is empty; name a photo in every row")
    return [table.parent / str(path) for path in rows[named]]


def answer_all(served: Served, files: Sequence[Path]) -> Iterator[Answer]:
    """Answers in the order of the files."""
    size = served.image_size
    assert size is not None
    with ThreadPoolExecutor() as threads:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            decoded = list(threads.map(lambda file: _decode(file, size), batch))
            images = [pixels for pixels in decoded if isinstance(pixels, np.ndarray)]
            rows = iter(served.probabilities(np.stack(images))) if images else iter(())
            for file, pixels in zip(batch, decoded, strict=True):
                if isinstance(pixels, str):
                    yield Answer(file, None, pixels)
                else:
                    yield Answer(file, dict(zip(served.class_names, map(float, next(rows)), strict=True)))


def write_parquet(path: Path, champion: Champion, answers: Iterator[Answer]) -> int:
    """A row an answer: file, predicted, probability, error, p_<class>…; returns how many have no answer."""
    import pyarrow.parquet

    schema, unanswered = _schema(champion), 0
    with replacing(path) as temporary, pyarrow.parquet.ParquetWriter(temporary, schema) as writer:
        while rows := list(islice(answers, BATCH)):
            unanswered += sum(one.error is not None for one in rows)
            writer.write_table(pyarrow.Table.from_pylist([_flat(one) for one in rows], schema))
    return unanswered


def _schema(champion: Champion) -> pyarrow.Schema:
    import pyarrow

    texts = [("file", pyarrow.string()), ("predicted", pyarrow.string()), ("probability", pyarrow.float64())]
    numbers = [(f"p_{name}", pyarrow.float64()) for name in champion.class_names]
    made = {"kiyas.version": str(champion.version), "kiyas.candidate": champion.candidate}
    return pyarrow.schema([*texts, ("error", pyarrow.string()), *numbers], metadata=made)


def _flat(one: Answer) -> dict[str, Any]:
    return one.row() | {f"p_{name}": value for name, value in (one.probabilities or {}).items()}


def _as_json(champion: Champion, answers: Sequence[Answer]) -> str:
    asked = {"version": champion.version, "candidate": champion.candidate, "fingerprint": champion.fingerprint}
    rows = [one.row() | {"probabilities": one.probabilities} for one in answers]
    return json.dumps({"champion": asked, "predictions": rows}, indent=2, ensure_ascii=False)


def _as_line(one: Answer) -> str:
    if one.probabilities is None:
        return f"{one.file}  not answered"
    best = sorted(one.probabilities.items(), key=lambda item: -item[1])[:3]
    return f"{one.file}  " + "  ".join(f"{name} {value:.3f}" for name, value in best)


def _decode(file: Path, size: int) -> np.ndarray | str:
    try:
        return decode_photo(file, size)
    except (PhotoError, OSError) as error:
        return str(error)


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)
