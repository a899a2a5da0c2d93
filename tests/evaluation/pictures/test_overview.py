"""The picture of what was measured beside accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pipeline.evaluation.pictures.overview import OVERVIEW, corruptions, write_overview
from pipeline.ground.files import write_json

SVG = "{http://www.w3.org/2000/svg}"
ROBUSTNESS = {
    "clean_accuracy": 0.6,
    "accuracy": {"shift_4": 0.5, "mirror": 0.5, "fog_5": 0.125, "fog_1": 0.5, "zoom_blur_3": 0.25},
    "consistency": {"shift_16": 0.75, "shift_4": 0.9, "mirror": 0.8},
}
BINS = [{"confidence": 0.5, "accuracy": 0.2, "count": 1}, {"confidence": 0.9, "accuracy": 0.6, "count": 3}]
CURVES = {
    "occlusion_deletion": [1.0, 0.3, 0.1],
    "occlusion_insertion": [0.1, 1.4, 1.0],
    "chance_deletion": [1.0, 0.7, 0.1],
    "chance_insertion": [0.1, 0.5, 1.0],
}
EVERYTHING = {"robustness": ROBUSTNESS, "calibration": {}, "explanations": {}}
TITLES = ["same answer when moved", "accuracy when corrupted", "reliability", "patches"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_json(tmp_path / "reliability.json", {"before": BINS, "after": BINS})
    write_json(tmp_path / "explanations.json", {"curves": CURVES})
    return tmp_path


def drawn(folder: Path, sections: dict[str, Any], of_numbers: bool = False) -> ElementTree.Element:
    write_overview(folder, "cnn-lecture", sections, of_numbers)
    return ElementTree.parse(folder / OVERVIEW).getroot()


def texts(svg: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()).strip() for element in svg.iter(f"{SVG}text")]


def test_every_measure_has_its_panel_and_says_its_numbers_aloud(folder: Path) -> None:
    svg = drawn(folder, EVERYTHING)
    assert [text for text in texts(svg) if text in TITLES] == TITLES
    assert {"fog", "zoom blur", "mirrored", "temperature-scaled"} <= set(texts(svg))
    assert svg.findtext(f"{SVG}title") == "cnn-lecture: beyond accuracy"
    assert svg.findtext(f"{SVG}desc") == (
        "The same answer for 75% of photos shifted by 16 pixels. "
        "Accuracy 60%; at the strongest corruptions fog 12%, zoom blur 25%. "
        "On average 80% sure and 50% right. "
        "After the first step of deletion 30% of its confidence is left, 70% in a random order."
    )


def test_of_numbers_changes_are_told_and_a_part_of_a_photo_may_lead_far_astray(folder: Path) -> None:
    curves = CURVES | {"occlusion_deletion": [1.0, -0.5, 0.1]}
    write_json(folder / "explanations.json", {"curves": curves})
    robustness = {"clean_mae": 1.5, "mae": {"fog_1": 2.0, "fog_5": 3.0}, "change": {"shift_4": 0.25}}
    svg = drawn(folder, {"robustness": robustness, "explanations": {}}, of_numbers=True)
    assert svg.findtext(f"{SVG}title") == "cnn-lecture: beyond errors"
    assert svg.findtext(f"{SVG}desc") == (
        "Shifted by 4 pixels, the number changes by 0.25 on average. "
        "Mean absolute error 1.5; at the strongest corruptions fog 3. "
        "After the first step of deletion the number has changed by 1.50 standard deviations of the true numbers, by "
        "0.30 in a random order."
    )
    assert "−0.50" in texts(svg) or "−0.5" in texts(svg), "the axis reaches down to it"
    alone = drawn(folder, {"explanations": {}}, of_numbers=True)
    assert "After the first step" in str(alone.findtext(f"{SVG}desc")), "without any altered photo, too"


@pytest.mark.parametrize(
    ("sections", "titles"),
    [
        ({"calibration": {}}, ["reliability"]),
        ({"explanations": {}}, ["patches"]),
        ({"robustness": ROBUSTNESS | {"consistency": {"mirror": 0.8}}}, ["accuracy when corrupted"]),
        ({"robustness": ROBUSTNESS | {"accuracy": {"shift_4": 0.5}}}, ["same answer when moved"]),
    ],
)
def test_what_was_not_measured_has_no_panel(folder: Path, sections: dict[str, Any], titles: list[str]) -> None:
    assert [text for text in texts(drawn(folder, sections)) if text in TITLES] == titles


def test_where_nothing_was_measured_nothing_is_drawn(folder: Path) -> None:
    write_overview(folder, "cnn-lecture", {"classes": {}})
    assert not (folder / OVERVIEW).exists()


def test_the_same_numbers_give_the_same_bytes(folder: Path) -> None:
    drawn(folder, EVERYTHING)
    first = (folder / OVERVIEW).read_bytes()
    drawn(folder, EVERYTHING)
    assert (folder / OVERVIEW).read_bytes() == first


def test_corruptions_are_told_by_kind_and_severity() -> None:
    assert corruptions(ROBUSTNESS["accuracy"]) == {"fog": {1: 0.5, 5: 0.125}, "zoom_blur": {3: 0.25}}  # type: ignore[arg-type]
