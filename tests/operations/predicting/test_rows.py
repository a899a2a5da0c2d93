"""A champion that learned from a table: registered by the first comparison, asked by file and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.__main__ import main
from pipeline.champions import versions
from pipeline.champions.answering import load
from pipeline.champions.enrolment import register_advised
from pipeline.datasets.store.prepared import TEST, load_prepared
from tests.champions.test_bundle import serving
from tests.documented import run_elsewhere
from tests.stages.conftest import in_a_checkout
from tests.stages.test_tables import patients, run_graph

CHAMPION = "classical-logistic_table"


@pytest.fixture(scope="module")
def wards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A checkout, the current directory meanwhile, whose version 1 tells the ill from the well."""
    with in_a_checkout(tmp_path_factory.mktemp("wards")):
        patients().to_csv("own.csv", index=False)
        run_graph({"target": "state"}, ["majority", "logistic_table"])
        champion = register_advised()
        assert champion and (champion.version, champion.candidate) == (1, CHAMPION)
        yield


@pytest.fixture
def asked(wards: None) -> pd.DataFrame:
    """The rows to ask about; one has holes, one a ward never seen."""
    rows = patients().drop(columns="state").head(6)
    rows.loc[0, ["size", "ward"]] = None
    rows.loc[1, "ward"] = "west"
    return rows


def test_the_rows_of_a_file_are_answered_as_when_they_were_evaluated(
    asked: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = patients()
    everything.drop(columns="state").to_csv("ask.csv", sep=";", decimal=",", index=False)
    assert main(["predict", "ask.csv", "--parquet", "answers.parquet"]) == 0
    answers = pd.read_parquet("answers.parquet")
    assert list(answers.columns) == ["file", "row", "predicted", "probability", "p_ill", "p_well"]
    assert list(answers["row"]) == list(range(1, len(everything) + 1))
    stored = pd.read_parquet("champions/1/predictions.parquet").query("split == 'test'")
    rows = [int(name.split()[-1]) - 1 for name in stored["example"]]
    assert set(stored["example"]) == set(map(str, load_prepared(TEST).example_ids))
    np.testing.assert_allclose(answers["p_well"].to_numpy()[rows], stored["p_1"], atol=1e-6)
    capsys.readouterr()
    assert main(["champions"]) == 0
    told = capsys.readouterr().out
    assert f"champion: version 1, {CHAMPION}, seed" in told
    low, high = versions.read_champion(1).model_interval or (1.0, 0.0)
    assert f"to expect of this model on unseen examples: test accuracy {low:.3f} to {high:.3f}" in told


def test_missing_values_and_unseen_categories_are_answered_and_a_missing_column_is_named(
    asked: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.to_csv("ask.csv", index=False)
    assert main(["predict", "ask.csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["champion"]["candidate"], len(told["predictions"])) == (CHAMPION, 6)
    first = told["predictions"][0]
    assert (first["file"], first["row"]) == ("ask.csv", 1)
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert first["probability"] == first["probabilities"][first["predicted"]]
    asked.drop(columns=["size", "blood"]).to_csv("less.csv", index=False)
    assert main(["predict", "less.csv"]) == 1
    assert "less.csv: the table has no column 'size', 'blood'; it has patient, ward" in capsys.readouterr().err
    assert main(["predict", "params.yaml"]) == 1
    assert "params.yaml: the champion learned from a table" in capsys.readouterr().err


def test_rows_are_answered_over_http_as_json_and_csv_and_garbage_is_the_askers_fault(
    asked: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = load(versions.answering_folder(1)).predict(asked)["p_ill"].to_list()
    elsewhere, model = tmp_path_factory.mktemp("elsewhere"), versions.model_folder(1).resolve()
    example = json.loads((model / "serving_input_example.json").read_text(encoding="utf-8"))
    split = json.loads(asked.to_json(orient="split", index=False))
    with serving(model, elsewhere) as ask:
        for body in ({"dataframe_split": split}, {"dataframe_records": json.loads(asked.to_json(orient="records"))}):
            status, answer = ask(body)
            assert status == 200, answer
            assert [row["p_ill"] for row in answer["predictions"]] == pytest.approx(expected)
        assert ask(example)[0] == 200
        for body, says in (
            (
                {"dataframe_records": [{"size": "large", "ward": "east", "blood": 0}]},
                "column 'size': 'large' is no number",
            ),
            ({"dataframe_records": [{"ward": "east", "blood": 0}]}, "no column 'size'"),
        ):
            status, answer = ask(body)
            assert status == 400 and says in answer["message"], answer
        assert 400 <= ask({"inputs": [[1, 2]]})[0] < 500
        status, answer = ask(asked.to_csv(index=False))
        assert status == 200 and [row["p_ill"] for row in answer["predictions"]] == pytest.approx(expected)
        assert ask("size\n1\n")[0] == 400


@pytest.mark.usefixtures("checkout")
def test_a_champion_of_numbers_answers_with_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    table = patients().drop(columns="state")
    table.assign(dose=3 * table["size"] + 5).to_csv("own.csv", index=False)
    run_graph({"target": "dose", "task": "regression", "columns": {"size": "number"}}, ["mean", "ridge"])
    champion = register_advised()
    assert champion and (champion.candidate, champion.class_names) == ("classical-ridge", [])
    table.head(3).to_csv("ask.csv", index=False)
    assert main(["predict", "ask.csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["predictions"]
    assert set(told[0]) == {"file", "row", "predicted"}
    assert [row["predicted"] for row in told] == pytest.approx(3 * table["size"].head(3) + 5, abs=2)
    assert main(["champions"]) == 0
    assert "test rmse" in capsys.readouterr().out
    table.to_csv("ask.csv", index=False)
    assert main(["watch", "ask.csv"]) == 0
    assert "No score is estimated: a model that predicts numbers says no probability" in capsys.readouterr().out


@pytest.mark.usefixtures("checkout")
def test_the_same_row_has_one_answer_over_every_channel(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """Zeros in front, truth values, German numbers: from a file, as JSON, as CSV over HTTP, alone and beside others."""
    random = np.random.default_rng(0)
    codes, smokers = random.choice(["01230", "1230", "2B110"], 240), random.choice(["TRUE", "FALSE"], 240)
    price = random.integers(1_000, 9_000, 240) + random.integers(0, 100, 240) / 100
    ill = (codes == "01230") ^ (smokers == "TRUE") ^ (random.random(240) < 0.1)
    written = [f"{number:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".") for number in price]
    table = pd.DataFrame({"zip": codes, "smoker": smokers, "price": written, "state": np.where(ill, "ill", "well")})
    table.to_csv("own.csv", sep=";", index=False)
    run_graph({"target": "state"}, ["majority", "knn_table"])
    champion = register_advised()
    assert champion
    model = versions.model_folder(champion.version).resolve()
    rows = [("01230", "TRUE", "1.037,50"), ("1230", "FALSE", "2.500,00"), ("2B110", "TRUE", "")]
    header = "zip;smoker;price\n"
    together = header + "".join(";".join(row) + "\n" for row in rows)
    expected = from_file(together, capsys)
    for row, answer in zip(rows, expected, strict=True):
        assert from_file(header + ";".join(row) + "\n", capsys) == [pytest.approx(answer)]
    as_csv = "zip,smoker,price\n" + "".join(f'{code},{smoker},"{price}"\n' for code, smoker, price in rows)
    Path("rows.csv").write_text(as_csv, encoding="utf-8")
    assert list(run_elsewhere(Path("comparison/report.html"))["p_ill"]) == pytest.approx(expected)
    with serving(model, tmp_path_factory.mktemp("elsewhere")) as ask:
        assert over_http(ask(as_csv)) == pytest.approx(expected)
        for row, answer in zip(as_csv.splitlines()[1:], expected, strict=True):
            assert over_http(ask(f"zip,smoker,price\n{row}\n")) == [pytest.approx(answer)]
        numbers = [1037.5, 2500, None]
        records = [
            {"zip": code, "smoker": smoker == "TRUE", "price": number}
            for (code, smoker, _), number in zip(rows, numbers, strict=True)
        ]
        assert over_http(ask({"dataframe_records": records})) == pytest.approx(expected)
        for body, says in (
            ('zip,smoker,price\n01230,TRUE,"about 7"\n', "row 0: column 'price': 'about 7' is no number"),
            ('zip,smoker,price\n01230,TRUE,"1.5,7"\n', "row 0: column 'price': '1.5,7' is no number"),
            ({"dataframe_records": [{"zip": 1230, "smoker": True, "price": 1}]}, "column 'zip': 1230 came as a number"),
        ):
            status, answer = ask(body)
            assert status == 400 and says in answer["message"], answer
    signature = YAML(typ="safe").load(model / "MLmodel")["signature"]
    assert [column["name"] for column in json.loads(signature["inputs"])] == ["zip", "smoker", "price"]


def from_file(text: str, capsys: pytest.CaptureFixture[str]) -> list[float]:
    Path("ask.csv").write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", "ask.csv", "--json"]) == 0
    return [row["probabilities"]["ill"] for row in json.loads(capsys.readouterr().out)["predictions"]]


def over_http(answer: tuple[int, Any]) -> list[float]:
    status, content = answer
    assert status == 200, content
    return [row["p_ill"] for row in content["predictions"]]
