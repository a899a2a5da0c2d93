"""What is written is what is read, without being loaded; the hash covers pixels, labels and names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.store import prepared
from pipeline.datasets.store.columns import Column
from pipeline.datasets.store.prepared import PreparedError, load_prepared, write_prepared, write_table

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), np.uint8)
ROWS = np.array([2, 3, 11, 29])
LABELS = np.array([0, 2, 1, 0])
IDS = ["train/Apple/ş.png", "train/Quince/0.png", "val/Pear/1.png", "train/Apple/2.png"]
CLASSES = ["Apple", "Pear", "Quince"]


def write(folder: Path, **changed: object) -> str:
    parts = {"images": IMAGES, "rows": ROWS, "labels": LABELS, "example_ids": IDS, "class_names": CLASSES} | changed
    return write_prepared(folder, **parts)  # type: ignore[arg-type]


def test_a_split_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "BLOCK", 3 * 3 * 8 * 8)  # more than one piece
    sha256 = write(tmp_path / "split")
    found = load_prepared(tmp_path / "split")
    assert np.array_equal(found.images, IMAGES[ROWS])
    assert np.array_equal(found.labels, LABELS)
    assert found.labels.dtype == np.int64
    assert found.example_ids.tolist() == IDS
    assert (found.task, found.class_names, found.image_size, found.sha256) == ("multiclass", CLASSES, 8, sha256)


def test_images_stay_on_disk_and_cannot_be_changed(tmp_path: Path) -> None:
    write(tmp_path / "split")
    images = load_prepared(tmp_path / "split").images
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_two_classes_are_a_binary_task(tmp_path: Path) -> None:
    write(tmp_path / "split", labels=np.array([0, 1, 1, 0]), class_names=["cat", "dog"])
    assert load_prepared(tmp_path / "split").task == "binary"


def test_the_same_content_has_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "one")
    monkeypatch.setattr(prepared, "BLOCK", 1)
    write(tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


@pytest.mark.parametrize(
    "changed",
    [
        {"rows": np.array([2, 3, 11, 28])},
        {"labels": np.array([0, 2, 1, 1])},
        {"example_ids": [*IDS[:3], "train/Apple/3.png"]},
    ],
)
def test_another_pixel_label_or_name_is_another_hash(tmp_path: Path, changed: dict[str, object]) -> None:
    assert write(tmp_path / "one") != write(tmp_path / "two", **changed)


def test_other_groups_of_a_tables_rows_are_another_hash(tmp_path: Path) -> None:
    table, columns = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0]}), [Column("size")]
    parts = ("table", table, columns, LABELS, np.array(IDS), CLASSES)
    alone, some, others, same = (
        write_table(tmp_path / f"split{number}", *parts, groups)
        for number, groups in enumerate([None, np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1])])
    )
    assert len({alone, some, others}) == 3
    assert some == same


def test_what_is_not_there_yet_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(PreparedError, match=r"schema.json: there is no such file; make it with `dvc repro prepare`"):
        load_prepared(tmp_path)


def forget_digests(folder: Path) -> None:
    """As an earlier version wrote the split."""
    schema = json.loads((folder / "schema.json").read_text())
    del schema["files"]
    (folder / "schema.json").write_text(json.dumps(schema))


def test_parts_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    forget_digests(tmp_path)
    np.save(tmp_path / "labels.npy", LABELS[:3])
    with pytest.raises(PreparedError, match="4 images, 3 labels, 4 ids"):
        load_prepared(tmp_path)


def test_a_pickled_array_is_not_opened(tmp_path: Path) -> None:
    write(tmp_path)
    forget_digests(tmp_path)
    np.save(tmp_path / "labels.npy", np.array([{}] * 4, dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_prepared(tmp_path)
