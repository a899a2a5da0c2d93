"""Damaged inputs are read or refused by name: a short part of `python -m benchmarks.survive`, the same each time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import survive
from benchmarks.survival import kills

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", survive.KINDS)
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
    monkeypatch.setattr(survive.logging, "disable", lambda: None)  # it would last for all tests after this one
    for outcome, status in (("refused", 0), ("fault", 1)):
        monkeypatch.setattr(survive, "attack", lambda *_, outcome=outcome: outcome)
        assert survive.main(["--seconds", "0.01", "--results", str(tmp_path / "rows.json")]) == status
    for faults, status in (([], 0), (["results/a: other bits"], 1)):
        rows = [{"command": "track", "faults": []}, {"command": "start", "faults": faults}]
        monkeypatch.setattr(kills, "run_kills", lambda *_, rows=rows: iter(rows))
        assert survive.main(["--kills", "2"]) == status
