"""The prepared store: one folder a split, pixels memory-mapped, labels, ids and what they mean beside them.

images.npy (N, S, S, 3) uint8 · labels.npy (N,) int64 · example_ids.npy (N,) str · schema.json
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.trials import read_json, write_json

if TYPE_CHECKING:
    from pipeline.datasets.pixels import Images

PREPARED = Path("data/prepared")
DEVELOPMENT = PREPARED / "development"
TEST = PREPARED / "test"
BLOCK = 32 * 2**20  # bytes of pixels copied at a time


class PreparedError(ValueError):
    """A prepared folder that is not there or does not fit together."""


@dataclass(frozen=True)
class Prepared:
    """One split.

    Attributes:
        images: (N, image_size, image_size, 3) uint8 RGB, memory-mapped and read-only.
        labels: (N,) int64, indices into class_names.
        example_ids: (N,) str, paths within the source folder.
        task: "multiclass" or "binary".
        sha256: over images, labels and ids.
    """

    images: np.ndarray
    labels: np.ndarray
    example_ids: np.ndarray
    task: str
    class_names: list[str]
    image_size: int
    sha256: str


def load_prepared(folder: Path) -> Prepared:
    """Open one split; nothing is read into memory but labels and ids.

    Raises:
        PreparedError: when a file is missing, or they differ in length.
    """
    try:
        schema = read_json(folder / "schema.json")
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / "labels.npy", allow_pickle=False)
        ids = np.load(folder / "example_ids.npy", allow_pickle=False)
    except FileNotFoundError as error:
        raise PreparedError(f"{error.filename}: there is no such file; make it with `dvc repro prepare`") from None
    if not len(images) == len(labels) == len(ids):
        raise PreparedError(
            f"{folder}: {len(images)} images, {len(labels)} labels, {len(ids)} ids; make it anew: "
            "`dvc repro --force prepare`"
        )
    return Prepared(images, labels, ids, schema["task"], schema["class_names"], schema["image_size"], schema["sha256"])


def write_prepared(
    folder: Path,
    images: Images,
    rows: np.ndarray,
    labels: np.ndarray,
    example_ids: Sequence[str],
    class_names: Sequence[str],
    groups: np.ndarray | None = None,
) -> str:
    """Write one split, copying `rows` of `images` piece by piece; returns its SHA-256.

    Args:
        images: (M, S, S, 3) uint8, in memory or in a file.
        rows: (N,) which of them, in the order in which they shall stand.
        labels: (N,) of those rows; example_ids and groups likewise; groups are stored only where there are some.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ids = np.array(example_ids, dtype=np.str_)
    digest = hashlib.sha256()
    with (folder / "images.npy").open("wb") as stream:
        shape = (len(rows), *images.shape[1:])
        np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
        step = max(1, BLOCK // math.prod(shape[1:]))
        for start in range(0, len(rows), step):
            piece = np.ascontiguousarray(images[rows[start : start + step]])
            stream.write(piece.data)
            digest.update(piece.data)
    np.save(folder / "labels.npy", labels.astype(np.int64))
    np.save(folder / "example_ids.npy", ids)
    if groups is not None:
        np.save(folder / "groups.npy", groups.astype(np.int64))
        digest.update(groups.astype("<i8").tobytes())
    digest.update(labels.astype("<i8").tobytes())
    digest.update("\0".join(ids.tolist()).encode())
    schema = {
        "task": task_of(class_names),
        "class_names": list(class_names),
        "image_size": images.shape[1],
        "sha256": digest.hexdigest(),
    }
    write_json(folder / "schema.json", schema)
    return digest.hexdigest()


def task_of(class_names: Sequence[str]) -> str:
    return "binary" if len(class_names) == 2 else "multiclass"
