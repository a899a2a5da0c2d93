"""Files of named sources, made small: every form of a source gives the same photos under the same names."""

from __future__ import annotations

import gzip
import io
import json

import h5py
import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image

from pipeline.datasets.sources.formats import (
    CIFAR_CLASSES,
    Photos,
    encoded,
    read_cifar,
    read_cifar_sprites,
    read_idx,
    read_parquet,
    read_signs,
    read_xrays,
)

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (9, 32, 32, 3), np.uint8)
LABELS = [3, 5, 2, 0, 3, 9, 2, 3, 5]  # six of training, three of test


def pixels(photos: Photos) -> dict[str, list[int]]:
    """{name: pixels}, decoded where they are encoded."""
    return {name: np.asarray(Image.open(io.BytesIO(encoded(content)))).ravel().tolist() for name, content in photos}


def binary() -> dict[str, bytes]:
    records = [bytes([label]) + image.transpose(2, 0, 1).tobytes() for label, image in zip(LABELS, IMAGES, strict=True)]
    folder = "cifar-10-batches-bin"
    return {f"{folder}/data_batch_1.bin": b"".join(records[:6]), f"{folder}/test_batch.bin": b"".join(records[6:])}


def sprites() -> dict[str, bytes]:
    files = {
        "package/train_lables.json": json.dumps(LABELS[:6]).encode(),
        "package/test_lables.json": json.dumps(LABELS[6:]).encode(),
    }
    for name, part in (("data_batch_1", IMAGES[:6]), ("test_batch", IMAGES[6:])):
        buffer = io.BytesIO()
        Image.fromarray(part.reshape(len(part), 1024, 3)).save(buffer, "PNG")
        files[f"package/{name}.png"] = buffer.getvalue()
    return files


def test_both_forms_of_cifar_give_the_same_photos() -> None:
    official = pixels(read_cifar(binary(), CIFAR_CLASSES))
    assert official == pixels(read_cifar_sprites(sprites(), CIFAR_CLASSES))
    assert list(official) == [
        "train/cat/00000.png",
        "train/dog/00001.png",
        "train/bird/00002.png",
        "train/airplane/00003.png",
        "train/cat/00004.png",
        "train/truck/00005.png",
        "test/bird/00000.png",
        "test/cat/00001.png",
        "test/dog/00002.png",
    ]
    assert official["test/dog/00002.png"] == IMAGES[8].ravel().tolist()


def test_cat_dog_and_bird_are_taken_out_of_it_under_their_own_numbers() -> None:
    three, ten = (pixels(read_cifar(binary(), classes)) for classes in (("cat", "dog", "bird"), CIFAR_CLASSES))
    assert three == {name: content for name, content in ten.items() if name.split("/")[1] in ("cat", "dog", "bird")}
    assert len(three) == 7


def test_batches_are_numbered_on() -> None:
    files = binary()
    files["cifar-10-batches-bin/data_batch_2.bin"] = files["cifar-10-batches-bin/data_batch_1.bin"]
    assert "train/cat/10004.png" in pixels(read_cifar(files, ("cat",)))


def test_idx_files_are_read_wherever_they_lie() -> None:
    grey = IMAGES[:5, :28, :28, 0]

    def idx(array: np.ndarray) -> bytes:
        head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        return gzip.compress(head + array.astype(np.uint8).tobytes())

    files = {
        f"usr/share/{part}-{kind}-ubyte.gz": idx(array)
        for part, rows in (("train", slice(0, 3)), ("t10k", slice(3, 5)))
        for kind, array in (("images-idx3", grey[rows]), ("labels-idx1", np.array([1, 0, 1, 0, 1])[rows]))
    }
    found = pixels(read_idx(files, ("shirt", "bag")))
    assert list(found) == [
        "train/bag/00000.png",
        "train/shirt/00001.png",
        "train/bag/00002.png",
        "test/shirt/00000.png",
        "test/bag/00001.png",
    ]
    assert found["test/bag/00001.png"] == grey[4].ravel().tolist()


def test_xrays_come_as_they_are_with_a_table_of_patients() -> None:
    files = {
        "x/pneumonia/train/PNEUMONIA/person13_bacteria_643.jpeg": b"1",
        "x/pneumonia/test/PNEUMONIA/person13_virus_644.jpeg": b"2",
        "x/pneumonia/train/NORMAL/NORMAL2-IM-0246-0001-0002.jpeg": b"3",
        "x/pneumonia/train/NORMAL/IM-0246-0001.jpeg": b"4",
    }
    *photos, (name, table) = read_xrays(files)
    assert sorted(photos) == sorted(("/".join(file.split("/")[2:]), content) for file, content in files.items())
    assert name == "labels.csv"
    assert isinstance(table, bytes)
    assert table.decode().splitlines() == [
        "path,label,split,patient",
        "test/PNEUMONIA/person13_virus_644.jpeg,PNEUMONIA,test,person13",
        "train/NORMAL/IM-0246-0001.jpeg,NORMAL,train,IM-0246",
        "train/NORMAL/NORMAL2-IM-0246-0001-0002.jpeg,NORMAL,train,NORMAL2-IM-0246",
        "train/PNEUMONIA/person13_bacteria_643.jpeg,PNEUMONIA,train,person13",
    ]


def test_hand_signs_are_read_from_hdf5() -> None:
    files = {}
    for split, rows in (("train", slice(0, 4)), ("test", slice(4, 6))):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as stored:
            stored[f"{split}_set_x"] = IMAGES[rows]
            stored[f"{split}_set_y"] = np.array([0, 5, 2, 1, 4, 3])[rows]
        files[f"data/{split}_signs.h5"] = buffer.getvalue()
    found = pixels(read_signs(files))
    assert list(found)[:2] == ["train/zero/00000.png", "train/five/00001.png"]
    assert found["test/three/00001.png"] == IMAGES[5].ravel().tolist()


def test_rows_of_a_table_are_numbered_within_split_and_class() -> None:
    columns = {
        "dataset": ["train", "test", "train", "train", "val"],
        "kind": ["Pear", "Pear", "Pear", "Apple", "Pear"],
        "data": [b"0", b"1", b"2", b"3", b"1"],
    }
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    assert list(read_parquet({"x.parquet": buffer.getvalue()}, "dataset", "kind", "data", ".jpg")) == [
        ("train/Pear/0000.jpg", b"0"),
        ("test/Pear/0000.jpg", b"1"),
        ("train/Pear/0001.jpg", b"2"),
        ("train/Apple/0000.jpg", b"3"),
        ("val/Pear/0000.jpg", b"1"),
    ]
