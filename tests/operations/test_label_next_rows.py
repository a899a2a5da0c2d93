"""What to label next of a table, with a committee: from rows without a target to a file that `retrain` takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.__main__ import main
from pipeline.champions.versions import current_champion
from pipeline.configuration.loading import load_params
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.operations.labelling import committee
from pipeline.operations.labelling.committee import gather_contenders
from pipeline.operations.labelling.row_pool import KNOWN, LABELLED, REPEATED, TAKEN, UNNAMED
from pipeline.operations.labelling.row_pool import look_at_rows as look_at_pool
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.intake.rows import look_at_rows
from pipeline.ownership import md5
from pipeline.trials import read_trial
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


def test_what_retrain_would_refuse_is_seen_before_anybody_labels_it(
    unlabelled: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    unlabelled.assign(colour="red").to_csv("new.csv", index=False)
    assert main(["label-next", "new.csv", "--number", "6"]) == 0
    assert "new.csv: left out 'colour', which the study's table does not have" in capsys.readouterr().out
    assert "colour" not in pd.read_csv("label-next/label-next-rows.csv")
    known = [load_prepared(DEVELOPMENT), load_prepared(TEST)]
    named = load_params().data.model_copy(update={"key": "patient"})
    unlabelled.loc[1, "patient"] = None
    unlabelled.loc[2:, "patient"] = [f"N{row}" for row in range(2, len(unlabelled))]
    unlabelled.loc[3, "patient"] = "P7"
    unlabelled.to_csv("new.csv", index=False)
    left_out = look_at_pool([Path("new.csv")], known, named).left_out
    assert (left_out[UNNAMED], left_out[TAKEN]) == (1, 1)
    unlabelled.drop(columns="patient").to_csv("new.csv", index=False)
    with pytest.raises(TableError, match=r"new\.csv: has no column 'patient', which the study needs \(data\.key\)"):
        look_at_pool([Path("new.csv")], known, named)


def test_a_word_that_means_missing_is_no_label(unlabelled: pd.DataFrame) -> None:
    known = [load_prepared(DEVELOPMENT), load_prepared(TEST)]
    settings = load_params().data.model_copy(update={"missing": ["?"]})
    unlabelled.assign(state="?").to_csv("new.csv", index=False)
    assert look_at_pool([Path("new.csv")], known, settings).left_out[LABELLED] == 0
    unlabelled.assign(state="ill").to_csv("new.csv", index=False)
    assert look_at_pool([Path("new.csv")], known, settings).left_out[LABELLED] > 30


def test_rows_whose_labels_wait_are_known_and_rows_of_two_new_wards_are_two(unlabelled: pd.DataFrame) -> None:
    known, settings = [load_prepared(DEVELOPMENT), load_prepared(TEST)], load_params().data
    twins = pd.concat([unlabelled.iloc[5:6]] * 3).assign(ward=["west", "up", "west"])
    twins.to_csv("new.csv", index=False)
    pool = look_at_pool([Path("new.csv")], known, settings)
    assert (len(pool.names), pool.left_out[REPEATED]) == (2, 1)
    waiting = Path("data/incoming/label-next-rows-0.csv")
    waiting.parent.mkdir(parents=True, exist_ok=True)
    twins.head(1).assign(state="ill").to_csv(waiting, index=False)
    try:
        pool = look_at_pool([Path("new.csv")], known, settings)
    finally:
        waiting.unlink()
    assert (len(pool.names), pool.left_out[KNOWN], pool.left_out[REPEATED]) == (1, 1, 1)


def test_a_model_of_examples_that_were_prepared_anew_since_is_not_asked(unlabelled: pd.DataFrame) -> None:
    """As many classes as today need not be those of today."""
    outs = [{"path": str(path), "md5": md5(path)} for path in Path("results").glob("*/trial.json")]
    trained = {"deps": [{"path": str(DEVELOPMENT), "md5": "then"}], "outs": outs}
    prepared = {"outs": [{"path": str(DEVELOPMENT), "md5": "now"}]}
    YAML(typ="safe").dump({"stages": {"prepare": prepared, "baseline": trained}}, Path("dvc.lock"))
    try:
        assert len(gather_contenders(ReigningChampion(current_champion()), load_prepared(DEVELOPMENT))) == 1
    finally:
        Path("dvc.lock").unlink()


def test_a_member_of_the_champion_is_not_asked_twice_nor_is_a_model_without_a_signature_that_is_demanded(
    unlabelled: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion, today = ReigningChampion(current_champion()), load_prepared(DEVELOPMENT)
    others = len(gather_contenders(champion, today))
    trial = read_trial(champion.champion.candidate)
    monkeypatch.setattr(committee, "files_of", lambda _: [trial.model_file(seed["seed"]) for seed in trial.seeds[:2]])
    assert len(gather_contenders(champion, today)) < others
    monkeypatch.setattr(committee, "files_of", lambda _: [])
    assert len(gather_contenders(champion, today)) == others
    monkeypatch.setenv("KIYAS_VERIFYING_KEY", "champion.pub")
    assert len(gather_contenders(champion, today)) == 1


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
