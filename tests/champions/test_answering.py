"""A trained model answers for photos in whatever form they come, and says which of them is none."""

from __future__ import annotations

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline.champions.answering import Served
from pipeline.champions.inputs import InputError, as_images, as_rows
from pipeline.datasets.store.columns import Column
from pipeline.scores.decisions import Decision

SIDE = 8
PHOTOS = np.random.default_rng(5).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


def encoded(photo: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG")
    return file.getvalue()


FILES = [encoded(photo) for photo in PHOTOS]
TEXTS = [base64.b64encode(file).decode() for file in FILES]


@pytest.mark.parametrize(
    "photos",
    [
        PHOTOS,
        list(PHOTOS),
        PHOTOS.tolist(),
        PHOTOS.astype(object),
        FILES,
        np.array(FILES, dtype=object),
        TEXTS,
        [TEXTS[0], FILES[1], PHOTOS[2]],
        [Image.fromarray(photo) for photo in PHOTOS],
        pd.DataFrame({"photo": FILES}),
        pd.DataFrame({"anything": TEXTS}),
    ],
    ids=["batch", "raw", "JSON", "objects", "files", "array", "base64", "mixed", "Pillow", "table", "table of base64"],
)
def test_photos_of_every_form_become_the_same_pixels(photos: Any) -> None:
    np.testing.assert_array_equal(as_images(photos, SIDE), PHOTOS)


def test_photos_are_read_from_their_paths_but_never_from_text(tmp_path: Path) -> None:
    file, missing = tmp_path / "apple.png", tmp_path / "pear.png"
    file.write_bytes(FILES[0])
    np.testing.assert_array_equal(as_images([file], SIDE), PHOTOS[:1])
    with pytest.raises(InputError, match="photo 0 is text, but not base64"):
        as_images([str(file)], SIDE)
    with pytest.raises(InputError, match=r"photo 0, .*pear\.png, cannot be read"):
        as_images([missing], SIDE)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "I;16", "1"])
def test_a_pillow_image_is_answered_as_its_file_is(mode: str) -> None:
    picture = Image.fromarray(PHOTOS[0]).convert("L" if mode == "I;16" else mode.replace("LA", "L")).convert(mode)
    if mode == "P":
        picture.info["transparency"] = int(np.asarray(picture)[0, 0])
    file = io.BytesIO()
    picture.save(file, "TIFF" if mode == "CMYK" else "PNG")
    np.testing.assert_array_equal(as_images([picture], SIDE), as_images([file.getvalue()], SIDE))


def test_photos_of_other_sizes_are_made_to_fit_raw_ones_as_encoded_ones() -> None:
    large = np.random.default_rng(6).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    np.testing.assert_array_equal(as_images([large, PHOTOS[0]], SIDE), as_images([encoded(large), FILES[0]], SIDE))


@pytest.mark.parametrize(
    ("photos", "told"),
    [
        ([], "no photo was sent"),
        ([FILES[0], "not base64!"], "photo 1 is text, but not base64"),
        ([b"%PDF-1.7"], "photo 0 is not a picture of a known kind"),
        ([FILES[0][:60]], "photo 0"),
        ([None], r"photo 0 has the shape \(\)"),
        ([[["a"]]], "photo 0 is neither an encoded photo nor rows of RGB pixels"),
        (PHOTOS[..., :1], r"the batch has the shape \(3, 8, 8, 1\)"),
        ([PHOTOS[0] / 255], "photo 0 has values other than whole numbers from 0 to 255"),
        ([PHOTOS[0].astype(int) + 300], "photo 0 has values other than"),
        ([PHOTOS], "photo 0 has the shape"),
        (pd.DataFrame({"photo": TEXTS, "label": "a"}), r"the columns \['photo', 'label'\]; send one"),
    ],
)
def test_what_is_no_photo_is_refused_by_its_number(photos: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        as_images(photos, SIDE)


def brightness(images: np.ndarray) -> np.ndarray:
    """A model of two classes, dark and bright, which remembers the sizes of its batches."""
    bright = images.mean(axis=(1, 2, 3)) / 255
    return np.stack([1 - bright, bright], axis=1)


def test_an_answer_names_the_class_and_every_probability() -> None:
    photos = np.stack([np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE, 3), 255, np.uint8)])
    answer = Served(brightness, ["dark", "bright"], SIDE).predict(photos)
    expected = {
        "predicted": ["dark", "bright"],
        "probability": [1.0, 1.0],
        "p_dark": [1.0, 0.0],
        "p_bright": [0.0, 1.0],
    }
    pd.testing.assert_frame_equal(answer, pd.DataFrame(expected))


def test_batches_of_any_length_are_seen_in_few_sizes_and_answered_in_order() -> None:
    seen = set()

    def watched(images: np.ndarray) -> np.ndarray:
        seen.add(len(images))
        return brightness(images)

    photos = np.random.default_rng(7).integers(0, 256, (150, SIDE, SIDE, 3), dtype=np.uint8)
    served = Served(watched, ["dark", "bright"], SIDE)
    for count in (1, 3, 70, 150):
        np.testing.assert_array_equal(served.probabilities(photos[:count]), brightness(photos[:count]))
    assert seen == {1, 4, 8, 32, 64}


def test_threads_that_ask_at_once_are_answered_one_after_another() -> None:
    inside, most = [], []

    def alone(images: np.ndarray) -> np.ndarray:
        inside.append(1)
        most.append(len(inside))
        answer = brightness(images)
        inside.pop()
        return answer

    served = Served(alone, ["dark", "bright"], SIDE)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: served.predict(PHOTOS), range(40)))
    assert set(most) == {1}


def test_a_model_with_a_threshold_says_the_second_class_from_there_on() -> None:
    served = Served(lambda images: images, ["no", "yes"], SIDE, decision=Decision(threshold=0.2))
    answer = served.as_table(np.array([[0.75, 0.25], [0.9, 0.1]]))
    assert answer["predicted"].tolist() == ["yes", "no"]
    assert answer["probability"].tolist() == [0.25, 0.9]


@pytest.mark.parametrize("names", [[], ["age;smoker"]], ids=["MLflow drops what it does not know", "as it was sent"])
def test_a_csv_with_semicolons_is_refused_with_what_a_server_reads(names: list[str]) -> None:
    table = pd.DataFrame([["52;yes"]] if names else [[]], columns=names)
    with pytest.raises(InputError, match=r"no column 'age', 'smoker'.*CSV with commas between columns and points in"):
        as_rows(table, [Column("age"), Column("smoker", ["no", "yes"])])
