"""Rows and steps at the gate, without a model: which are known, which refuse the batch, and which stay together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.configuration.loading import load_params
from pipeline.datasets.arrivals.new_rows import NewRows
from pipeline.datasets.arrivals.new_steps import KNOWN, NewSteps
from pipeline.datasets.tables.rows import REPEATED
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.intake import acceptance, incoming
from pipeline.operations.retraining.intake.acceptance import take_in
from pipeline.operations.retraining.intake.incoming import INCOMING
from pipeline.operations.retraining.intake.rows import RowBatch, look_at_rows
from pipeline.operations.retraining.intake.steps import StepBatch
from pipeline.params.data import Data
from tests.conftest import ROOT

GIVEN = {"fetch": [], "path": "own.csv", "image_size": 96, "test_fraction": 0.25, "limit": None, "seed": 0}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    INCOMING.mkdir(parents=True)


def settings(**changed: Any) -> Data:
    return Data(**(GIVEN | {"target": "y"} | changed))


def patients(count: int = 80, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"x": random.normal(size=count).round(4), "y": random.choice(["no", "yes"], count)})
    return table.assign(patient=[f"P{number // 2}" for number in range(count)], visit=[f"V{n}" for n in range(count)])


def batch_of(faults: list[str]) -> RowBatch:
    table = pd.DataFrame({"x": np.arange(len(faults)), "y": "no"})
    names = np.array([f"new.csv row {row}" for row in range(1, len(faults) + 1)], dtype=object)
    return RowBatch(settings(), NewRows(table, names, np.array(faults, dtype=object)), {"new.csv": "a"})


def test_known_rows_say_nothing_of_how_sound_the_new_ones_are() -> None:
    """Two of the ten that are new; of a file that grows, a hundred are known."""
    batch = batch_of([REPEATED] * 90 + [""] * 8 + ["column 'x': 'high' is no number"] * 2)
    assert batch.why_refused(0.1)[0].startswith(
        "2 of 10 rows in data/incoming are unusable, such as new.csv row 99: column 'x': 'high' is no number"
    )
    assert batch.why_refused(0.2) == []


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ([REPEATED, REPEATED], "All 2 rows in data/incoming repeat known ones; remove them."),
        ([REPEATED, "no number"], "None of 2 rows in data/incoming is usable: 1 have faults, and the others repeat"),
    ],
    ids=["all known", "one faulty"],
)
def test_rows_with_faults_are_not_called_known(faults: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(acceptance.GATES, "table", lambda _: batch_of(faults))
    params = load_params(ROOT / "params.yaml")
    limits = params.retrain.model_copy(update={"unusable": 1.0})
    taken = take_in(params.model_copy(update={"data": settings(), "retrain": limits}), None, force=False)
    assert taken.state == "nothing" and taken.reasons[0].startswith(says)


@pytest.mark.parametrize("moment", ["while it was read", "soon after"])
def test_a_table_that_is_still_being_written_waits(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last row, 12. of 12.75, would be a sound one."""
    path = INCOMING / "new.csv"
    path.write_text("x,y\n1.5,no\n12.", encoding="utf-8")

    def go_on(_: object = None) -> None:
        path.write_text("x,y\n1.5,no\n12.75,yes\n", encoding="utf-8")

    def look(_: object) -> RowBatch:
        batch = replace(batch_of([""] * 40), files={"new.csv": hash_path(path)})
        if moment == "while it was read":
            go_on()
        return batch

    monkeypatch.setitem(acceptance.GATES, "table", look)
    monkeypatch.setattr(incoming.time, "sleep", go_on if moment == "soon after" else lambda _: None)
    params = load_params(ROOT / "params.yaml").model_copy(update={"data": settings()})
    taken = take_in(params, None, force=True)
    assert (taken.state, taken.reasons) == (
        "waiting",
        ["data/incoming/new.csv is still being written; the next call looks at it."],
    )


@pytest.mark.parametrize("kind", ["rows", "steps"])
def test_a_file_with_a_header_alone_is_named(kind: str) -> None:
    data = settings()
    if kind == "steps":
        data = settings(target="x", task="regression", time="t", window=3)
    patients().assign(t=range(80)).drop(columns=["patient", "visit"]).to_csv("own.csv", index=False)
    (INCOMING / "new.csv").write_text("x,y,t\n", encoding="utf-8")
    params = load_params(ROOT / "params.yaml").model_copy(update={"data": data})
    taken = take_in(params, None, force=False)
    assert (taken.state, taken.reasons) == (
        "nothing",
        [f"No {kind} stand in data/incoming/new.csv; put some there, or remove what is empty."],
    )
    (INCOMING / "new.csv").unlink()
    assert take_in(params, None, force=False).reasons == ["data/incoming is empty."]


def test_rows_that_differ_in_a_left_out_column_alone_are_no_repeats_where_the_study_has_such_rows() -> None:
    own = patients().assign(x=np.arange(80) % 4).drop(columns="patient")
    own["visit"] = np.arange(80)
    own.to_csv("own.csv", index=False)
    own.head(3).assign(visit=[90, 91, 92]).to_csv(INCOMING / "new.csv", index=False)
    batch = look_at_rows(settings())
    assert "visit" not in batch.table, "it counts the rows, and so is left out"
    assert (batch.usable_count, batch.unusable_count, batch.total) == (3, 0, 3)


def test_a_faulty_row_joins_no_groups() -> None:
    """It is like a known row and of the patient of a new one; without a key it stays out, and joins nothing."""
    own = patients()
    own.to_csv("own.csv", index=False)
    like = own.iloc[0]
    new = pd.DataFrame(
        {"x": [like["x"], 9.5], "y": [like["y"], "no"], "patient": ["new", "new"], "visit": [None, "V900"]}
    )
    new.to_csv(INCOMING / "new.csv", index=False)
    batch = look_at_rows(settings(group="patient", key="visit", duplicates="together"))
    assert [bool(fault) for fault in batch.rows.faults] == [True, False]
    assert batch.sides.tolist() == ["", ""], "a patient who is not known is drawn anew"
    new.assign(visit=["V800", "V900"]).to_csv(INCOMING / "new.csv", index=False)
    joined = look_at_rows(settings(group="patient", key="visit", duplicates="together"))
    assert len(set(joined.sides)) == 1 and joined.sides[0], "as a sound row it does"


def test_a_line_break_in_a_cell_is_no_row_of_its_own() -> None:
    own = patients(120).assign(town=np.array(["north\nside", "south"])[np.arange(120) % 2])
    own.drop(columns=["patient", "visit"]).head(80).to_csv("own.csv", index=False)
    new, sealed = own.drop(columns=["patient", "visit"]).tail(40), []
    for number, table in enumerate((new, new.iloc[::-1])):
        table.to_csv(INCOMING / "new.csv", index=False)
        batch = look_at_rows(settings())
        assert batch.usable_count == 40 and batch.write(Path(f"batch{number}"), 0.25, 0) == 10
        sides = [pd.read_parquet(f"batch{number}/rows/{side}.parquet") for side in ("train", "test")]
        assert [len(side) for side in sides] == [30, 10]
        assert set(sides[1]["town"]) <= {"north\nside", "south"}
        sealed.append(set(sides[1]["x"]))
    assert sealed[0] == sealed[1], "the same rows are sealed in whatever order they come"


def test_one_faulty_step_keeps_a_whole_batch_of_a_series_out_whatever_share_may_be_unusable() -> None:
    table = pd.DataFrame({"t": [str(step) for step in range(100)], "v": 1.0})
    names = np.array([f"new.csv row {row}" for row in range(1, 101)], dtype=object)
    faults = np.array([KNOWN] * 49 + [""] * 50 + ["column 'v': 'much' is no number"], dtype=object)
    batch = StepBatch(settings(target="v", time="t", window=3), NewSteps(table, names, faults), {"new.csv": "a"})
    (refusal,) = batch.why_refused(0.5)
    assert "1 of 100 steps in data/incoming are unusable, such as new.csv row 100: column 'v'" in refusal
    known = replace(batch, steps=NewSteps(table, names, np.where(faults == KNOWN, KNOWN, "")))
    assert known.why_refused(0.5) == [], "those that are known refuse nothing"
