"""Photos without labels: what is told of them, in which words, with which exit code."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline.__main__ import main
from pipeline.champions.versions import Champion, folder_of
from pipeline.operations.retraining.intake.bursts import taken_together
from pipeline.operations.watching import looking
from pipeline.operations.watching.answers import UNNAMED_COSTS
from pipeline.operations.watching.looking import UNLABELLED, say_of_unlabelled
from tests.operations.conftest import COLOURS, paint, save


def shelf(folder: Path, spread: float = 12, count: int = 20, first: int = 100) -> Path:
    for colour in COLOURS:
        for number in range(first, first + count):
            save(folder / f"{colour}-{number}.png", paint(colour, number, spread))
    return folder


def watched(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    code = main(["watch", "--json", *arguments])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code
    return told


def test_photos_of_the_usual_kind_ask_for_no_labels(champion: Champion, capsys: pytest.CaptureFixture[str]) -> None:
    told = watched(capsys, str(shelf(Path("shelf"))))
    (estimate,) = told["estimates"]
    assert (estimate["score"], estimate["examples"], estimate["reference"]) == ("accuracy", 60, 60)
    assert estimate["before"] == 1.0 and estimate["low"] < estimate["value"] <= estimate["high"] == 1.0
    assert (told["exit_code"], told["alarms"], told["labels"]["worth_asking"]) == (0, [], False)
    assert told["promotion"] == {"score": "accuracy", "value": 1.0, "low": 0.9, "high": 1.0}
    assert told["champion"]["version"] == 1 and told["labels"]["visible_falls"]["60"] > 0.05
    assert main(["watch", "shelf"]) == 0
    said = capsys.readouterr()
    assert said.err == "watched: version 1, classical-colours, seed 0\n"
    assert said.out.splitlines() == told["sentences"]
    assert said.out.startswith("On these 60 photos the champion is estimated to be right on")
    assert "When it was registered it was right on 100.0 % (60 test photos), so it may do as well as then." in said.out
    assert "\nNo drift of inputs is seen. In so few, a change of an answer by a distance below 0.3" in said.out
    assert "(concept shift)" in said.out and "(label shift)" in said.out and "another camera" in said.out
    assert "The champion was picked by its score on these test photos, which flatters it" in said.out
    assert "was expected to be" not in said.out, "an interval that is not corrected for the choice says nothing of it"
    assert "nothing is known of test examples that belong together" in said.out, "nothing is prepared here"
    assert "Nothing seen here asks for labels. Labels of 60 photos, drawn at random from these, would show" in said.out


def test_photos_that_the_champion_is_unsure_of_ask_for_labels_by_a_code_of_their_own(
    champion: Champion, capsys: pytest.CaptureFixture[str]
) -> None:
    grey = np.mean(list(COLOURS.values()), axis=0)  # between all classes
    for number in range(60):
        noise = np.random.default_rng(number).normal(0, 12, (16, 16, 3))
        save(Path(f"grey/{number}.png"), (grey + noise).clip(0, 255).astype(np.uint8))
    told = watched(capsys, "grey")
    assert told["exit_code"] == 20
    assert told["estimates"][0]["worse"] and told["estimates"][0]["high"] < 1
    assert told["alarms"][0].startswith("The champion answers otherwise than before: '")
    assert told["labels"]["reasons"] == [
        "the champion's accuracy is estimated to be worse than when it was registered",
        "its inputs have drifted",
    ]
    conclusion = told["sentences"][-1]
    assert conclusion.startswith("Labels are worth asking for: the champion's accuracy is estimated")
    assert "or those that `python -m pipeline label-next` proposes to make it better" in conclusion


def test_the_score_that_was_chosen_is_estimated_and_accuracy_beside_it(
    champion: Champion, capsys: pytest.CaptureFixture[str]
) -> None:
    params = Path("params.yaml").read_text(encoding="utf-8")
    assert "\n  score: null" in params
    Path("params.yaml").write_text(params.replace("\n  score: null", "\n  score: log_loss", 1), encoding="utf-8")
    told = watched(capsys, str(shelf(Path("shelf"))))
    assert [one["score"] for one in told["estimates"]] == ["log_loss", "accuracy"]
    assert told["sentences"][0].startswith("On these 60 photos the champion is estimated to be at a log loss of 0.")


@pytest.mark.parametrize(
    ("costs", "scores"),
    [("{mauve: {red: 5}, red: {mauve: 1}}", ["accuracy"]), ('{"*": {"*": 1}}', ["cost", "accuracy"])],
)
def test_costs_that_do_not_name_the_champions_classes_are_told_and_not_estimated(
    champion: Champion, capsys: pytest.CaptureFixture[str], costs: str, scores: list[str]
) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^  costs:.*\n", "", text).replace("\n  score: null", f"\n  score: cost\n  costs: {costs}", 1)
    Path("params.yaml").write_text(text, encoding="utf-8")
    told = watched(capsys, str(shelf(Path("shelf"))))
    assert [one["score"] for one in told["estimates"]] == scores
    assert (UNNAMED_COSTS in told["sentences"]) == (scores == ["accuracy"])


def test_unreadable_photos_are_named_and_too_many_of_them_are_refused(
    champion: Champion, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shelf(Path("shelf"))
    (folder / "notes.jpg").write_text("no photo", encoding="utf-8")
    assert main(["watch", "shelf"]) == 0
    assert "kiyas watch: shelf/notes.jpg: is not a picture of a known kind\n" in capsys.readouterr().err
    assert watched(capsys, "shelf")["left_out"] == {"shelf/notes.jpg": "is not a picture of a known kind"}
    for number in range(30):
        (folder / f"{number}.jpg").write_text("no photo", encoding="utf-8")
    assert main(["watch", "shelf"]) == 1
    told = capsys.readouterr().err
    assert "kiyas watch: 31 of 91 files are no photos that can be read, such as shelf/0.jpg: is not a picture" in told
    assert "(retrain.unusable = 0.1); mend or remove them" in told


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("one.png", "1 photo that can be read: too few to estimate anything; name at least 10"),
        ("empty", "empty: holds no file; name photos, or a folder with photos"),
        ("nowhere", "nowhere: there is no such file or folder"),
        ("list.csv", "list.csv: has no column called file, path, photo, image, but shop, where"),
    ],
)
def test_what_says_nothing_is_refused_in_a_sentence(
    place: str, says: str, champion: Champion, capsys: pytest.CaptureFixture[str]
) -> None:
    save(Path("one.png"), paint("red", 1))
    Path("empty").mkdir()
    Path("list.csv").write_text("shop,where\n1,red/100.png\n", encoding="utf-8")
    assert main(["watch", place]) == 1
    said = capsys.readouterr()
    assert f"kiyas watch: {says}" in said.err and not said.out


def test_without_a_champion_it_says_how_to_get_one(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(Path("one.png"), paint("red", 1))
    assert main(["watch", "one.png"]) == 1
    assert "there is no champion yet; `make repro` makes the first one" in capsys.readouterr().err
    assert say_of_unlabelled() == []


def test_a_retraining_says_whether_labels_of_what_lies_in_data_unlabelled_are_worth_asking_for(
    champion: Champion, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert say_of_unlabelled() == []
    shelf(UNLABELLED, count=2)
    (told,) = say_of_unlabelled()
    assert told == (
        "data/unlabelled was not looked at: 6 photos that can be read: too few to estimate anything; name at least 10."
    )
    shelf(UNLABELLED)
    (told,) = say_of_unlabelled()
    assert told.startswith("data/unlabelled: Nothing seen here asks for labels.")
    assert told.endswith("`python -m pipeline watch data/unlabelled` says more.")
    monkeypatch.setattr(looking, "MOST", 40)
    (told,) = say_of_unlabelled()
    assert told.startswith("data/unlabelled (40 photos of 60, drawn at random): Nothing seen here")
    assert say_of_unlabelled() == [told], "the same photos in every call"
    shutil.rmtree(UNLABELLED)
    save(UNLABELLED / ".thumbs/1.png", paint("red", 1))
    assert say_of_unlabelled() == [], "files of hidden folders are no photos"


def test_photos_taken_within_seconds_of_one_another_are_one_thing_whatever_their_classes(tmp_path: Path) -> None:
    files = []
    for place, second in enumerate((0, 5, 40, None, 12)):
        exif = Image.Exif()
        if second is not None:
            exif[306] = f"2026:05:01 10:00:{second:02d}"
        files.append(tmp_path / f"{place}.jpg")
        Image.new("RGB", (8, 8)).save(files[-1], exif=exif)
    first, second, third, unknown, last = taken_together(files)
    assert first == second == last and len({first, third, unknown}) == 3


def test_test_photos_that_belong_together_count_as_one_photo(
    champion: Champion, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 20 photos of each of three things there are three photos to calibrate on: the interval is wider."""
    path = folder_of(1) / "predictions.parquet"
    rows = pd.read_parquet(path)
    sure = np.eye(3)[(rows["label"] + (rows.index % 4 == 0)) % 3] * 0.8 + 0.2 / 3
    rows[["p_0", "p_1", "p_2"]] = sure
    rows.to_parquet(path)
    folder = str(shelf(Path("shelf")))
    alone = watched(capsys, folder)["estimates"][0]
    monkeypatch.setattr(
        "pipeline.operations.watching.answers._groups_at_registration", lambda _: (np.arange(60) % 3, [])
    )
    together = watched(capsys, folder)["estimates"][0]
    assert together["high"] - together["low"] > alone["high"] - alone["low"]


def test_photos_with_the_same_pixels_count_as_one_and_known_ones_are_told(
    champion: Champion, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shelf(Path("shelf"), count=10)
    shutil.copy(folder / "red-100.png", folder / "copy.png")
    known = SimpleNamespace(columns=None, images=np.stack([paint("red", 101), paint("red", 900)]))
    monkeypatch.setattr("pipeline.operations.watching.photos.load_prepared", lambda _: known)
    told = watched(capsys, "shelf", "shelf/blue-100.png")
    assert (told["examples"], told["independent"]) == (32, 30)
    assert any(remark.startswith("These 32 photos count as 30: of those that") for remark in told["remarks"])
    assert any(remark.startswith("1 photo of these are like one that is known") for remark in told["remarks"])
    assert "Labels of 30 photos that do not belong together, drawn at random" in told["sentences"][-1]
