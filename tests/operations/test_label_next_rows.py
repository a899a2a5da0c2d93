"""What to label next of a table, with a committee: from rows without a target to a file that `retrain` takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.champions.versions import current_champion
from pipeline.configuration.loading import load_params
from pipeline.datasets.store.prepared import DEVELOPMENT, load_prepared
from pipeline.operations.labelling.committee import gather_contenders
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.intake.rows import look_at_rows
from tests.operations.predicting.test_rows import wards  # noqa: F401
from tests.stages.test_tables import patients


@pytest.fixture
def unlabelled(wards: None, tmp_path: Path) -> Iterator[pd.DataFrame]:  # noqa: F811
    """Rows between those of the study, in new.csv; a labelled one, a known one and one twice among them."""
    known = patients()
    table = known.sample(40, random_state=1).reset_index(drop=True)
    numbers = table.select_dtypes("number").columns
    noise = np.random.default_rng(0).normal(0, 0.1, (len(table), len(numbers)))
    table[numbers] = table[numbers] * (1 + noise)
    table = table.assign(state=None)
    table.loc[0, "state"] = "ill"
    table = pd.concat([table, table.tail(1), known.head(1).assign(state=None)], ignore_index=True)
    table.to_csv("new.csv", index=False)
    yield table
    for file in Path("label-next").glob("*"):
        file.unlink()


def test_rows_are_proposed_in_a_table_that_retrain_takes_once_its_target_is_filled_in(
    unlabelled: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label-next", "new.csv", "--number", "6"]) == 0
    said = capsys.readouterr().out
    assert (
        "42 rows, 1 have their target already, 1 repeat rows that are known, 1 repeat another one of them; 39" in said
    )
    assert (
        "label-next/label-next-rows.csv: 6 rows, the most informative first; fill in its column state, then: " in said
    )
    table, rows = pd.read_csv("label-next/label-next.csv"), pd.read_csv("label-next/label-next-rows.csv")
    assert list(table.columns) == ["row", "rank", "predicted", "probability", "disagreement", "reason"]
    assert not Path("label-next/contact-sheet.html").exists()
    assert list(rows.columns) == list(unlabelled.columns) and rows["state"].isna().all()
    for name, row in zip(table["row"], rows.to_dict("records"), strict=True):
        original = unlabelled.iloc[int(name.split()[-1]) - 1]
        assert row["size"] == pytest.approx(original["size"])
    taken = rows.assign(state="ill")
    incoming = Path("data/incoming/label-next-rows.csv")
    incoming.parent.mkdir(parents=True, exist_ok=True)
    taken.to_csv(incoming, index=False)
    try:
        batch = look_at_rows(load_params().data)
        assert (batch.usable_count, batch.unusable_count) == (6, 0)
        assert batch.write(Path("batch"), 0.5, 0) == 0  # none of them is sealed as test
        incoming.rename(incoming.with_name("other.csv"))
        assert look_at_rows(load_params().data).write(Path("batch"), 0.5, 0) == 3
    finally:
        for file in incoming.parent.glob("*.csv"):
            file.unlink()


def test_the_champion_is_asked_first_and_others_beside_it(
    unlabelled: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    today = load_prepared(DEVELOPMENT)
    champion = ReigningChampion(current_champion())
    names = [contender.name for contender in gather_contenders(champion, today)]
    assert names[0] == champion.champion.title
    assert len(names) > 1 and all(champion.champion.candidate in name for name in names)
    (first, *_), inputs = gather_contenders(champion, today), today.inputs[:5]
    answers = first.load()(inputs)
    assert answers.shape == (5, 2) and np.allclose(answers.sum(axis=1), 1)
    assert not np.allclose(answers, champion.served.probabilities(inputs), atol=1e-4)  # calibrated
    assert (answers.argmax(axis=1) == champion.served.probabilities(inputs).argmax(axis=1)).all()
    assert main(["label-next", "new.csv", "--number", "6"]) == 0
    assert f"asked: {'; '.join(names)}" in capsys.readouterr().out
    assert pd.read_csv("label-next/label-next.csv")["disagreement"].max() > 0


def test_a_cell_that_a_spreadsheet_would_compute_keeps_its_row_out(
    unlabelled: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    """An apostrophe before it would make another category of it."""
    unlabelled["ward"] = unlabelled["ward"].astype(object)
    unlabelled.loc[5, "ward"] = "=cmd|' /C calc'!A1"
    unlabelled.to_csv("new.csv", index=False)
    assert main(["label-next", "new.csv", "--number", "100"]) == 0
    assert "1 hold a cell that a spreadsheet would compute" in capsys.readouterr().out
    assert "calc" not in Path("label-next/label-next-rows.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("size\n3\n", "less.csv: the table has no column "),
        ("", "less.csv: "),
    ],
)
def test_a_table_that_is_not_the_studys_is_refused_in_a_sentence(
    unlabelled: pd.DataFrame, capsys: pytest.CaptureFixture[str], table: str, says: str
) -> None:
    Path("less.csv").write_text(table, encoding="utf-8")
    assert main(["label-next", "less.csv"]) == 1
    said = capsys.readouterr().err
    assert says in said and len(said.splitlines()) == 1


def test_labels_that_somebody_filled_in_are_not_written_over(
    unlabelled: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label-next", "new.csv", "--number", "3"]) == 0
    rows = pd.read_csv("label-next/label-next-rows.csv")
    rows.assign(state=["ill", None, None]).to_csv("label-next/label-next-rows.csv", index=False)
    capsys.readouterr()
    assert main(["label-next", "new.csv"]) == 1
    assert "label-next/label-next-rows.csv: has 1 label that somebody filled in" in capsys.readouterr().err
