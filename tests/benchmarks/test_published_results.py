"""The tables of README are those of the rows that the benchmarks of the verdict wrote."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.verdict_calibration import ALL, KEYS, WORLDS
from pipeline.ground.files import read_json

ROOT = Path(__file__).parents[2]
SHOWN = KEYS[:3] + KEYS[4:7]  # whatever was called equivalent stands below the table
POWER = ["told_power", "found_power"]


def table(head: str) -> dict[str, list[str]]:
    """The rows of the table of README that begins with this head, by their first cell."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    start = lines.index(head) + 2
    rows = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        first, *others = (cell.strip() for cell in line.strip("|").split("|"))
        rows[first] = others
    return rows


def rounded(row: dict[str, float], keys: list[str]) -> list[str]:
    return [f"{row[key]:.3f}" for key in keys]


def test_the_table_of_worlds_is_that_of_one_run() -> None:
    kept = {row["world"]: row for row in read_json(ROOT / "benchmarks/results/verdict_calibration.json")}
    assert list(kept) == ALL
    assert all(list(row) == ["world", *KEYS] for row in kept.values())
    shown = table("| world | cover | winner | false | told | true | leader | told power | found |")
    assert shown == {name.replace("_", " "): rounded(kept[name], SHOWN + POWER) for name in WORLDS}


def test_the_table_of_real_data_is_that_of_the_rows() -> None:
    kept = read_json(ROOT / "benchmarks/results/verdict_on_real_data.json")
    shown = table("| data | experiments | cover | winner | false | told | true | leader |")
    assert {re.split(r"\W", name)[0]: cells[1:] for name, cells in shown.items()} == {
        row["world"]: rounded(row, SHOWN) for row in kept
    }


@pytest.mark.parametrize("name", WORLDS)
def test_what_was_measured_keeps_what_is_aimed_at(name: str) -> None:
    """Save where README says why not: cover above 0.97, and the regret that is told with one seed."""
    (row,) = (row for row in read_json(ROOT / "benchmarks/results/verdict_calibration.json") if row["world"] == name)
    assert row["coverage"] >= 0.93 and row["winner_coverage"] >= 0.93
    assert row["false_winners"] <= 0.05 and row["false_equivalence"] <= 0.05
    assert row["true_regret"] <= row["leader_regret"] + 0.013
