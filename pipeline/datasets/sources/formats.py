"""How the files of named sources read: each function takes them by name and gives photos one by one.

What comes as encoded photos stays as it is; what comes as plain pixels leaves as an array, which `encoded` makes a PNG.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FASHION_CLASSES = (
    "t_shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle_boot",
)
# One patient may have several X-rays: person134_bacteria_643.jpeg, NORMAL2-IM-0246-0001-0002.jpeg.
PATIENT = re.compile(r"person\d+|(?:NORMAL2-)?IM-\d+")

Photos = Iterator[tuple[str, bytes | np.ndarray]]


def encoded(content: bytes | np.ndarray) -> bytes:
    """The content of a photo's file; pixels as PNG, which keeps them to the bit."""
    if isinstance(content, bytes):
        return content
    buffer = io.BytesIO()
    Image.fromarray(content).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def read_parquet(files: Mapping[str, bytes], split: str, class_name: str, photo: str, suffix: str) -> Photos:
    """One table with a row a photo: columns of the split, the class and the encoded bytes."""
    import pyarrow.parquet

    (table,) = files.values()
    numbers: Counter[str] = Counter()
    columns = [split, class_name, photo]
    for batch in pyarrow.parquet.ParquetFile(io.BytesIO(table)).iter_batches(batch_size=256, columns=columns):
        for part, name, content in zip(*(batch[column].to_pylist() for column in columns), strict=True):
            folder = f"{part}/{name}"
            yield f"{folder}/{numbers[folder]:04d}{suffix}", content
            numbers[folder] += 1


def read_cifar(files: Mapping[str, bytes], classes: Sequence[str]) -> Photos:
    """The binary version: records of one label and 32×32 red, then green, then blue bytes, row by row."""
    for split, names in _cifar_batches(files).items():
        for start, name in names:
            records = np.frombuffer(files[name], np.uint8).reshape(-1, 1 + 3 * 32 * 32)
            images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            yield from _pictures(split, images, records[:, 0], CIFAR_CLASSES, classes, start)


def read_cifar_sprites(files: Mapping[str, bytes], classes: Sequence[str]) -> Photos:
    """PNG files with an image a row (of 1,024 pixels), 10,000 each, and a JSON list of labels a split."""
    by_name = {PurePosixPath(name).name: content for name, content in files.items()}
    for split, names in _cifar_batches(by_name).items():
        labels = np.array(json.loads(by_name[f"{split}_lables.json"]))  # so spelt
        for start, name in names:
            with Image.open(io.BytesIO(by_name[name])) as sheet:
                images = np.asarray(sheet.convert("RGB")).reshape(-1, 32, 32, 3)
            yield from _pictures(split, images, labels[start : start + len(images)], CIFAR_CLASSES, classes, start)


def read_idx(files: Mapping[str, bytes], classes: Sequence[str]) -> Photos:
    """Gzipped IDX files of grey images and labels: a magic number, the counts (big-endian), then the bytes."""
    by_name = {PurePosixPath(name).name: content for name, content in files.items()}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images = _idx(by_name[f"{prefix}-images-idx3-ubyte.gz"])
        labels = _idx(by_name[f"{prefix}-labels-idx1-ubyte.gz"])
        yield from _pictures(split, images, labels, classes, classes, 0)


def read_xrays(files: Mapping[str, bytes]) -> Photos:
    """…/<train|test>/<class>/<file>.jpeg, left as they are; and labels.csv, which says whose chest each shows."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["path", "label", "split", "patient"])
    for name, content in sorted(files.items()):
        split, class_name, file = name.split("/")[-3:]
        patient = PATIENT.match(file)
        example = f"{split}/{class_name}/{file}"
        rows.writerow([example, class_name, split, patient[0] if patient else ""])
        yield example, content
    yield "labels.csv", table.getvalue().encode()


def read_signs(files: Mapping[str, bytes]) -> Photos:
    """HDF5 files with <split>_set_x (N, 64, 64, 3) and <split>_set_y (N,)."""
    import h5py

    by_name = {PurePosixPath(name).name: content for name, content in files.items()}
    classes = ("zero", "one", "two", "three", "four", "five")
    for split in ("train", "test"):
        with h5py.File(io.BytesIO(by_name[f"{split}_signs.h5"])) as stored:
            images, labels = stored[f"{split}_set_x"][:], stored[f"{split}_set_y"][:]
        yield from _pictures(split, images, labels, classes, classes, 0)


def _cifar_batches(files: Mapping[str, bytes]) -> dict[str, list[tuple[int, str]]]:
    """{split: [(number of the first image, file name)]}; each batch has 10,000 images."""
    names = sorted(name for name in files if "_batch" in name)
    train = [name for name in names if "data_batch" in name]
    return {
        "train": [(10_000 * position, name) for position, name in enumerate(train)],
        "test": [(0, name) for name in names if name not in train],
    }


def _pictures(
    split: str, images: np.ndarray, labels: np.ndarray, names: Sequence[str], wanted: Sequence[str], first: int
) -> Photos:
    """The images of the wanted classes, named by class and by their number within the split."""
    for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True), start=first):
        if names[label] in wanted:
            yield f"{split}/{names[label]}/{number:05d}.png", image


def _idx(content: bytes) -> np.ndarray:
    raw = gzip.decompress(content)
    dimensions = raw[3]
    shape = np.frombuffer(raw, ">u4", dimensions, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
