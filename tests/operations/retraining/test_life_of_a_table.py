"""The life of a model of a table, through the command that a scheduler calls: every week is a test, in this order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.operations.watching.looking import UNLABELLED
from tests.operations.retraining.table_life import (
    INCOMING,
    batches,
    compare_all,
    in_checkout,
    kill_within,
    log_entries,
    retrain_once,
    set_up,
    state,
)

FIRST_WEEK = "first_week"  # a copy as it was then, in which little is cheap to learn from
FEATURES = [f"x{number}" for number in range(60)]


class Clinic:
    """Draws patients: many weak signs of an illness, so that more of them teach more; two visits each."""

    def __init__(self) -> None:
        self.random, self.last = np.random.default_rng(3), 0

    def visits(self, count: int, strength: float = 0.15) -> pd.DataFrame:
        ill = np.repeat(self.random.random(count // 2) < 0.5, 2)
        signs = self.random.normal(0, 1, (count, len(FEATURES))) + strength * (2 * ill[:, None] - 1)
        table = pd.DataFrame(signs.round(6), columns=FEATURES)
        table["town"] = self.random.choice(["north", "south"], count)
        table["visit"] = [f"V{self.last + number:05d}" for number in range(count)]
        table["patient"] = [f"P{(self.last + number) // 2:05d}" for number in range(count)]
        self.last += count
        return table.assign(state=np.where(ill, "ill", "well"))


@pytest.fixture(scope="module")
def clinic() -> Clinic:
    return Clinic()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, clinic: Clinic) -> Path:
    """The first week: a few patients, compared."""
    made = tmp_path_factory.mktemp("life")
    data = {"target": "state", "group": "patient", "key": "visit"}
    set_up(made, data, ["majority", "logistic_table"])
    clinic.visits(280).to_csv(made / "own.csv", index=False)
    with in_checkout(made):
        compare_all()
    shutil.copytree(made, made.with_name(FIRST_WEEK), symlinks=True)
    return made


@pytest.fixture(autouse=True)
def here(folder: Path) -> Iterator[None]:
    with in_checkout(folder):
        yield


def bring(table: pd.DataFrame, name: str = "new.csv") -> None:
    INCOMING.mkdir(parents=True, exist_ok=True)
    (table.to_parquet if name.endswith(".parquet") else table.to_csv)(INCOMING / name, index=False)


def ids(split: str) -> set[str]:
    return set(map(str, np.load(f"data/prepared/{split}/example_ids.npy")))


def test_the_first_comparison_makes_the_first_champion(capsys: pytest.CaptureFixture[str]) -> None:
    ended = retrain_once(capsys)
    assert [(entry["event"], entry["champion"]) for entry in log_entries()] == [("promoted", 1)]
    assert (ended.code, ended.summary["ending"]) == (0, "nothing"), ended


def test_a_few_rows_wait_and_known_ones_are_nothing_new(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    bring(pd.read_csv("own.csv").head(30))
    assert "All 30 rows in data/incoming repeat known ones; remove them." in retrain_once(capsys).reasons
    bring(clinic.visits(6))
    ended = retrain_once(capsys)
    assert (ended.code, ended.summary["ending"], batches()) == (0, "nothing", [])
    assert "6 new rows wait in data/incoming for more (retrain.least_new = 20)" in ended.reasons
    assert "too few to tell whether they drift" in ended.reasons


def test_many_rows_make_a_better_model_which_is_promoted_and_no_row_changes_sides(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside them come rows that are known, and a later visit of somebody who is sealed."""
    before = {split: ids(split) for split in ("development", "test")}
    own = pd.read_csv("own.csv")
    sealed = own["patient"].iloc[int(min(before["test"]).split()[-1]) - 1]
    later = clinic.visits(2).assign(patient=sealed)
    bring(pd.concat([own.tail(10), later, clinic.visits(2600)]), "new.parquet")
    ended = retrain_once(capsys)
    assert (ended.code, ended.summary["ending"]) == (10, "promoted"), ended
    assert log_entries()[-1]["champion"] == 2 and not list(INCOMING.iterdir())
    numbers = ended.summary["numbers"]
    assert numbers["challenger_accuracy"] > numbers["champion_accuracy"] + 0.03
    assert numbers["usable"] == 2608, "the six that waited came in too, the ten that are known did not"
    after = {split: ids(split) for split in ("development", "test")}
    assert before["test"] < after["test"] and before["development"] < after["development"]
    accepted = Path("data/accepted") / ended.summary["batch"]
    sides = {side: pd.read_parquet(accepted / f"rows/{side}.parquet") for side in ("train", "test")}
    assert not set(sides["train"]["patient"]) & set(sides["test"]["patient"]), "visits of one patient stay together"
    assert set(later["visit"]) <= set(sides["test"]["visit"]), "and with the visits that were there before"
    assert 0.2 < len(sides["test"]) / 2608 < 0.4


def test_visits_without_a_diagnosis_say_how_well_the_champion_does_and_when_to_ask_for_diagnoses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    elsewhere = Clinic()
    elsewhere.random = np.random.default_rng(11)
    visits = elsewhere.visits(200).drop(columns="state")
    visits.to_csv("ask.csv", index=False)
    capsys.readouterr()
    assert main(["watch", "ask.csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (estimate,) = told["estimates"]
    assert (estimate["examples"], estimate["worse"], told["alarms"]) == (200, False, [])
    assert estimate["low"] < estimate["before"] < estimate["high"]
    assert set(told["drift"]["columns"]) == {*FEATURES, "town"} and list(told["drift"]["outputs"]) == ["well"]
    assert list(told["labels"]["visible_falls"]) == ["100"], "one visit of each patient"
    visits.assign(x5=visits["x5"] + 3, town="west").to_csv("ask.csv", index=False)
    assert main(["watch", "ask.csv"]) == 20
    said = capsys.readouterr().out
    assert "'x5' (distance" in said and "never seen were 200 of 'town'." in said and "'x7'" not in said
    assert "Labels are worth asking for: " in said and "its inputs have drifted" in said
    visits.drop(columns="x7").to_csv("ask.csv", index=False)
    assert main(["watch", "ask.csv"]) == 1
    assert "ask.csv: the table has no column 'x7'; it has x0, x1" in capsys.readouterr().err
    visits.head(1).to_csv("ask.csv", index=False)
    assert main(["watch", "ask.csv"]) == 1
    assert "1 row that can be read: too few to estimate anything; name at least 10" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda rows: rows.assign(extra=1), "data/incoming/new.csv: column 'extra' is not in the study's table"),
        (lambda rows: rows.drop(columns="state"), "data/incoming/new.csv: column 'state' is lacking"),
        (lambda rows: rows.assign(state="dead"), "row 1: column 'state': 'dead' is a class that was never seen"),
        (
            lambda rows: rows.astype({"x3": object}).assign(x3=["high", *rows["x3"][1:]]),
            "1 of 8 rows in data/incoming are unusable, such as new.csv row 1: column 'x3': 'high' is no number",
        ),
        (
            lambda rows: rows.assign(visit=["V00003", *rows["visit"][1:]]),
            "new.csv row 1: column 'visit': 'V00003' is the key of row 004, which has other values",
        ),
        (
            lambda rows: rows.assign(state=[None, *rows["state"][1:]]),
            "new.csv row 1: column 'state' has no target; fill it in",
        ),
    ],
    ids=["column unknown", "target lacking", "class unknown", "no number", "key of another row", "no target"],
)
def test_faulty_rows_are_refused_by_file_row_and_column_and_nothing_changes(
    change: object, refusal: str, clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    before = batches()
    bring(change(clinic.visits(8)))  # type: ignore[operator]
    ended = retrain_once(capsys)
    assert (ended.code, ended.summary["ending"]) == (20, "asked"), ended
    assert refusal in ended.reasons and "Nothing was taken in" in ended.reasons
    assert batches() == before and (INCOMING / "new.csv").is_file()
    shutil.rmtree(INCOMING)


def test_rows_of_another_kind_are_flagged_column_by_column(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    strangers = clinic.visits(60, strength=0.0)
    strangers["x5"] += 3
    bring(strangers.assign(town="west"))
    UNLABELLED.mkdir()
    strangers.drop(columns="state").assign(town="west").to_csv(UNLABELLED / "more.csv", index=False)
    ended = retrain_once(capsys)
    shutil.rmtree(UNLABELLED)
    (unlabelled,) = ended.summary["unlabelled"]
    assert unlabelled.startswith("data/unlabelled: Labels are worth asking for: ")
    told = " ".join(ended.summary["drift"])
    assert "'x5' (distance" in told and "'town' (Cramér's V" in told and "'x7'" not in told, ended
    assert "The champion is right on" in told and "of 30 new rows" in told, "one visit of each patient"
    assert ended.summary["ending"] == "asked"
    checked = "On these 30 rows the champion would have been estimated to be right on "
    assert checked in ended.reasons and " without their labels (" in ended.reasons
    assert any(reason.startswith(checked) for reason in log_entries()[-1]["reasons"])
    assert main(["promote", "2"]) == 0


@pytest.mark.parametrize("seed", [0])
def test_killed_at_any_moment_one_command_gives_the_undisturbed_result(
    seed: int, folder: Path, clinic: Clinic, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = clinic.visits(40)
    first, twin = tmp_path / "first", tmp_path / "twin"
    shutil.copytree(folder.with_name(FIRST_WEEK), first, symlinks=True)
    with in_checkout(first):
        assert retrain_once(capsys).summary["ending"] == "nothing"
    shutil.copytree(first, twin, symlinks=True)
    results = []
    for place in (first, twin):
        with in_checkout(place):
            bring(table)
            if place == twin:
                assert kill_within(seed, writes=12)
            ended = retrain_once(capsys)
            assert ended.summary["ending"] in ("kept", "promoted"), ended
            results.append(state())
    assert results[0] == results[1]
    assert not results[1]["incoming"] and not results[1]["left"]


def test_a_rollback_brings_the_previous_champion_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollback"]) == 0
    assert log_entries()[-1]["event"] == "rolled back"
    assert retrain_once(capsys).summary["ending"] == "nothing"
    assert main(["predict", "own.csv", "--json"]) == 0
