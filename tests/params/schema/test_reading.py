"""Sections of params.yaml read one by one, as stages read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pipeline.configuration.loading import load_params
from pipeline.params.competing import read_candidates
from pipeline.params.schema.reading import ParamsError, read_section, read_value
from pipeline.params.training.settings import Training
from pipeline.params.training.splits import Splits, read_seeds
from pipeline.params.training.strategies import Strategy


def change(before: str, after: str) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    assert before in text
    Path("params.yaml").write_text(text.replace(before, after), encoding="utf-8")


def test_sections_are_those_of_the_whole(checkout: Path) -> None:
    params = load_params()
    assert read_section("training", Training) == params.training
    assert read_section("strategies.full", Strategy) == params.strategies["full"]
    assert read_seeds() == params.seeds
    assert read_candidates() == params.candidates()


def test_a_section_is_read_whatever_is_wrong_with_another(checkout: Path) -> None:
    change("image_size: 96 ", "image_size: huge ")
    assert read_section("splits", Splits).validation_fraction == 0.2


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "patience: 8 ",
            "patience: soon ",
            r"params\.yaml: training\.patience = 'soon': input should be a valid integer",
        ),
        ("patience: 8 ", "patiance: 8 ", r"training\.patiance: unknown key; did you mean 'patience'\?"),
    ],
)
def test_what_does_not_fit_is_told_with_its_whole_place(checkout: Path, before: str, after: str, told: str) -> None:
    change(before, after)
    with pytest.raises(ParamsError, match=told):
        read_section("training", Training)


@pytest.mark.parametrize(
    ("seeds", "told"),
    [("[0, 0]", "a seed stands twice"), ("[]", "at least 1 item"), ("[a]", "0"), ("[202406121530]", "less than")],
)
def test_seeds_are_checked_like_any_section(checkout: Path, seeds: str, told: str) -> None:
    change("seeds: [0, 1, 2]", f"seeds: {seeds}")
    with pytest.raises(ParamsError, match=rf"params\.yaml: seeds.*{told}"):
        read_seeds()


def test_a_missing_part_is_told_with_what_is_there(checkout: Path) -> None:
    with pytest.raises(ParamsError, match=r"strategies\.fall: is missing; did you mean 'full'\? Known here: feature_"):
        read_section("strategies.fall", Strategy)
    with pytest.raises(ParamsError, match=r"seeds\.first: is missing"):
        read_value("seeds.first", TypeAdapter(int))
