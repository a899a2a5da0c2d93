"""The prepared store: one folder a split, what is learned from, targets, ids and what they mean.

Photos: images.npy (N, S, S, 3) uint8, memory-mapped. Tables and series: examples.parquet, one column each.
Both: labels.npy (N,) int64 class numbers or float64 targets · example_ids.npy (N,) str · schema.json · where rows must
stay together, groups.npy (N,) int64

schema.json has each file's SHA-256. Who loads a split compares them: a disk may flip a bit without anybody's knowledge,
and a model that learned from other pixels than the report says would look like any other.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.datasets.store.columns import Column, encode
from pipeline.ground.files import read_json, replacing, write_json, write_parquet
from pipeline.ground.fingerprints import hash_path
from pipeline.ground.paths import PREPARED
from pipeline.params.schema.vocabulary import Kind
from pipeline.tasks import task_for

if TYPE_CHECKING:
    from pipeline.datasets.store.pixels import Images

DEVELOPMENT = PREPARED / "development"
TEST = PREPARED / "test"
BLOCK = 32 * 2**20  # bytes of pixels copied at a time


class PreparedError(ValueError):
    """A prepared folder that is not there or does not fit together."""


@dataclass(frozen=True)
class Prepared:
    """One split.

    Attributes:
        inputs: what models take: photos, (N, image_size, image_size, 3) uint8 RGB, memory-mapped and read-only; or rows
            of a table, (N, columns) float64, as `columns.encode` makes them.
        labels: (N,) int64, indices into class_names; or float64, the numbers to predict.
        example_ids: (N,) str, paths within the source folder, or names of rows.
        task: "multiclass", "binary" or "regression".
        class_names: empty for a regression.
        image_size: of photos, else None.
        columns: of a table, else None.
        groups: (N,) equal for examples that must stay on one side of a split; None where each is on its own.
        sha256: over inputs, labels, ids and groups.
    """

    inputs: np.ndarray
    labels: np.ndarray
    example_ids: np.ndarray
    kind: Kind
    task: str
    class_names: list[str]
    image_size: int | None
    columns: list[Column] | None
    groups: np.ndarray | None
    sha256: str

    @property
    def images(self) -> np.ndarray:
        """The inputs, by the name that they have where they can only be photos."""
        assert self.kind == "images"
        return self.inputs

    def described_inputs(self) -> dict[str, Any]:
        """What a trial says of the inputs that its model takes."""
        if self.columns is None:
            return {"image_size": self.image_size}
        categories = {column.name: column.categories for column in self.columns if column.categories is not None}
        return {"columns": [column.name for column in self.columns], "categories": categories}


def load_prepared(folder: Path) -> Prepared:
    """Open one split; of photos nothing is read into memory but labels and ids.

    Raises:
        PreparedError: when a file is missing or is not as it was written, or they differ in length.
    """
    try:
        schema = read_json(folder / "schema.json")
        _refuse_changed(folder, schema.get("files", {}))
        kind = schema.get("kind", "images")
        columns = None if kind == "images" else [Column(**column) for column in schema["columns"]]
        inputs = (
            np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
            if columns is None
            else encode(pd.read_parquet(folder / "examples.parquet"), columns)
        )
        labels = np.load(folder / "labels.npy", allow_pickle=False)
        ids = np.load(folder / "example_ids.npy", allow_pickle=False)
    except FileNotFoundError as error:
        raise PreparedError(f"{error.filename}: there is no such file; make it with `dvc repro prepare`") from None
    if not len(inputs) == len(labels) == len(ids):
        raise PreparedError(
            f"{folder}: {len(inputs)} images, {len(labels)} labels, {len(ids)} ids; make it anew: "
            "`dvc repro --force prepare`"
        )
    groups = np.load(folder / "groups.npy", allow_pickle=False) if (folder / "groups.npy").is_file() else None
    return Prepared(
        inputs=inputs,
        labels=labels,
        example_ids=ids,
        kind=kind,
        task=schema["task"],
        class_names=schema["class_names"],
        image_size=schema.get("image_size"),
        columns=columns,
        groups=groups,
        sha256=schema["sha256"],
    )


def _refuse_changed(folder: Path, digests: Mapping[str, str]) -> None:
    """
    Args:
        digests: SHA-256 by name; empty for what an older version has prepared.

    Raises:
        PreparedError: naming the first file that is not as it was written.
    """
    for name, digest in digests.items():
        if hash_path(folder / name) != digest:
            raise PreparedError(
                f"{folder / name}: is not as `prepare` wrote it, so the disk or another program has changed it; make "
                "it anew: `dvc repro --force prepare`"
            )


def write_prepared(
    folder: Path,
    images: Images,
    rows: np.ndarray,
    labels: np.ndarray,
    example_ids: Sequence[str],
    class_names: Sequence[str],
    groups: np.ndarray | None = None,
) -> str:
    """Write one split of photos, copying `rows` of `images` piece by piece; returns its SHA-256.

    Args:
        images: (M, S, S, 3) uint8, in memory or in a file.
        rows: (N,) which of them, in the order in which they shall stand.
        labels: (N,) of those rows; example_ids and groups likewise; groups are stored only where there are some.
        class_names: empty where numbers are predicted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ids = np.array(example_ids, dtype=np.str_)
    digest = hashlib.sha256()
    # hashlib lets go of Python's lock, so one piece is hashed while the next is read and written.
    with replacing(folder / "images.npy") as file, file.open("wb") as stream, ThreadPoolExecutor(1) as beside:
        hashed: Future[None] | None = None
        shape = (len(rows), *images.shape[1:])
        np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
        step = max(1, BLOCK // math.prod(shape[1:]))
        for start in range(0, len(rows), step):
            piece = np.ascontiguousarray(images[rows[start : start + step]])
            if hashed:
                hashed.result()
            hashed = beside.submit(digest.update, piece.data)
            stream.write(piece.data)
    labels = labels.astype("<i8" if class_names else "<f8")
    _save(folder, labels, ids, groups)
    if groups is not None:
        digest.update(groups.astype("<i8").tobytes())
    digest.update(labels.tobytes())
    digest.update("\0".join(ids.tolist()).encode())
    schema = {
        "task": task_of(class_names),
        "class_names": list(class_names),
        "image_size": images.shape[1],
        "sha256": digest.hexdigest(),
    }
    _describe(folder, schema)
    return digest.hexdigest()


def write_table(
    folder: Path,
    kind: Kind,
    table: pd.DataFrame,
    columns: Sequence[Column],
    labels: np.ndarray,
    example_ids: np.ndarray,
    class_names: Sequence[str],
    groups: np.ndarray | None,
) -> str:
    """Write one split of a table; returns its SHA-256.

    Args:
        table: (N, columns) with the rows of the split alone; labels, ids and groups likewise.
        class_names: empty for a regression.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_parquet(folder / "examples.parquet", table)
    digest = hashlib.sha256(table.to_csv(index=False).encode())
    _save(folder, labels, example_ids, groups)
    if groups is not None:
        digest.update(groups.astype("<i8").tobytes())
    digest.update(np.ascontiguousarray(labels).tobytes())
    digest.update("\0".join(example_ids.tolist()).encode())
    schema = {
        "kind": kind,
        "task": task_of(class_names),
        "class_names": list(class_names),
        "columns": [column.plain() for column in columns],
        "sha256": digest.hexdigest(),
    }
    _describe(folder, schema)
    return digest.hexdigest()


def _save(folder: Path, labels: np.ndarray, example_ids: np.ndarray, groups: np.ndarray | None) -> None:
    arrays = {"labels": labels, "example_ids": example_ids}
    arrays |= {} if groups is None else {"groups": groups.astype(np.int64)}
    for name, array in arrays.items():
        with replacing(folder / f"{name}.npy") as temporary:
            np.save(temporary, array)


def _describe(folder: Path, schema: dict[str, Any]) -> None:
    """Write schema.json last, with the digests of all files beside it."""
    files = sorted(file for file in folder.iterdir() if not file.name.startswith(".") and file.name != "schema.json")
    write_json(folder / "schema.json", schema | {"files": {file.name: hash_path(file) for file in files}})


def task_of(class_names: Sequence[str]) -> str:
    return task_for(len(class_names)).name
