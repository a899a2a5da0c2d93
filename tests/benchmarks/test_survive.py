"""Damaged inputs are read or refused by name: a short part of `python -m benchmarks.survive`, the same each time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks import survive
from benchmarks.record import recorded_rows
from benchmarks.survival import guided, kills
from benchmarks.survival.crowd import growth

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", [name for name in survive.KINDS if name not in survive.SLOW_TO_IMPORT])
def test_sixty_damaged_inputs_of_each_kind(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(survive, "KEPT", tmp_path)
    outcomes = Counter(survive.attack(name, seed) for seed in range(60))
    assert outcomes["fault"] == 0 and outcomes["refused"] > 5


def test_an_error_that_nobody_named_is_a_fault_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(_: Path) -> None:
        raise IndexError("list index out of range")

    kind = survive.Kind(lambda: [b"sound"], ".bin", stumble, (ValueError,))
    monkeypatch.setitem(survive.KINDS, "broken", kind)
    monkeypatch.setattr(survive, "KEPT", tmp_path / "kept")
    assert survive.attack("broken", 3) == "fault"
    assert (tmp_path / "kept" / "broken-3.bin").is_file()


def test_the_exit_status_says_whether_there_was_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(survive, "KINDS", {"broken": None})
    monkeypatch.setattr(survive, "_sound", lambda _: [])
    monkeypatch.setattr(survive.logging, "disable", lambda: None)  # it would last for all tests after this one
    for outcome, status in (("refused", 0), ("fault", 1)):
        monkeypatch.setattr(survive, "attack", lambda *_, outcome=outcome: outcome)
        assert survive.main(["--seconds", "0.01", "--results", str(tmp_path / "rows.json")]) == status
    for faults, status in (([], 0), (["results/a: other bits"], 1)):
        rows = [{"command": "track", "faults": []}, {"command": "start", "faults": faults}]
        monkeypatch.setattr(kills, "run_kills", lambda *_, rows=rows: iter(rows))
        assert survive.main(["--kills", "2"]) == status
        found = [{"input": "photos", "tried": 3, "faults": faults}]
        monkeypatch.setattr(guided, "run_guided", lambda *_, found=found: iter(found))
        assert survive.main(["--guided", "2", "--results", str(tmp_path / "found.json")]) == status
        assert recorded_rows(tmp_path / "found.json") == found


def test_without_the_fuzzers_it_says_which_package_is_missing() -> None:
    if find_spec("atheris"):
        pytest.skip("it is installed here")
    with pytest.raises(SystemExit, match="needs the package atheris: pip install atheris"):
        list(guided.run_guided(1))


def test_kills_are_added_to_those_of_earlier_calls_and_strike_at_other_moments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds: list[int] = []

    def run_kills(wanted: int, seed: int, *_: object) -> Iterator[dict[str, Any]]:
        seeds.append(seed)
        for command in ("start", "track"):
            yield {"command": command, "kills": wanted, "rounds": 1, "faults": [f"{seed}"], "processor_seconds": 2}

    monkeypatch.setattr(kills, "run_kills", run_kills)
    file = tmp_path / "kills.json"
    for _ in range(2):
        assert survive.main(["--kills", "3", "--results", str(file)]) == 1
    assert seeds == [0, 6]
    start = {"command": "start", "kills": 6, "rounds": 2, "faults": ["0", "6"], "processor_seconds": 4}
    assert recorded_rows(file) == [start, start | {"command": "track"}]


def test_what_a_row_of_retrainings_leaves_behind_is_a_fault_where_it_grows() -> None:
    half = {"number": 100, "peak_mb": 400, "open_files": 9, "database_mb": 2.0, "checkout_mb": 50.0}
    assert growth(half, half | {"number": 199, "peak_mb": 410, "database_mb": 5.0, "checkout_mb": 70.0}) == []
    last = half | {"number": 199, "peak_mb": 900, "open_files": 30, "database_mb": 90.0, "checkout_mb": 900.0}
    assert [fault.split(" grew")[0] for fault in growth(half, last)] == [
        "memory",
        "open files",
        "MLflow's database",
        "the checkout",
    ]
