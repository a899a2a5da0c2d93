"""Asking the champion: for a person, for a program, and for a folder of any size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.champions.answering import Served
from pipeline.champions.versions import Champion, current_champion
from pipeline.operations.predicting.photos import Answer, answer_photos
from tests.operations.conftest import COLOURS, SIDE, paint, save


@pytest.fixture
def shelf(checkout: Path) -> Path:
    """Nine photos and a text that calls itself one."""
    for colour in COLOURS:
        for number in range(100, 103):
            save(checkout / "shelf" / colour / f"{number}.png", paint(colour, number))
    (checkout / "shelf" / "notes.jpg").write_text("no photo", encoding="utf-8")
    (checkout / "shelf" / ".hidden.jpg").write_text("not looked at", encoding="utf-8")
    return checkout / "shelf"


def test_a_photo_is_answered_with_the_probability_of_every_class(
    champion: Champion, shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "--json", str(shelf / "red" / "100.png")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["champion"]["version"] == 1
    (row,) = told["predictions"]
    assert row["predicted"] == "red"
    assert sum(row["probabilities"].values()) == pytest.approx(1)
    assert row["probability"] == row["probabilities"]["red"] == max(row["probabilities"].values())


def test_the_probability_is_that_of_the_class_that_is_said() -> None:
    """By a threshold of 0.3 it is not the most probable one."""
    row = Answer(Path("a.png"), {"no": 0.6, "yes": 0.4}, predicted="yes").row()
    assert (row["predicted"], row["probability"]) == ("yes", 0.4)
    assert Answer(Path("b.txt"), None, "is not a picture of a known kind").row()["probability"] is None


def test_a_file_that_is_no_photo_is_named_and_the_others_are_answered(
    champion: Champion, shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(shelf)]) == 1
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 10
    assert f"{shelf}/red/101.png  red 0." in said.out
    assert said.err.splitlines() == [
        f"answered by {current_champion().title}",
        f"kiyas predict: {shelf}/notes.jpg: is not a picture of a known kind",
    ]


def test_a_batch_becomes_a_parquet_file_with_a_row_a_photo(
    champion: Champion, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.operations.predicting.photos.BATCH", 4)
    assert main(["predict", str(shelf), "--parquet", "answers.parquet"]) == 1
    table = pd.read_parquet("answers.parquet")
    assert list(table.columns) == ["file", "predicted", "probability", "error", "p_blue", "p_green", "p_red"]
    answered = table[table["error"].isna()]
    assert len(table) == 10 and len(answered) == 9
    assert [Path(file).parent.name for file in answered["file"]] == list(answered["predicted"])


def test_answers_are_handed_out_in_one_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "a.png", "--json", "--parquet", "answers.parquet"]) == 1
    assert "--parquet answers.parquet is to hold them; leave out one of the two" in capsys.readouterr().err


def test_a_missing_file_is_refused_by_name_before_anything_is_loaded(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "nowhere.jpg"]) == 1
    assert "nowhere.jpg: there is no such file or folder" in capsys.readouterr().err


def test_without_a_champion_it_says_how_to_get_one(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(shelf)]) == 1
    assert "there is no champion yet; `make repro` makes the first one" in capsys.readouterr().err


def test_a_table_names_the_photos_beside_it_whatever_else_it_says(
    champion: Champion, shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shelf / "list.csv").write_text("shop,file\n1,red/100.png\n2,blue/101.png\n", encoding="utf-8")
    assert main(["predict", "--json", str(shelf / "list.csv")]) == 0
    told = json.loads(capsys.readouterr().out)["predictions"]
    assert [(row["file"], row["predicted"]) for row in told] == [
        (f"{shelf}/red/100.png", "red"),
        (f"{shelf}/blue/101.png", "blue"),
    ]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("shop,where\n1,red/100.png\n", "has no column called file, path, photo, image, but shop, where"),
        ("shop,file\n1,red/100.png\n2,\n", "row 2: column 'file' is empty"),
    ],
)
def test_a_table_that_names_no_photos_is_refused_by_row_and_column(
    champion: Champion, shelf: Path, capsys: pytest.CaptureFixture[str], table: str, says: str
) -> None:
    (shelf / "list.csv").write_text(table, encoding="utf-8")
    assert main(["predict", str(shelf / "list.csv")]) == 1
    assert says in capsys.readouterr().err


def test_a_number_is_answered_without_probabilities(tmp_path: Path) -> None:
    served = Served(lambda images: images.mean(axis=(1, 2, 3), keepdims=True).reshape(-1, 1), [], SIDE)
    save(tmp_path / "red.png", np.full((SIDE, SIDE, 3), 40, np.uint8))
    (tmp_path / "notes.jpg").write_text("no photo", encoding="utf-8")
    answer, unanswered = answer_photos(served, [tmp_path / "red.png", tmp_path / "notes.jpg"])
    assert answer.row(of_classes=False) == {"file": str(tmp_path / "red.png"), "predicted": 40.0, "error": None}
    assert unanswered.predicted is None and unanswered.error == "is not a picture of a known kind"
