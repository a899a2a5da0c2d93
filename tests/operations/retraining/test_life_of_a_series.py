"""The life of a model of a series, which grows at its end: every week is a test, in this order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.champions.current import load_champion
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

WINDOW = 8


class Shop:
    """A series in which much is followed by little, on one level, then on another."""

    def __init__(self) -> None:
        self.random, self.last, self.state = np.random.default_rng(5), 0, 0.0

    def weeks(self, count: int, level: float = 50.0) -> pd.DataFrame:
        values = []
        for _ in range(count):
            self.state = -0.6 * self.state + self.random.normal(0, 10)
            values.append(round(level + self.state, 4))
        self.last += count
        return pd.DataFrame({"week": np.arange(self.last - count, self.last), "sold": values})


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Path:
    """The first weeks, compared; written with decimal commas, and in no order."""
    made = tmp_path_factory.mktemp("life")
    data = {"target": "sold", "task": "regression", "time": "week", "window": WINDOW}
    set_up(made, data, ["naive", "ridge"])
    shop.weeks(160).sample(frac=1, random_state=0).to_csv(made / "own.csv", index=False, sep=";", decimal=",")
    with in_checkout(made):
        compare_all()
    return made


@pytest.fixture(autouse=True)
def here(folder: Path) -> Iterator[None]:
    with in_checkout(folder):
        yield


def bring(steps: pd.DataFrame, name: str = "new.csv") -> None:
    INCOMING.mkdir(parents=True, exist_ok=True)
    steps.to_csv(INCOMING / name, index=False, sep=";", decimal=",")


def weeks_of(split: str) -> list[int]:
    return [int(str(name).split()[-1]) for name in np.load(f"data/prepared/{split}/example_ids.npy")]


def test_the_first_comparison_makes_a_champion_of_a_series_and_there_is_nothing_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = retrain_once(capsys)
    assert [(entry["event"], entry["champion"]) for entry in log_entries()] == [("promoted", 1)]
    assert (ended.code, ended.summary["ending"]) == (0, "nothing"), ended


def test_the_champion_says_the_next_value_from_the_last_window(capsys: pytest.CaptureFixture[str]) -> None:
    """Asked about the file, about its last values, and about the window itself, it says the same."""
    capsys.readouterr()
    assert main(["predict", "own.csv", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["predictions"]
    assert told["after"] == "159"
    assert 0 < told["predicted"] < 100
    own = pd.read_csv("own.csv", sep=";", decimal=",").sort_values("week")
    last = own["sold"].tail(WINDOW)
    served = load_champion()
    window = pd.DataFrame({f"lag {WINDOW - place}": [value] for place, value in enumerate(last)})
    for asked in (own[["sold"]], window, pd.DataFrame({"sold": [str(value).replace(".", ",") for value in last]})):
        assert served.predict(asked)["predicted"].tolist() == pytest.approx([told["predicted"]], rel=1e-5)
    own[own["week"] != 155].to_csv("gap.csv", index=False)
    assert main(["predict", "gap.csv"]) == 1
    assert "between 154 and 156 some are not there" in capsys.readouterr().err
    own.tail(3).to_csv("short.csv", index=False)
    assert main(["predict", "short.csv"]) == 1
    assert "3 values of 'sold' are too few: the next one is predicted from the last 8" in capsys.readouterr().err


def test_new_steps_are_their_own_labels(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = Shop()
    elsewhere.random, elsewhere.last = np.random.default_rng(7), shop.last
    steps = elsewhere.weeks(60)
    for level, code in ((0, 0), (40, 20)):
        steps.assign(sold=steps["sold"] + level).to_csv("ask.csv", index=False, sep=";", decimal=",")
        capsys.readouterr()
        assert main(["watch", "ask.csv"]) == code
        said = capsys.readouterr().out
        assert "A series brings its labels along, so nothing is estimated: the champion was measured on" in said
        assert "The champion is off by" in said and ("python -m pipeline retrain" in said) == (code == 20)
    assert main(["watch", "own.csv"]) == 1
    assert "own.csv: all steps are known; name a file with steps behind" in capsys.readouterr().err
    steps.assign(sold="much").to_csv("ask.csv", index=False, sep=";")
    assert main(["watch", "ask.csv"]) == 1
    assert "ask.csv row 1: column 'sold': 'much' is no number" in capsys.readouterr().err


def test_a_few_steps_wait(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    bring(shop.weeks(5), "few.csv")
    ended = retrain_once(capsys)
    assert (ended.code, ended.summary["ending"], batches()) == (0, "nothing", [])
    assert "5 new steps wait in data/incoming for more (retrain.least_new = 20)" in ended.reasons
    assert "no larger errors would be seen" in ended.reasons or "of pairs" in ended.reasons


def test_a_new_level_is_flagged_and_learned_and_the_test_rolls_on_to_what_no_champion_has_seen(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {split: weeks_of(split) for split in ("development", "test")}
    bring(shop.weeks(450, level=90.0))  # with fewer, repeating the last value is better than what learned both levels
    ended = retrain_once(capsys)
    assert (ended.code, ended.summary["ending"]) == (10, "promoted"), ended
    assert "The champion is off by" in " ".join(ended.summary["drift"]), ended
    numbers = ended.summary["numbers"]
    assert numbers["score"] == "rmse" and numbers["challenger_score"] < numbers["champion_score"]
    assert numbers["champion_learnt"] == 0 and "champion_accuracy" not in numbers
    after = {split: weeks_of(split) for split in ("development", "test")}
    assert after["test"][-1] == 614 and after["test"] == list(range(after["test"][0], 615))
    assert after["test"][0] > before["test"][0] > before["development"][-1], "it never reaches back"
    known = dict(zip(before["development"], np.load("data/prepared/development/labels.npy"), strict=False))
    own = pd.read_csv("own.csv", sep=";", decimal=",").set_index("week")["sold"]
    assert all(own[week] == value for week, value in known.items()), "what was known is what it was"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda steps: steps.assign(week=steps["week"] - 700), "new.csv row 1: column 'week': '-80' lies before '614'"),
        (lambda steps: steps.assign(week=steps["week"] - 10), "a known step stays: correct one of them"),
        (lambda steps: steps.assign(sold="much"), "new.csv row 1: column 'sold': 'much' is no number"),
        (lambda steps: steps.assign(week="soon"), "column 'week': 'soon' is no time as the series has them"),
        (lambda steps: steps.drop(columns="week"), "data/incoming/new.csv: column 'week' is lacking"),
    ],
    ids=["before its end", "other value", "no number", "no time", "time lacking"],
)
def test_faulty_steps_are_refused_by_file_row_and_column_and_nothing_changes(
    change: object, refusal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = batches()
    bring(change(pd.DataFrame({"week": np.arange(620, 626), "sold": 7.0})))  # type: ignore[operator]
    ended = retrain_once(capsys)
    assert (ended.code, ended.summary["ending"]) == (20, "asked"), ended
    assert refusal in ended.reasons and "Nothing was taken in" in ended.reasons, ended.reasons
    assert batches() == before and (INCOMING / "new.csv").is_file()
    shutil.rmtree(INCOMING)


@pytest.mark.parametrize("seed", [1])
def test_killed_at_any_moment_one_command_gives_the_undisturbed_result(
    seed: int, folder: Path, shop: Shop, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    steps = shop.weeks(30, level=90.0)
    twin = tmp_path / "twin"
    shutil.copytree(folder, twin, symlinks=True)
    results = []
    for place in (folder, twin):
        with in_checkout(place):
            bring(steps)
            if place == twin:
                assert kill_within(seed, writes=12)
            ended = retrain_once(capsys)
            assert ended.summary["ending"] in ("kept", "promoted"), ended
            results.append(state())
    assert results[0] == results[1]
    assert not results[1]["incoming"] and not results[1]["left"]


def test_looks_at_the_stretch_are_counted_as_far_as_it_is_still_there() -> None:
    looks = [entry["numbers"]["look"] for entry in log_entries() if "look" in entry["numbers"]]
    assert looks and max(looks) > 1, "thirty steps leave most of the stretch where it was"
    assert all("until" in entry["numbers"] for entry in log_entries() if "look" in entry["numbers"])
