"""prepare turns a folder as people have them into two clean splits, and tells what it left out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from ruamel.yaml import YAML

from pipeline.datasets.photos.folders import FolderError
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.stages import prepare


@pytest.fixture
def prepared(checkout: Path) -> Callable[..., dict[str, Any]]:
    """Runs prepare on the folder `photos` under changed `data` parameters; returns dataset.json."""

    def run(**changed: Any) -> dict[str, Any]:
        yaml = YAML(typ="safe")
        params = yaml.load(Path("params.yaml"))
        params["data"].update({"fetch": [], "path": "photos", "image_size": 80} | changed)
        yaml.dump(params, Path("params.yaml"))
        prepare.run()
        return json.loads(Path("data/prepared/dataset.json").read_text(encoding="utf-8"))

    return run


def add_photos(inside: str, *numbers: int) -> None:
    """Photos of random pixels under photos/<inside>, named and drawn by number."""
    for number in numbers:
        pixels = np.random.default_rng(number).integers(0, 256, (90, 70, 3), np.uint8)
        file = Path("photos", inside, f"{number:03d}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)


def quarantined() -> list[list[str]]:
    table = pd.read_csv("data/prepared/quarantine.csv", keep_default_na=False)
    assert list(table.columns) == ["example", "reason", "duplicate_of", "split", "class_name"]
    return table.to_numpy().tolist()


def test_a_folder_without_splits_has_its_test_split_drawn(checkout: Path, prepared: Callable[..., Any]) -> None:
    add_photos("Pear", *range(20))
    add_photos("Apple", *range(100, 140))
    dataset = prepared(test_fraction=0.25)
    assert dataset["test_split"] == "drawn"
    assert dataset["counts"] == {"development": {"Apple": 30, "Pear": 15}, "test": {"Apple": 10, "Pear": 5}}
    assert dataset["sizes"] == {"development": 45, "test": 15}
    assert dataset["source"] == {"name": None, "path": "photos", "package": None}
    development, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
    assert not set(development.example_ids) & set(test.example_ids)
    assert (development.task, development.class_names, dataset["task"]) == ("binary", ["Apple", "Pear"], "binary")
    assert dataset["hashes"] == {"development": development.sha256, "test": test.sha256}
    for split in (development, test):
        assert [name.split("/")[0] for name in split.example_ids] == [split.class_names[n] for n in split.labels]


def test_a_limit_of_numbers_is_kept_however_small(checkout: Path, prepared: Callable[..., Any]) -> None:
    add_photos("", *range(120))
    rows = [f"{number:03d}.png,{number}" for number in range(120)]
    Path("photos/labels.csv").write_text("\n".join(["file,size", *rows]), encoding="utf-8")
    labels = {"file": "labels.csv", "path": "file", "label": "size"}
    assert prepared(labels=labels, task="regression", limit=25)["sizes"] == {"development": 25, "test": 25}


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        (
            lambda number: number // 20,
            "each class stands in a single group, and groups are not divided, so none can be set",
        ),
        (lambda number: min(number // 10, 2), "of what is left to learn from each class stands in a single group"),
    ],
)
def test_groups_that_leave_nothing_to_test_or_validate_on_are_refused(
    checkout: Path, prepared: Callable[..., Any], groups: Callable[[int], int], says: str
) -> None:
    add_photos("", *range(40))
    rows = [f"{number:03d}.png,{'Pear' if number < 20 else 'Apple'},{groups(number)}" for number in range(40)]
    Path("photos/labels.csv").write_text("\n".join(["file,kind,tree", *rows]), encoding="utf-8")
    labels = {"file": "labels.csv", "path": "file", "label": "kind", "group": "tree"}
    with pytest.raises(FolderError, match=f"photos: data.labels.group = 'tree': {says}"):
        prepared(labels=labels)


def test_a_test_split_that_is_there_is_the_test_split(checkout: Path, prepared: Callable[..., Any]) -> None:
    for number, name in enumerate(("Apple", "Pear", "Quince")):
        add_photos(f"train/{name}", *range(number * 100, number * 100 + 6))
        add_photos(f"val/{name}", number * 100 + 20)
        add_photos(f"test/{name}", *range(number * 100 + 30, number * 100 + 33))
    dataset = prepared()
    assert (dataset["test_split"], dataset["task"], dataset["quarantined"]) == ("given", "multiclass", 0)
    assert dataset["sizes"] == {"development": 21, "test": 9}
    assert all(name.startswith("test/") for name in load_prepared(TEST).example_ids)
    assert quarantined() == []


def test_what_is_stored_is_what_the_photos_show(checkout: Path, prepared: Callable[..., Any]) -> None:
    add_photos("Pear", *range(20))
    add_photos("Apple", *range(100, 120))
    prepared()
    for folder in (DEVELOPMENT, TEST):
        split = load_prepared(folder)
        for pixels, name in zip(split.images, split.example_ids, strict=True):
            shown = Image.open(Path("photos", str(name))).resize((80, 80), Image.Resampling.BILINEAR)
            assert np.array_equal(pixels, np.asarray(shown))


def test_what_is_left_out_is_listed_with_its_reason(
    checkout: Path, prepared: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    add_photos("train/Pear", *range(8))
    add_photos("train/Apple", *range(100, 108), 3)  # 3: a pear, too
    add_photos("test/Pear", 30, 5)  # 5: in training, too
    add_photos("test/Apple", 130, 131)
    Path("photos/test/Apple/copy.png").write_bytes(Path("photos/test/Apple/130.png").read_bytes())
    Path("photos/train/Pear/notes.txt").write_text("ripe", encoding="utf-8")
    with caplog.at_level(logging.INFO, "kiyas"):
        dataset = prepared()
    assert quarantined() == [
        ["test/Apple/copy.png", "a second copy of the same picture", "test/Apple/130.png", "test", "Apple"],
        ["train/Apple/003.png", "the same picture stands under two labels", "train/Pear/003.png", "train", "Apple"],
        ["train/Pear/003.png", "the same picture stands under two labels", "train/Apple/003.png", "train", "Pear"],
        ["train/Pear/005.png", "the same picture stands in the test split", "test/Pear/005.png", "train", "Pear"],
        ["train/Pear/notes.txt", "is not a picture of a known kind", "", "train", "Pear"],
    ]
    assert dataset["counts"] == {"development": {"Apple": 8, "Pear": 6}, "test": {"Apple": 2, "Pear": 2}}
    assert dataset["quarantined"] == 5
    assert "kept 18 of 23 photos in 2 classes: 14 to learn from, 4 sealed as test" in caplog.text
    assert "left out 2: the same picture stands under two labels" in caplog.text


def test_a_limit_holds_for_each_split(checkout: Path, prepared: Callable[..., Any]) -> None:
    add_photos("train/Pear", *range(40))
    add_photos("train/Apple", *range(100, 130))
    add_photos("test/Pear", *range(200, 210))
    add_photos("test/Apple", *range(300, 325))
    dataset = prepared(limit=50)
    assert dataset["counts"] == {"development": {"Apple": 21, "Pear": 29}, "test": {"Apple": 25, "Pear": 10}}


def test_too_few_usable_photos_leave_the_earlier_result(checkout: Path, prepared: Callable[..., Any]) -> None:
    add_photos("Pear", *range(20))
    add_photos("Apple", *range(100, 120))
    before = prepared()
    for file in sorted(Path("photos/Pear").iterdir())[4:]:
        file.write_bytes(b"broken")
    with pytest.raises(FolderError, match="Pear has 3; each class needs at least 5"):
        prepared()
    assert load_prepared(DEVELOPMENT).sha256 == before["hashes"]["development"]
    assert not [file for file in Path("data/prepared").iterdir() if file.name.startswith(".")]


def test_running_again_gives_the_same_bytes(checkout: Path, prepared: Callable[..., Any]) -> None:
    add_photos("Pear", *range(20))
    add_photos("Apple", *range(100, 120))
    prepared(limit=20)
    first = {file: file.read_bytes() for file in Path("data/prepared").rglob("*") if file.is_file()}
    assert len(first) == 10
    time.sleep(0.01)
    prepared(limit=20)
    assert {file: file.read_bytes() for file in Path("data/prepared").rglob("*") if file.is_file()} == first


def test_accepted_batches_join_the_side_that_they_say_and_change_nothing_older(
    checkout: Path, prepared: Callable[..., Any]
) -> None:
    add_photos("Pear", *range(20))
    add_photos("Apple", *range(100, 120))
    prepared()
    before = {folder: set(load_prepared(folder).example_ids) for folder in (DEVELOPMENT, TEST)}
    sealed = sorted(before[TEST])[0]  # an apple
    for batch, inside, numbers in (
        ("2024-01", "train/Pear", [50, 3]),  # 3 stands in the folder
        ("2024-01", "test/Apple", [150]),
        ("2024-02", "test/Pear", [51, 50]),  # 50 came with the first batch
    ):
        add_photos(f"../data/accepted/{batch}/photos/{inside}", *numbers)
    contradicting = Path("data/accepted/2024-02/photos/test/Pear/contradicts.png")
    contradicting.write_bytes(Path("photos", sealed).read_bytes())
    dataset = prepared()
    assert set(load_prepared(DEVELOPMENT).example_ids) - before[DEVELOPMENT] == {"accepted/2024-01/train/Pear/050.png"}
    assert set(load_prepared(TEST).example_ids) - before[TEST] == {
        "accepted/2024-01/test/Apple/150.png",
        "accepted/2024-02/test/Pear/051.png",
    }
    assert all(before[folder] <= set(load_prepared(folder).example_ids) for folder in before)
    assert [row[:3] for row in quarantined()] == [
        ["accepted/2024-01/train/Pear/003.png", "the same picture came earlier", "Pear/003.png"],
        [
            "accepted/2024-02/test/Pear/050.png",
            "the same picture came earlier",
            "accepted/2024-01/train/Pear/050.png",
        ],
        [
            "accepted/2024-02/test/Pear/contradicts.png",
            "the same picture came earlier under another label",
            sealed,
        ],
    ]
    assert dataset["repeats"]["exact"]["earlier"] == 2
    assert dataset["repeats"]["exact"]["contradicts_earlier"] == 1


def test_a_limit_holds_for_the_folder_and_not_for_batches(checkout: Path, prepared: Callable[..., Any]) -> None:
    add_photos("Pear", *range(60))
    add_photos("Apple", *range(100, 160))
    add_photos("../data/accepted/b/photos/train/Pear", 300, 301)
    assert prepared(limit=40)["sizes"] == {"development": 42, "test": 30}
