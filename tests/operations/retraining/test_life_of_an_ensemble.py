"""An ensemble as the champion of a table, through the commands: promoted by its name, asked, and retrained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.__main__ import main
from pipeline.champions.versions import read_champion
from tests.operations.retraining.table_life import INCOMING, compare_all, in_checkout, log_entries, retrain_once, set_up
from tests.operations.retraining.test_life_of_a_table import Clinic

SEEDS_OF = "ensemble-seeds-classical-logistic_table"


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    """A checkout whose comparison has put ensembles together."""
    drawn = Clinic()
    set_up(tmp_path, {"target": "state", "group": "patient", "key": "visit"}, ["logistic_table", "knn_table"])
    yaml, file = YAML(typ="safe"), tmp_path / "params.yaml"
    params = yaml.load(file)
    params["compare"]["ensembles"] = {"kinds": ["seeds"], "soups": []}
    yaml.dump(params, file)
    drawn.visits(280).to_csv(tmp_path / "own.csv", index=False)
    with in_checkout(tmp_path):
        compare_all()
        yield drawn


def test_it_is_promoted_by_its_name_answers_and_is_retrained(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["enrol"]) == 0
    told = capsys.readouterr()
    assert main(["promote", SEEDS_OF]) == 0, (told, capsys.readouterr().err)
    champion = read_champion(log_entries()[-1]["champion"])
    assert champion.candidate == SEEDS_OF and len(champion.ensemble["models"]) == 2
    clinic.visits(4).drop(columns="state").to_csv("asked.csv", index=False)
    capsys.readouterr()
    assert main(["predict", "--json", "asked.csv"]) == 0
    assert len(json.loads(capsys.readouterr().out)["predictions"]) == 4
    INCOMING.mkdir(parents=True, exist_ok=True)
    more: pd.DataFrame = clinic.visits(120)
    more.to_csv(INCOMING / "new.csv", index=False)
    ended = retrain_once(capsys)
    assert ended.code in (0, 10, 20) and ended.summary["ending"] in ("kept", "promoted", "asked"), ended
    numbers = log_entries()[-1]["numbers"]
    assert SEEDS_OF in numbers["shortlist"] and "classical-logistic_table" in numbers["shortlist"], numbers
