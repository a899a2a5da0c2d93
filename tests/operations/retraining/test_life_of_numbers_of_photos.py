"""The life of a model that predicts a number from photos: compared, asked, retrained; in this order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline.__main__ import main
from pipeline.champions.current import load_champion
from pipeline.champions.versions import model_folder
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.ground.files import read_json
from pipeline.operations.retraining.intake import sources
from tests.drawn import SIDE, disc, write_discs
from tests.operations.retraining.table_life import (
    INCOMING,
    batches,
    compare_all,
    in_checkout,
    log_entries,
    retrain_once,
    set_up,
)

LABELS = {"file": "labels.csv", "path": "file", "label": "size", "group": "scene"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first discs, compared."""
    made = tmp_path_factory.mktemp("life")
    data = {"path": "discs", "labels": LABELS, "task": "regression", "image_size": SIDE}
    set_up(made, data, ["mean", "ridge_pixels"])
    write_discs(made / "discs", range(90)).to_csv(made / "discs/labels.csv", sep=";", index=False)
    with in_checkout(made):
        compare_all()
    return made


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In that folder; `dvc get-url` of a folder copies it."""
    monkeypatch.setattr(sources, "run_dvc", lambda _, source, target: str(shutil.copytree(source, target)))
    with in_checkout(folder):
        yield


def bring(numbers: range, name: str = "more.csv") -> pd.DataFrame:
    table = write_discs(INCOMING, numbers)
    table.to_csv(INCOMING / name, sep=";", index=False)
    return table


def test_the_winner_becomes_the_champion_and_answers_photos_with_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    first = retrain_once(capsys)
    assert first.code == 0 and [entry["event"] for entry in log_entries()] == ["promoted"]
    assert main(["predict", "--json", "discs/003.png", "discs/labels.csv"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["champion"]["candidate"] == "classical-ridge_pixels"
    assert set(told["predictions"][0]) == {"file", "predicted", "error"} and len(told["predictions"]) == 91
    wanted = {f"discs/{number:03d}.png": disc(number)[1] for number in range(90)}
    off = [abs(row["predicted"] - wanted[row["file"]]) for row in told["predictions"]]
    assert np.median(off) < 1.5
    assert main(["predict", "discs/003.png", "--parquet", "said.parquet"]) == 0
    assert list(pd.read_parquet("said.parquet").columns) == ["file", "predicted", "error"]
    served = load_champion().predict([Path("discs/003.png"), np.asarray(Image.open("discs/004.png"))])
    assert list(served.columns) == ["predicted"]
    assert served["predicted"][0] == pytest.approx(told["predictions"][0]["predicted"], rel=1e-5)  # 2 and 91 at once
    photos = np.stack([disc(number)[0] for number in (3, 4)])
    by_mlflow = mlflow.pyfunc.load_model(str(model_folder(1))).predict(photos)
    np.testing.assert_allclose(by_mlflow["predicted"], served["predicted"], rtol=1e-5)


def test_of_numbers_drift_alone_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["watch", "discs/labels.csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["estimates"], told["alarms"], told["examples"]) == ([], [], 90)
    assert told["remarks"][0].startswith("No score is estimated: a model that predicts numbers says no probability")
    assert told["promotion"]["score"] == "rmse" and list(told["drift"]["outputs"]) == ["predicted"]
    for number in range(30):
        Path("small").mkdir(exist_ok=True)
        Image.fromarray(disc(3)[0] // 2 + number).save(f"small/{number}.png")
    assert main(["watch", "small"]) == 20
    said = capsys.readouterr().out
    assert "The champion answers otherwise than before: 'predicted' (distance" in said
    assert "Labels are worth asking for: its inputs have drifted. Label some drawn at random" in said


def test_a_few_new_photos_wait(capsys: pytest.CaptureFixture[str]) -> None:
    bring(range(100, 106))
    waiting = retrain_once(capsys)
    assert batches() == [] and "6 new photos wait in data/incoming for more" in waiting.reasons
    shutil.rmtree(INCOMING)


def test_new_photos_come_in_by_their_table_and_stay_with_their_scenes(capsys: pytest.CaptureFixture[str]) -> None:
    table = bring(range(100, 130))
    table = pd.concat([table, write_discs(INCOMING, range(140, 142)).assign(scene="scene 5")])
    table.loc[len(table)] = {"file": "nowhere.png", "size": "3", "scene": ""}
    table.to_csv(INCOMING / "more.csv", sep=";", index=False)
    Image.fromarray(disc(3)[0]).save(INCOMING / "again.png")  # known, and named by no table
    retrain_once(capsys)
    (batch,) = batches()
    manifest = read_json(Path(f"data/accepted/{batch}/batch.json"))
    assert manifest["counts"] == {"photos": 32} and manifest["measured"]["drift"]["champion"]["new"] > 10
    assert manifest["left_out"]["nowhere.png"] == "there is no such file"
    assert "is named by no table" in manifest["left_out"]["again.png"]
    assert not list(INCOMING.rglob("*.png"))
    sides = {name: load_prepared(place) for name, place in (("development", DEVELOPMENT), ("test", TEST))}
    scenes: dict[str, set[str]] = {}
    for name, side in sides.items():
        for example, label in zip(side.example_ids, side.labels, strict=True):
            number = int(Path(str(example)).stem)
            assert label == disc(number)[1]
            scenes.setdefault("scene 5" if number >= 140 else f"scene {number // 2}", set()).add(name)
    assert sum(len(side.labels) for side in sides.values()) == 122
    assert all(len(found) == 1 for found in scenes.values())
    assert log_entries()[-1]["numbers"]["drift"]["target"]["p_value"] > 0


def test_a_table_that_grew_brings_only_what_is_new(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_discs(tmp_path / "source", range(100, 140)).to_csv(tmp_path / "source/labels.csv", sep=";", index=False)
    before = set(batches())
    retrain_once(capsys, "--from", str(tmp_path / "source"), "--force")
    (second,) = set(batches()) - before
    assert {path[:3] for path in read_json(Path(f"data/accepted/{second}/batch.json"))["files"]} == {
        *(f"{number}" for number in range(130, 140)),
        "lab",
    }


@pytest.mark.parametrize(
    ("column", "says"),
    [("weight", "has no column 'size', which data.labels.label names"), ("size", "is no number")],
)
def test_a_table_that_is_not_of_the_study_is_refused(
    capsys: pytest.CaptureFixture[str], column: str, says: str
) -> None:
    write_discs(INCOMING, range(150, 172)).assign(size="large").rename(columns={"size": column}).to_csv(
        INCOMING / "wrong.csv", sep=";", index=False
    )
    refused = retrain_once(capsys)
    assert "wrong.csv" in refused.reasons and says in refused.reasons and len(batches()) == 2
    shutil.rmtree(INCOMING)


def test_class_folders_and_a_source_without_a_table_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_discs(tmp_path / "source", range(180, 182))
    refused = retrain_once(capsys, "--from", str(tmp_path / "source"))
    assert "holds no table; it needs photos and beside them a CSV or Parquet file" in refused.reasons
