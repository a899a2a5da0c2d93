"""Photos as they come: nothing that a file holds stops prepare, and all that is left out is listed with its reason."""

from __future__ import annotations

import io
import logging
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from ruamel.yaml import YAML

from pipeline.datasets.photos.folders import FolderError
from pipeline.datasets.photos.leakage import LeakageError
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.datasets.store.splits import draw_validation
from pipeline.ground.files import read_json
from pipeline.params.schema.reading import read_yaml
from pipeline.stages import prepare

Prepare = Callable[..., dict[str, Any]]


@pytest.fixture
def prepared(checkout: Path) -> Prepare:
    """Runs prepare on the folder `photos` under changed `data` parameters; returns dataset.json."""

    def run(**changed: Any) -> dict[str, Any]:
        params = read_yaml(Path("params.yaml"))
        params["data"] |= {"fetch": [], "path": "photos", "image_size": 80} | changed
        YAML(typ="safe", pure=True).dump(params, Path("params.yaml"))
        prepare.run()
        return read_json(Path("data/prepared/dataset.json"))

    return run


def picture(number: int, size: tuple[int, int] = (120, 100)) -> Image.Image:
    """Shapes in colours of its own."""
    shapes = np.random.default_rng(number).integers(0, 256, (9, 9, 3), np.uint8)
    return Image.fromarray(shapes).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def put(name: str, content: bytes) -> None:
    file = Path("photos", name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def put_clean(inside: str, numbers: range) -> None:
    for number in numbers:
        put(f"{inside}/{number:03d}.png", encoded(picture(number)))


def reasons() -> dict[str, str]:
    table = pd.read_csv("data/prepared/quarantine.csv", keep_default_na=False)
    return dict(zip(table["example"], table["reason"], strict=True))


def stored() -> dict[str, np.ndarray]:
    """{example: pixels} of both splits."""
    splits = (load_prepared(folder) for folder in (DEVELOPMENT, TEST))
    return {name: image for split in splits for name, image in zip(split.example_ids, split.images, strict=True)}


GOOD = {
    "wrong extension.txt": lambda: encoded(picture(200), "JPEG", quality=95),
    "no extension": lambda: encoded(picture(201), "WEBP", lossless=True),
    "sixteen bits.png": lambda: encoded(Image.fromarray(np.asarray(picture(202).convert("L")).astype(np.uint16) * 257)),
    "cmyk.jpg": lambda: encoded(picture(203).convert("CMYK"), "JPEG", quality=95),
    "grey.png": lambda: encoded(picture(204).convert("L")),
    "alpha.png": lambda: encoded(picture(205).convert("RGBA")),
    "palette.gif": lambda: encoded(picture(206).convert("P", palette=Image.Palette.ADAPTIVE), "GIF"),
    "animated.gif": lambda: encoded(picture(207), "GIF", save_all=True, append_images=[picture(208)]),
    "çilek ağacı ışığı.png": lambda: encoded(picture(209)),
    "苹果.png": lambda: encoded(picture(210)),
    "many pixels.jpg": lambda: encoded(picture(211, (9000, 6000)), "JPEG", quality=50),
}
BAD = {
    "truncated.jpg": (lambda: encoded(picture(220, (600, 600)), "JPEG")[:900], "cannot be decoded"),
    "truncated.png": (lambda: encoded(picture(221, (600, 600)))[:900], "cannot be decoded"),
    "nothing.jpg": (lambda: b"", "is empty"),
    "words.jpg": (lambda: b"no picture", "is not a picture of a known kind"),
    "page.html": (lambda: b"<html>404</html>", "is not a picture of a known kind"),
    "one pixel.png": (lambda: encoded(Image.new("RGB", (1, 1))), "is 1×1 pixels, too small to show anything"),
    "bomb.png": (lambda: encoded(Image.new("1", (20_000, 20_000))), "has more pixels than a photo can have"),
    "huge.png": (lambda: encoded(Image.new("1", (9_000, 8_000))), "has 72 million pixels, more than 50 million"),
}


def test_every_kind_of_dirt_is_read_right_or_left_out_with_its_reason(
    checkout: Path, prepared: Prepare, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put_clean("Pear", range(10))
    put_clean("Apple", range(20, 30))
    for name, make in GOOD.items():
        put(f"Pear/{name}", make())
    for name, (make, _) in BAD.items():
        put(f"Apple/{name}", make())
    (tmp_path / "elsewhere.png").write_bytes(encoded(picture(250)))
    Path("photos/Apple/link.png").symlink_to(tmp_path / "elsewhere.png")
    Path("photos/Apple/broken link.png").symlink_to("gone.png")
    Path("photos/Pear/000.PNG").write_bytes(encoded(picture(251)))  # differs from 000.png in case alone
    with caplog.at_level(logging.INFO, "kiyas"):
        dataset = prepared()
    found = reasons()
    for name, (_, reason) in BAD.items():
        assert found.pop(f"Apple/{name}").startswith(reason)
    assert found == {
        "Apple/link.png": "is a link out of the folder",
        "Apple/broken link.png": "is a link that leads nowhere",
    }
    kept = stored()
    assert {f"Pear/{name}" for name in [*GOOD, "000.PNG", "000.png"]} <= set(kept)
    for name, number in (("wrong extension.txt", 200), ("cmyk.jpg", 203), ("animated.gif", 207), ("苹果.png", 210)):
        shown = np.asarray(picture(number).resize((80, 80), Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(kept[f"Pear/{name}"] - shown).mean() < 8
    assert dataset["quarantined"] == len(BAD) + 2
    assert "kept 32 of 42 photos in 2 classes" in caplog.text
    assert "left out 2: is not a picture of a known kind" in caplog.text


def test_an_archive_is_read_like_a_folder(checkout: Path, prepared: Prepare) -> None:
    with zipfile.ZipFile("photos.zip", "w") as archive:
        for name, numbers in (("Pear", range(8)), ("Ağaç", range(20, 28))):
            for number in numbers:
                archive.writestr(f"all/{name}/{number}.png", encoded(picture(number)))
        archive.writestr("../out.png", b"x")
    dataset = prepared(path="photos.zip")
    assert dataset["class_names"] == ["Ağaç", "Pear"]
    assert dataset["sizes"] == {"development": 12, "test": 4}
    assert reasons() == {"../out.png": "leads out of the archive"}
    assert not Path(".kiyas/prepare").exists()


def test_groups_of_a_table_are_never_divided(checkout: Path, prepared: Prepare) -> None:
    rows = ["file,kind,tree"]
    for number in range(96):
        put(f"all/{number:02d}.png", encoded(picture(number)))
        rows.append(f"all/{number:02d}.png,{('Pear', 'Apple')[number % 2]},{number // 2 % 24}")
    put("labels.csv", "\n".join(rows).encode())
    dataset = prepared(labels={"file": "labels.csv", "path": "file", "label": "kind", "group": "tree"})
    assert sum(dataset["sizes"].values()) == 96
    tree = {f"all/{number:02d}.png": number // 2 % 24 for number in range(96)}
    sides = [{tree[name] for name in load_prepared(folder).example_ids} for folder in (DEVELOPMENT, TEST)]
    assert not sides[0] & sides[1]
    assert 4 <= len(sides[1]) <= 8  # a quarter of 24
    development, groups = load_prepared(DEVELOPMENT), np.load(DEVELOPMENT / "groups.npy")
    numbers = pd.Series(groups).groupby([tree[name] for name in development.example_ids]).nunique()
    assert (numbers == 1).all()
    assert len(set(groups)) == len(sides[0])
    for seed in range(3):
        train, val = draw_validation(development.labels, 0.2, seed, groups)
        assert not set(groups[train]) & set(groups[val])


def test_groups_leave_training_where_a_given_test_split_has_them(checkout: Path, prepared: Prepare) -> None:
    rows = ["path,label,split,patient"]
    for number in range(40):
        put(f"{number:02d}.png", encoded(picture(number)))
        split, patient = "test" if number < 10 else "train", "p3" if number in (3, 15, 16) else number
        rows.append(f"{number:02d}.png,{('ill', 'well')[number % 2]},{split},{patient}")
    put("labels.csv", "\n".join(rows).encode())
    dataset = prepared(labels={"file": "labels.csv", "split": "split", "group": "patient"})
    assert dataset["sizes"] == {"development": 28, "test": 10}
    assert dataset["test_split"] == "given"
    told = "another photo of its group stands in the test split"
    assert reasons() == {"15.png": told, "16.png": told}


def test_without_groups_none_are_stored(checkout: Path, prepared: Prepare) -> None:
    put_clean("Pear", range(8))
    put_clean("Apple", range(20, 28))
    prepared()
    assert not list(Path("data/prepared").rglob("groups.npy"))


def near_copies() -> None:
    """Two classes with a test split, and one pear saved again, smaller, in training."""
    put_clean("train/Pear", range(10))
    put_clean("train/Apple", range(20, 30))
    put_clean("test/Pear", range(40, 44))
    put_clean("test/Apple", range(60, 64))
    put("train/Pear/again.jpg", encoded(picture(41).resize((90, 75)), "JPEG", quality=60))
    put("train/Pear/twice.png", encoded(picture(3)))


def test_a_picture_saved_again_leaves_training_and_not_test(checkout: Path, prepared: Prepare) -> None:
    near_copies()
    dataset = prepared()
    table = pd.read_csv("data/prepared/quarantine.csv", keep_default_na=False)
    assert table[["example", "reason", "duplicate_of"]].to_numpy().tolist() == [
        ["train/Pear/again.jpg", "nearly the same picture stands in the test split", "test/Pear/041.png"],
        ["train/Pear/twice.png", "a second copy of the same picture", "train/Pear/003.png"],
    ]
    assert (dataset["repeats"]["exact"]["within_split"], dataset["repeats"]["near"]["in_test"]) == (1, 1)
    assert dataset["repeats"]["near"]["pairs_confirmed"] == 1


def test_keep_counts_repeats_and_leaves_them_with_a_warning(
    checkout: Path, prepared: Prepare, caplog: pytest.LogCaptureFixture
) -> None:
    near_copies()
    with caplog.at_level(logging.WARNING, "kiyas"):
        dataset = prepared(duplicates="keep", near_duplicates="keep")
    assert dataset["quarantined"] == 0
    assert dataset["sizes"] == {"development": 22, "test": 8}
    assert dataset["repeats"]["near"]["in_test"] == 1
    assert "data.near_duplicates: keep: 1 repeated pictures stay" in caplog.text


@pytest.mark.parametrize(("key", "such_as"), [("duplicates", "twice.png"), ("near_duplicates", "again.jpg")])
def test_fail_names_the_repeats_and_writes_nothing(checkout: Path, prepared: Prepare, key: str, such_as: str) -> None:
    near_copies()
    with pytest.raises(
        LeakageError, match=rf"params.yaml: data.{key} = 'fail', and there are 1, such as train/Pear/{such_as}"
    ):
        prepared(**{key: "fail"})
    assert not Path("data/prepared/dataset.json").exists()
    assert list(pd.read_csv(".kiyas/duplicates.csv")["example"]) == [f"train/Pear/{such_as}"]


def test_too_few_one_class_and_an_untested_class_are_told_with_numbers(
    checkout: Path, prepared: Prepare, caplog: pytest.LogCaptureFixture
) -> None:
    put_clean("train/Pear", range(10))
    put_clean("train/Apple", range(20, 24))
    put_clean("test/Pear", range(40, 44))
    with pytest.raises(
        FolderError, match="too few usable photos to learn from: Apple has 4; each class needs at least 5"
    ):
        prepared()
    put_clean("train/Apple", range(20, 30))
    with caplog.at_level(logging.WARNING, "kiyas"):
        prepared()
    assert "no test photo of Apple: the answer says nothing about them" in caplog.text
    for file in Path("photos/train/Apple").iterdir():
        file.unlink()
    with pytest.raises(FolderError, match="only one class with photos, 'Pear'"):
        prepared()


def refused(prepared: Prepare, **changed: Any) -> str:
    """What prepare says when nothing is left to learn from."""
    with pytest.raises(FolderError) as refusal:
        prepared(**changed)
    return str(refusal.value)


def test_when_all_photos_are_of_a_kind_that_is_not_read_the_reason_is_named_and_listed(
    checkout: Path, prepared: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for name in ("Pear", "Apple"):
        for number in range(8):
            put(f"{name}/{number}.heic", b"\0\0\0\x1cftypheic" + bytes(64))
    put("Apple/letter.docx", b"PK a letter")
    said = refused(prepared)
    assert "photos: too few usable photos to learn from: Apple has 0, Pear has 0" in said
    assert "left out 16: Apple/0.heic is HEIC, which is read where the package pillow-heif is installed" in said
    assert "left out 1: Apple/letter.docx is not a picture of a known kind; convert them" in said
    assert len(reasons()) == 17 and reasons()["Pear/7.heic"].startswith("is HEIC")


def test_when_no_path_of_a_table_leads_to_a_photo_what_is_there_instead_is_named(
    checkout: Path, prepared: Prepare
) -> None:
    put_clean(".", range(20))
    rows = [f"{number:03d},{('Pear', 'Apple')[number % 2]}" for number in range(20)]
    put("labels.csv", "\n".join(["path,label", *rows]).encode())
    said = refused(prepared, labels={"file": "labels.csv"})
    assert "photos/labels.csv: no row with a photo" in said
    assert "left out 20: 000 there is no such file, but 000.png, with an ending; write the paths as" in said
    assert len(reasons()) == 20


def test_when_all_photos_are_links_out_of_the_folder_that_is_named(
    checkout: Path, prepared: Prepare, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.png"
    elsewhere.write_bytes(encoded(picture(1)))
    for name in ("Pear", "Apple"):
        Path("photos", name).mkdir(parents=True)
        for number in range(8):
            Path("photos", name, f"{number}.png").symlink_to(elsewhere)
    said = refused(prepared)
    assert "left out 16: Apple/0.png is a link out of the folder; copy the photos into the folder" in said
    assert len(reasons()) == 16


def test_pictures_of_12_bits_in_16_are_scaled_by_what_they_use_together(checkout: Path, prepared: Prepare) -> None:
    random = np.random.default_rng(0)
    for row, (name, brightest) in enumerate([("Pear", 4095), ("Apple", 2000)] * 8):
        values = np.linspace(0, brightest, 96 * 96).reshape(96, 96) + random.integers(0, 40, (96, 96))
        put(f"{name}/{row}.png", encoded(Image.fromarray(values.clip(0, brightest).astype(np.uint16))))
    dataset = prepared()
    assert dataset["white"] == 4095
    brightest = {name: image.max() for name, image in stored().items()}
    assert all(abs(int(value) - (255 if "Pear" in name else 124)) <= 2 for name, value in brightest.items())


def test_the_classes_are_told_with_their_counts(
    checkout: Path, prepared: Prepare, caplog: pytest.LogCaptureFixture
) -> None:
    put_clean("Pear", range(12))
    put_clean("Apple", range(20, 36))
    with caplog.at_level(logging.INFO, "kiyas"):
        prepared()
    assert "classes: Apple 12 and 4 in test, Pear 9 and 3 in test" in caplog.text
